"""A player that stays: it waits for what comes, stops in an emergency and plays again."""

from __future__ import annotations

import numpy as np
import pytest

from player.pieces import Stage, piece
from xylophone.backends.contract import Coils
from xylophone.errors import BackendError, OptionError, PlayerError, SafetyError
from xylophone.player import PlayerState
from xylophone.player.ahead import TakenBack
from xylophone.player.news import Changed, Follower, Met

BEAT = np.arange(8) * 0.25


@pytest.fixture
def stage() -> Stage:
    return Stage()


def heard(stage: Stage) -> list[float]:
    """Return when bars were struck, to the ms."""
    stage.backend.close()
    return [round(float(time), 3) for time in stage.backend.outcome().hits["time"]]


def test_it_stays_while_nothing_plays_and_plays_what_comes(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    clock.at(100.0, lambda: player.play(piece(BEAT)))
    clock.at(200.0, lambda: player.play(piece(BEAT[:3])))
    clock.at(300.0, player.leave)
    player.run()
    times = heard(stage)
    assert clock.now() == 300.0
    assert len(times) == 11
    assert 100.0 < times[0] < times[7] < 102.0 < 200.0 < times[8]
    assert player.state is PlayerState.IDLE
    assert stage.backend.coils is Coils.OFF


def test_it_notices_a_fault_while_nothing_plays(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    clock.at(50.0, lambda: stage.backend._faults.add(clock.now(), "the fan stands still"))
    seen: list[float] = []
    news = player.followed(lambda: seen.append(clock.now()))
    clock.at(60.0, player.leave)
    player.run()
    assert [each.fault.message for each in news.take() if isinstance(each, Met)] == ["the fan stands still"]
    assert any(50.0 <= moment <= 50.5 for moment in seen)


def test_a_fatal_fault_ends_it_while_nothing_plays(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    clock.at(50.0, lambda: stage.backend._faults.add(clock.now(), "the cable is out", BackendError))
    with pytest.raises(BackendError, match="the cable is out"):
        player.run()
    assert 50.0 <= clock.now() <= 50.5
    assert player.state is PlayerState.FAILED


def test_an_emergency_ends_all_and_holds_until_it_is_released(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    refused: list[str] = []

    def press() -> None:
        player.emergency()
        for command in (lambda: player.play(piece(BEAT)), player.resume, lambda: player.add(piece(BEAT))):
            with pytest.raises(SafetyError) as error:
                command()
            refused.append(str(error.value))

    player.play(piece(BEAT), repeat=True)
    clock.at(10.0, press)
    clock.at(20.0, player.release)
    clock.at(30.0, lambda: player.play(piece(BEAT[:2])))
    clock.at(40.0, player.leave)
    player.run()
    times = np.array(heard(stage))
    assert not np.any((times > 10.03) & (times < 30.0))
    assert np.count_nonzero(times > 30.0) == 2
    assert all("release it first" in words for words in refused)


def test_what_was_asked_for_before_an_emergency_is_dropped(stage: Stage) -> None:
    clock, player = stage.clock, stage.player

    def at_once() -> None:
        player.play(piece(BEAT))
        waited = player.settled()
        player.emergency()
        player.release()
        with pytest.raises(SafetyError):
            waited.result(0)

    clock.at(10.0, at_once)
    clock.at(20.0, player.leave)
    player.run()
    assert heard(stage) == []
    assert player.state is PlayerState.IDLE


def test_a_stop_from_elsewhere_is_told_by_wait_and_can_be_released(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    player.play(piece(BEAT), repeat=True)
    clock.at(5.0, stage.backend.stop)
    with pytest.raises(SafetyError):
        player.wait()
    assert player.state is PlayerState.STOPPED
    player.release().play(piece(BEAT[:4])).wait()
    times = np.array(heard(stage))
    assert np.count_nonzero(times > 5.1) == 4


def test_a_stop_from_elsewhere_while_it_is_paused_is_noticed(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    player.play(piece(BEAT), repeat=True)
    clock.at(1.0, player.pause)
    clock.at(5.0, stage.backend.stop)
    with pytest.raises(SafetyError):
        player.wait()
    assert clock.now() < 6.0


def test_a_stop_from_elsewhere_does_not_end_one_that_stays(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    states: list[PlayerState] = []
    player.play(piece(BEAT), repeat=True)
    clock.at(5.0, stage.backend.stop)
    clock.at(7.0, lambda: states.append(player.state))
    clock.at(8.0, player.release)
    clock.at(9.0, lambda: player.play(piece(BEAT[:4])))
    clock.at(20.0, player.leave)
    player.run()
    times = np.array(heard(stage))
    assert states == [PlayerState.STOPPED]
    assert not np.any((times > 5.05) & (times < 9.0))
    assert np.count_nonzero(times > 9.0) == 4


@pytest.mark.parametrize("at", [0.5, 3.0, 500.0])
def test_it_begins_at_a_moment(stage: Stage, at: float) -> None:
    stage.player.play(piece(BEAT), at=at).wait()
    assert heard(stage) == pytest.approx(at + BEAT, abs=2e-3)


def test_the_moment_is_that_of_the_place_it_begins_from(stage: Stage) -> None:
    stage.player.play(piece(BEAT), at=7.0, start=0.5).wait()
    assert heard(stage) == pytest.approx(7.0 + BEAT[:6], abs=2e-3)


def test_a_moment_that_is_past_is_refused(stage: Stage) -> None:
    stage.clock.wait_until(5.0)
    for at in (4.9, float("nan"), float("inf")):
        with pytest.raises(OptionError, match=r"give a backend time from 5\.000 s on"):
            stage.player.play(piece(BEAT), at=at)
    assert stage.player.state is PlayerState.IDLE


def test_what_is_settled_has_taken_effect(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    done: list[tuple[float, PlayerState, float]] = []

    def ask() -> None:
        promise = player.set_speed(2.0).settled()
        promise.add_done_callback(lambda p: done.append((clock.now(), p.result().state, p.result().speed)))

    player.play(piece(BEAT))
    clock.at(0.7, ask)
    player.wait()
    assert done == [(0.7, PlayerState.PLAYING, 2.0)]


def test_what_waits_for_a_player_that_fails_hears_of_it(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    promises = []

    def fail() -> None:
        promises.append(player.settled())
        stage.backend._faults.add(clock.now(), "the cable is out", BackendError)

    player.play(piece(BEAT))
    clock.at(0.7, fail)
    with pytest.raises(BackendError):
        player.wait()
    promises.append(player.settled())
    with pytest.raises(BackendError):
        promises[0].result(0)
    with pytest.raises(PlayerError, match="open the backend again"):
        promises[1].result(0)


def test_leaving_is_possible_before_it_runs_and_while_it_plays(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    player.play(piece(BEAT), repeat=True)
    clock.at(3.0, player.leave)
    player.run()
    assert clock.now() == 3.0
    assert stage.backend.coils is Coils.OFF
    assert heard(stage)[-1] < 3.1
    other = Stage()
    other.player.leave()
    other.player.run()
    assert other.clock.now() == 0.0


def test_states_are_numbered_and_told_when_they_hold(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    told: list[Changed] = []
    followers: list[Follower] = []

    def look() -> None:
        told.extend(each for news in followers for each in news.take() if isinstance(each, Changed))

    followers.append(player.followed(look))
    look()
    player.play([piece(BEAT, title="one"), piece(BEAT, title="two")])
    clock.at(1.0, player.pause)
    clock.at(2.0, player.resume)
    player.wait()
    states = [(each.shot.state, each.piece.song.title if each.piece else "") for each in told]
    assert states[0] == (PlayerState.IDLE, "")
    assert [state for state, _ in states[1:]].count(PlayerState.PAUSED) == 1
    assert states[-1] == (PlayerState.IDLE, "two")
    assert [each.number for each in told] == list(range(told[0].number, told[0].number + len(told)))
    begins = next(each for each in told if each.piece is not None and each.piece.song.title == "two")
    assert begins.shot.position == pytest.approx(0.0, abs=2e-3)


def test_one_that_is_forgotten_is_told_nothing_more(stage: Stage) -> None:
    news = stage.player.followed()
    stage.player.forget(news)
    news.take()
    stage.player.play(piece(BEAT)).wait()
    assert news.take() == []


def test_an_emergency_takes_back_what_was_told(stage: Stage) -> None:
    clock, player = stage.clock, stage.player
    news = player.followed()
    player.play(piece(BEAT))
    clock.at(0.5, player.emergency)
    player.wait()
    assert TakenBack(0.5) in news.take()
