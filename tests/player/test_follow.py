"""A queue that is kept elsewhere: what follows is told again and again, and nothing is lost or doubled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from player.pieces import Stage, piece
from xylophone.arranger import Arrangement, arrange
from xylophone.errors import OptionError
from xylophone.instrument import build_instrument
from xylophone.player import PlayerState
from xylophone.player.ahead import TakenBack
from xylophone.player.news import News

BEAT = np.arange(8) * 0.25
LASTS = 2.25  # of such a piece, its silence at the end included


def named(title: str, pitch: int = 67) -> Arrangement:
    return piece(BEAT, [pitch] * len(BEAT), title=title)


def titles(stage: Stage) -> list[str]:
    """Play to the end; return the titles as they came, and make sure that each was whole."""
    seen: list[str] = []
    begun: list[Arrangement] = []

    def look(now: float) -> None:
        del now
        shot = stage.player.snapshot()
        if shot.pieces and (not begun or stage.player.piece is not begun[-1]):
            begun.append(stage.player.piece)
            seen.append(shot.title)

    stage.player._watch = look
    assert len(stage.hits()) == len(BEAT) * len(seen)
    return seen


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_what_follows_is_replaced_before_it_begins(stage: Stage) -> None:
    first = named("first")
    stage.player.play([first, named("second")], more=True)
    stage.clock.at(1.0, lambda: stage.player.follow(first, [named("other")]))
    stage.clock.at(1.5, stage.player.close_queue)
    assert titles(stage) == ["first", "other"]


def test_what_follows_is_replaced_also_when_it_was_handed_over(stage: Stage) -> None:
    first = named("first")
    stage.player.play([first, named("second")], gap=0.0)
    stage.clock.at(LASTS - 0.3, lambda: stage.player.follow(first, [named("other", 80)]))
    assert titles(stage) == ["first", "other"]


def test_what_plays_is_let_be_while_what_follows_is_in_no_plan(stage: Stage) -> None:
    first, news, taken = named("first"), stage.player.followed(), list[News]()
    stage.player.play([first, named("second")], more=True)
    stage.clock.at(0.5, news.take)
    stage.clock.at(0.6, lambda: stage.player.follow(first, [named("other")]))
    stage.clock.at(0.7, lambda: stage.player.follow(first, []))
    stage.clock.at(0.8, lambda: stage.player.follow(first, [named("last")]))
    stage.clock.at(0.9, stage.player.close_queue)
    stage.clock.at(1.0, lambda: taken.extend(news.take()))
    assert titles(stage) == ["first", "last"]
    assert taken
    assert not any(isinstance(each, TakenBack) for each in taken)


def test_nothing_follows_any_more(stage: Stage) -> None:
    first = named("first")
    stage.player.play([first, named("second")])
    stage.clock.at(1.0, lambda: stage.player.follow(first, []))
    assert titles(stage) == ["first"]


def test_what_has_begun_is_let_be(stage: Stage) -> None:
    first = named("first")
    stage.player.play([first, named("second")], gap=0.0)
    stage.clock.at(LASTS + 1.0, lambda: stage.player.follow(first, [named("other")]))
    assert titles(stage) == ["first", "second"]


def test_one_that_is_not_in_the_queue_has_no_followers(stage: Stage) -> None:
    first = named("first")
    stage.player.play([first, named("second")])
    stage.clock.at(1.0, lambda: stage.player.follow(named("first"), [named("other")]))
    assert titles(stage) == ["first", "second"]


def test_what_comes_while_the_queue_waits_begins_as_soon_as_it_can(stage: Stage) -> None:
    first = named("first")
    stage.player.play(first, more=True)
    stage.clock.at(10.0, lambda: stage.player.follow(first, [named("other")]))
    stage.clock.at(10.1, stage.player.close_queue)
    assert titles(stage) == ["first", "other"]
    assert stage.clock.now() < 10.5 + LASTS + 1.0


def test_in_a_pause_it_is_replaced_too(stage: Stage) -> None:
    first = named("first")
    stage.player.play([first, named("second")])
    stage.clock.at(1.0, stage.player.pause)
    stage.clock.at(2.0, lambda: stage.player.follow(first, [named("other")]))
    stage.clock.at(3.0, stage.player.resume)
    assert titles(stage) == ["first", "other"]


def test_pieces_that_are_over_are_forgotten(stage: Stage) -> None:
    pieces = [named(str(number)) for number in range(20)]
    most: list[int] = []
    seen: list[Arrangement] = []

    def look(now: float) -> None:
        del now
        most.append(stage.player.snapshot().pieces)
        sounding = stage.player.piece
        if sounding is not None and (not seen or sounding is not seen[-1]):
            seen.append(sounding)
            place = next(n for n, each in enumerate(pieces) if each is sounding)
            stage.player.follow(sounding, pieces[place + 1 : place + 2])

    stage.player._watch = look
    stage.player.play(pieces[0])
    assert len(stage.hits()) == 20 * len(BEAT)
    assert max(most) <= 3


def test_a_piece_for_other_hammers_is_refused(stage: Stage) -> None:
    first = named("first")
    stage.player.play(first)
    other = arrange(first.song, build_instrument("glockenspiel"))
    with pytest.raises(OptionError, match="for the backend's instrument"):
        stage.player.follow(first, [other])


@examples(30)
@given(st.integers(0, 2**32))
def test_whatever_is_told_when_each_piece_that_sounds_is_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stage, first = Stage(), named("0")
    stage.player.play(first, more=True, gap=float(rng.choice([0.0, 0.05, 1.0])))

    def tell(number: int) -> None:
        if (sounding := stage.player.piece) is not None and stage.player.state is PlayerState.PLAYING:
            stage.player.follow(sounding, [named(f"{number}.{n}") for n in range(int(rng.integers(0, 3)))])

    for number, moment in enumerate(np.sort(rng.uniform(0.1, 10, 12))):
        stage.clock.at(float(moment), lambda number=number: tell(number))
    stage.clock.at(11.0, stage.player.close_queue)
    titles(stage)


def test_in_a_pause_just_before_the_next_begins_nothing_follows_any_more(stage: Stage) -> None:
    first = named("first")
    stage.player.play([first, named("second")], gap=0.0)
    stage.clock.at(LASTS - 0.05, stage.player.pause)
    stage.clock.at(LASTS + 1.0, lambda: stage.player.follow(first, []))
    stage.clock.at(LASTS + 2.0, stage.player.resume)
    assert titles(stage) == ["first"]
