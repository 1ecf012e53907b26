"""Strikes that are asked for one by one: each is heard at its moment, whatever its loudness, or counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from player.pieces import INSTRUMENT, Stage, piece
from xylophone.errors import OptionError, PlayerError, SafetyError
from xylophone.player.ahead import Ahead
from xylophone.player.states import PlayerState
from xylophone.tables import STRIKE, Rows, Strikes, as_strikes

Blow = tuple[float, int, float]


def strikes(*rows: Blow) -> Strikes:
    """Return strikes of (time, hammer, velocity)."""
    table = np.zeros(len(rows), STRIKE)
    table["source"] = -1
    for key, column in zip(("time", "hammer", "velocity"), zip(*rows, strict=True), strict=False):
        table[key] = column
    return as_strikes(table)


def ask(stage: Stage, moment: float, rows: Sequence[Blow]) -> None:
    """Have these strikes asked for at a moment, so that each sounds `notice` and its own time later."""
    later = stage.player.notice

    def asked() -> None:
        stage.player.strike(strikes(*((moment + later + time, h, v) for time, h, v in rows)))

    stage.clock.at(moment, asked)


def heard(stage: Stage, until: float) -> Rows:
    """Run the player until a moment; return the first blows, by time."""
    stage.clock.at(until, stage.player.leave)
    stage.player.run()
    stage.backend.close()
    hits = stage.backend.outcome().hits
    return np.sort(hits[~hits["double"]], order="time")


@pytest.mark.parametrize("velocity", [1.0, 40.0, 127.0])
def test_a_strike_is_heard_as_long_after_it_was_asked_for_however_loud(velocity: float) -> None:
    stage = Stage()
    ask(stage, 1.0, [(0.0, 7, velocity)])
    hits = heard(stage, 2.0)
    assert hits["time"] == pytest.approx([1.0 + stage.player.notice], abs=1e-3)
    assert hits["channel"].tolist() == [INSTRUMENT.hammers[7].channel]
    assert not stage.player.refusals


def test_the_notice_is_the_longest_latency_and_a_little() -> None:
    """Longest is that of the softest strikes of a full chord, whose coils share the supply."""
    stage = Stage()
    follower = stage.player.followed()
    ask(stage, 1.0, [(0.0, hammer, 1.0) for hammer in range(8)])
    heard(stage, 2.0)
    (rows,) = [news.rows for news in follower.take() if isinstance(news, Ahead)]
    longest = float((rows["time"] + rows["moved"] - rows["start"]).max())
    assert longest < stage.player.notice <= longest + 0.020


@examples(12)
@given(st.integers(0, 10**6), st.sampled_from([0.02, 0.06, 0.3]))
def test_whatever_is_asked_for_in_time_is_struck_at_its_moment_and_never_late(
    seed: int, apart: float
) -> None:
    rng = np.random.default_rng(seed)
    stage = Stage()
    moments = 1.0 + np.cumsum(rng.exponential(apart, 25))
    asked = []
    for moment in moments.tolist():
        hammers = rng.choice(30, rng.integers(1, 7), replace=False).tolist()
        rows = [(0.0, hammer, float(rng.uniform(1, 127))) for hammer in hammers]
        ask(stage, moment, rows)
        asked += [(moment + stage.player.notice, hammer) for hammer in hammers]
    hits = heard(stage, float(moments[-1]) + 2.0)
    refused = stage.player.refusals
    assert "late" not in refused
    assert len(hits) == len(asked) - refused.total()
    places = {hammer.channel: place for place, hammer in enumerate(INSTRUMENT.hammers)}
    left = list(asked)
    for hit in hits:
        near = [a for a in left if a[1] == places[int(hit["channel"])] and abs(a[0] - hit["time"]) < 0.035]
        assert near, "struck without being asked for, or far from its moment"
        left.remove(near[0])


def test_what_is_asked_for_too_late_is_counted_and_not_struck() -> None:
    stage = Stage()
    stage.clock.at(1.0, lambda: stage.player.strike(strikes((1.005, 3, 60.0))))
    assert len(heard(stage, 2.0)) == 0
    assert stage.player.refusals == {"late": 1}


def test_a_key_that_is_pressed_too_fast_has_the_first_blow_only() -> None:
    stage = Stage()
    ask(stage, 1.0, [(0.0, 3, 60.0)])
    ask(stage, 1.02, [(0.0, 3, 60.0)])
    assert len(heard(stage, 2.0)) == 1
    assert stage.player.refusals == {"recovery": 1}


def test_while_a_song_plays_nothing_can_be_struck_and_while_it_is_paused_all_can() -> None:
    stage = Stage()
    song = piece([0.0, 0.5, 1.0, 1.5, 2.0], [67, 69, 71, 72, 74])
    stage.clock.at(0.1, lambda: stage.player.play(song))
    refused: list[str] = []

    def too_early() -> None:
        with pytest.raises(PlayerError) as caught:
            stage.player.strike(strikes((1.5, 20, 60.0)))
        refused.append(str(caught.value))

    stage.clock.at(0.7, too_early)
    stage.clock.at(0.8, stage.player.pause)
    ask(stage, 0.9, [(0.0, 20, 60.0), (0.0, 21, 1.0)])
    ask(stage, 1.5, [(0.0, 22, 127.0)])
    stage.clock.at(3.0, stage.player.resume)
    hits = heard(stage, 8.0)
    assert refused == [
        "cannot strike while playing: possible is play, add, pause, toggle, stop, emergency, seek, next, "
        "previous, speed, transpose, volume, loop"
    ]
    channels = [hammer.channel for hammer in INSTRUMENT.hammers]
    bars = [channels.index(channel) for channel in hits["channel"].tolist()]
    by_hand = [(bar, time) for bar, time in zip(bars, hits["time"].tolist(), strict=True) if bar >= 20]
    assert sorted(bar for bar, _ in by_hand) == [20, 21, 22]
    assert [time for _, time in by_hand] == pytest.approx(
        [t + stage.player.notice for t in (0.9, 0.9, 1.5)], abs=2e-3
    )
    assert [bar for bar in bars if bar < 20] == [0, 2, 4, 5, 7]
    assert not stage.player.refusals


def test_who_waits_waits_for_what_was_struck_directly() -> None:
    stage = Stage()
    stage.player.strike(strikes((0.2, 3, 60.0), (0.4, 4, 60.0)))
    assert len(stage.hits()) == 2
    assert stage.player.state is PlayerState.IDLE


def test_an_emergency_takes_back_what_was_not_struck_and_nothing_can_be_until_a_release() -> None:
    stage = Stage()
    ask(stage, 1.0, [(0.0, 3, 60.0), (0.5, 4, 60.0)])
    stage.clock.at(1.2, stage.player.emergency)
    told: list[str] = []

    def in_vain() -> None:
        with pytest.raises(SafetyError) as caught:
            stage.player.strike(strikes((2.0, 5, 60.0)))
        told.append(str(caught.value))

    stage.clock.at(1.3, in_vain)
    stage.clock.at(1.4, stage.player.release)
    ask(stage, 1.6, [(0.0, 6, 60.0)])
    hits = heard(stage, 3.0)
    assert told == ["cannot strike: an emergency stop is on: release it first"]
    assert hits["channel"].tolist() == [INSTRUMENT.hammers[3].channel, INSTRUMENT.hammers[6].channel]


@pytest.mark.parametrize(("column", "value"), [("velocity", 0.5), ("hammer", 30), ("time", np.nan)])
def test_a_strike_that_cannot_be_is_an_error_of_who_asks_for_it(column: str, value: float) -> None:
    stage = Stage()
    table = strikes((1.0, 3, 60.0))
    table[column] = value
    with pytest.raises(OptionError):
        stage.player.strike(table)
    assert len(stage.hits()) == 0


def test_a_song_that_begins_takes_back_what_was_to_be_struck_directly() -> None:
    stage = Stage()
    ask(stage, 1.0, [(0.0, 20, 60.0), (0.5, 21, 60.0)])
    stage.clock.at(1.2, lambda: stage.player.play(piece([0.0, 0.5], [67, 69])))
    channels = [hammer.channel for hammer in INSTRUMENT.hammers]
    assert [channels.index(c) for c in heard(stage, 4.0)["channel"].tolist()] == [20, 0, 2]
