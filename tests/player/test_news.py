"""What followers are told of strikes is what is heard; and one that does not read costs nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from counts import examples
from player.pieces import Stage, piece
from xylophone.backends.contract import Fault
from xylophone.player.ahead import Ahead, TakenBack
from xylophone.player.engine import QUICK
from xylophone.player.news import Changed, Follower, Met, News


def ahead(news: list[News]) -> list[tuple[float, int, float]]:
    """Return (coil on, bar, contact) of what stands of all that was told."""
    standing: list[tuple[float, int, float]] = []
    for each in news:
        if isinstance(each, Ahead):
            rows = each.rows
            contact = rows["time"] + rows["moved"]
            standing += zip(rows["start"].tolist(), rows["hammer"].tolist(), contact.tolist(), strict=True)
        elif isinstance(each, TakenBack):
            standing = [strike for strike in standing if strike[0] < each.after]
    return standing


def expected(news: list[News]) -> list[tuple[int, float]]:
    """Return (bar, contact) of what stands of all that was told, sorted."""
    return sorted((bar, contact) for _, bar, contact in ahead(news))


@examples(25)
@given(st.integers(0, 2**32))
def test_what_is_told_and_not_taken_back_is_what_is_heard(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stage = Stage()
    news = stage.player.followed(most=100_000)
    stage.player.play([piece(np.sort(rng.uniform(0, 6, 30))) for _ in range(2)])
    for moment in np.sort(rng.uniform(0.1, 12, 8)):
        command = rng.choice(["toggle", "seek", "speed", "next", "volume"])
        stage.clock.at(float(moment), lambda command=command: act(stage, str(command), rng))
    hits = stage.hits()
    place = {hammer.channel: n for n, hammer in enumerate(stage.backend.instrument.hammers)}
    told = expected(news.take())
    struck = sorted(zip((place[channel] for channel in hits["channel"].tolist()), hits["time"], strict=True))
    assert [bar for bar, _ in told] == [bar for bar, _ in struck]
    assert np.allclose([contact for _, contact in told], [contact for _, contact in struck], atol=4e-3)


def act(stage: Stage, command: str, rng: np.random.Generator) -> None:
    player = stage.player
    if player.state == "idle":
        return
    if player.state == "paused":
        player.resume()
    elif command == "toggle":
        player.pause()
        stage.clock.at(stage.clock.now() + 0.3, lambda: player.resume() if player.state == "paused" else None)
    elif command == "seek":
        player.seek(float(rng.uniform(0, player.snapshot().duration)))
    elif command == "speed":
        player.set_speed(float(rng.uniform(0.5, 2)))
    elif command == "volume":
        player.set_volume(float(rng.uniform(0.5, 1)))
    elif player.snapshot().piece == 0:  # at its end coils that are on are cut
        player.next()


def test_one_that_does_not_read_loses_strikes_and_is_told_so() -> None:
    follower = Follower(most=8)
    for after in range(8):
        follower.put(TakenBack(after))
    follower.put(TakenBack(8.0))
    assert follower.take() == [TakenBack(float("-inf")), TakenBack(8.0)]


def test_one_that_does_not_read_keeps_the_newest_faults_and_the_newest_state() -> None:
    stage = Stage()
    shot = stage.player.snapshot()
    follower = Follower(most=8)
    for number in range(50):
        follower.put(Changed(number, shot, None))
        follower.put(Met(Fault(float(number), "trouble")))
        follower.put(TakenBack(float(number)))
    news = follower.take()
    assert len(news) <= 9
    assert [each.number for each in news if isinstance(each, Changed)] == [49]
    assert Met(Fault(49.0, "trouble")) in news
    assert follower.take() == []


def test_a_command_has_taken_effect_with_the_first_of_it_and_the_rest_comes_at_once() -> None:
    stage = Stage()
    news = stage.player.followed()
    stage.player.play(piece(np.arange(0, 6, 0.0625)))
    parts: list[list[News]] = []

    def softer() -> None:
        news.take()
        stage.player.set_volume(0.5).settled().add_done_callback(lambda _: parts.append(news.take()))

    stage.clock.at(2.0, softer)
    stage.clock.at(2.01, lambda: parts.append(news.take()))
    stage.hits()
    begun, rest = ([start for start, _, _ in ahead(part)] for part in parts)
    assert 2.0 < min(begun) <= max(begun) < 2.0 + QUICK
    assert max(begun) < min(rest)
    assert max(rest) > 2.0 + stage.backend.lookahead - 0.1
