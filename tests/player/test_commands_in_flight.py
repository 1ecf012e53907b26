"""Commands while notes are in flight: none is lost, none sounds twice, however commands follow each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from player.pieces import INSTRUMENT, Stage, piece
from xylophone.backends.simulated import SimulatedBackend
from xylophone.cli.play import FASTER, KEYS, LOUDER
from xylophone.clock import VirtualClock
from xylophone.config.values import SPEEDS, VOLUMES
from xylophone.player import Player, PlayerState
from xylophone.simulation.hammers import Twin

BEAT = [0.25 * n for n in range(16)]


def test_two_quick_steps_forward_are_both_made() -> None:
    stage = Stage()
    stage.player.play(piece([0.5 * n for n in range(60)]))
    stage.clock.at(1.0, lambda: stage.player.seek_by(5.0))
    stage.clock.at(1.03, lambda: stage.player.seek_by(5.0))
    positions: list[float] = []
    stage.clock.at(1.5, lambda: positions.append(stage.player.position))
    stage.clock.at(1.6, stage.player.stop)
    stage.hits()
    assert positions[0] > 10.5


@pytest.mark.parametrize(("key", "figure"), [("up", "volume"), ("+", "speed")])
def test_three_quick_presses_of_a_key_are_three_steps(key: str, figure: str) -> None:
    stage = Stage()
    stage.player.play(piece(BEAT))
    stage.clock.at(1.0, lambda: [KEYS[key][0](stage.player) for _ in range(3)])
    found: list[float] = []
    stage.clock.at(1.5, lambda: found.append(getattr(stage.player.snapshot(), figure)))
    assert len(stage.hits()) == 16
    assert found == pytest.approx([{"volume": LOUDER, "speed": FASTER}[figure] ** 3])


def test_steps_end_at_the_bounds() -> None:
    stage = Stage()
    stage.player.play(piece(BEAT))
    for _ in range(3):
        stage.player.scale_volume(1e-3).scale_speed(1e3)
    stage.player.wait()
    assert (stage.player.volume, stage.player.snapshot().speed) == (VOLUMES[0], SPEEDS[1])


def test_a_step_right_after_a_pause_starts_from_where_it_paused() -> None:
    stage = Stage()
    stage.player.play(piece([0.5 * n for n in range(60)]))

    def both() -> None:
        stage.player.pause()
        stage.player.seek_by(5.0)

    stage.clock.at(8.0, both)
    positions: list[float] = []
    stage.clock.at(8.5, lambda: positions.append(stage.player.position))
    stage.clock.at(9.0, stage.player.stop)
    stage.hits()
    assert positions == pytest.approx([12.9], abs=0.2)


def test_two_quick_nexts_skip_two_pieces() -> None:
    stage = Stage()
    stage.player.play([piece(BEAT), piece(BEAT, [80] * 16), piece(BEAT, [90] * 16)])
    stage.clock.at(1.0, stage.player.next)
    stage.clock.at(1.03, stage.player.next)
    stage.clock.at(2.0, stage.player.stop)
    assert set(stage.hits()["channel"].tolist()) & {13, 23} == {23}


def test_a_loop_whose_end_is_just_past_goes_back_at_once() -> None:
    stage = Stage()
    stage.player.play(piece(BEAT))
    stage.clock.at(2.2, lambda: stage.player.set_loop(1.0, stage.player.position))
    stage.clock.at(2.9, stage.player.stop)
    assert stage.hits()["channel"].max() < 9


class BusyClock(VirtualClock):
    """A machine on which every look at the clock takes a little."""

    def now(self) -> float:
        self._now += 0.0005
        return super().now()


def test_on_a_machine_that_takes_time_a_change_loses_no_note() -> None:
    clock = BusyClock()
    twin = Twin(INSTRUMENT, scatter_time=0.0, scatter_level_db=0.0, tolerance=0.0)
    backend = SimulatedBackend(INSTRUMENT, clock, twin)
    player = Player(backend).play(piece([0.02 * n for n in range(150)]))
    for n in range(20):
        clock.at(0.5 + 0.1 * n, lambda n=n: player.set_volume(1.0 + 0.01 * n))
    player.wait()
    backend.close()
    assert backend.report().late == 0
    assert sum(~backend.outcome().hits["double"]) == 150


def test_on_a_machine_that_takes_time_a_pause_doubles_no_note() -> None:
    clock = BusyClock()
    twin = Twin(INSTRUMENT, scatter_time=0.0, scatter_level_db=0.0, tolerance=0.0)
    backend = SimulatedBackend(INSTRUMENT, clock, twin)
    player = Player(backend).play(piece([0.005 * n for n in range(300)], [67 + n % 30 for n in range(300)]))
    for n in range(6):
        clock.at(0.3 + 0.5 * n, player.toggle)
        clock.at(0.4 + 0.5 * n, player.toggle)
    player.wait()
    backend.close()
    assert sum(~backend.outcome().hits["double"]) + sum(player.refusals.values()) == 300


def test_a_change_while_paused_strikes_no_note_of_a_chord_twice() -> None:
    for shift in np.arange(0.0, 0.03, 0.002):
        stage = Stage()
        onsets = np.repeat(BEAT, 3)
        table = piece(onsets.tolist(), [67 + 9 * (n % 3) for n in range(48)])
        table.notes.flags.writeable = True
        table.notes["velocity"] = np.tile([10.0, 60.0, 127.0], 16)
        table.notes.flags.writeable = False
        stage.player.play(table)
        stage.clock.at(1.06 + float(shift), stage.player.pause)
        stage.clock.at(2.0, lambda s=stage: s.player.set_speed(1.1))
        stage.clock.at(3.0, stage.player.resume)
        assert len(stage.hits()) + sum(stage.player.refusals.values()) == 48, f"paused at {1.06 + shift:.3f}"


def test_refusals_are_counted_once_however_often_the_plan_changes() -> None:
    stage = Stage()
    onsets = sorted([*BEAT, *(t + 0.1 for t in BEAT)])
    stage.player.play(piece(onsets, [80] * 32), speed=2.0)
    for n in range(10):
        stage.clock.at(1.0 + 0.05 * n, lambda n=n: stage.player.set_volume(1.0 + 0.01 * n))
    hits = stage.hits()
    assert stage.player.refusals["recovery"] == 16
    assert len(hits) == 16


COMMANDS = st.lists(
    st.tuples(
        st.one_of(st.floats(0.05, 5.0), st.sampled_from([1.0, 1.02, 1.05, 1.1, 2.0])),
        st.sampled_from(["toggle", "speed", "volume", "transpose", "end_loop"]),
        st.integers(0, 4),
    ),
    max_size=8,
)


def scheduled(stage: Stage, commands: list[tuple[float, str, int]], later: float = 0.0) -> None:
    """Have commands given at their times; the end finds nothing paused."""
    player = stage.player
    act = {
        "toggle": lambda n: player.toggle(),
        "speed": lambda n: player.set_speed((0.5, 0.8, 1.0, 1.3, 2.0)[n]),
        "volume": lambda n: player.set_volume((0.5, 0.8, 1.0, 1.2, 1.5)[n]),
        "transpose": lambda n: player.set_transpose(n),
        "end_loop": lambda n: player.end_loop(),
    }
    for time, name, n in commands:
        call = lambda name=name, n=n: act[name](n) if player.state is not PlayerState.IDLE else None  # noqa: E731
        stage.clock.at(later + time, call)
    stage.clock.at(60.0, lambda: player.resume() if player.state is PlayerState.PAUSED else None)


def random_piece(seed: int, stretched: float = 1.0) -> object:
    random = np.random.default_rng(seed)
    onsets = stretched * np.cumsum(random.choice([0.0, 0.013, 0.07, 0.2], 40))
    return piece(onsets.tolist(), [67 + n % 25 for n in range(40)])


@examples(15)
@given(COMMANDS, st.integers(0, 10_000))
def test_whatever_is_commanded_every_note_sounds_once(commands, seed: int) -> None:
    stage = Stage()
    stage.player.play(random_piece(seed))
    scheduled(stage, commands)
    heard = len(stage.hits())
    assert heard + sum(stage.player.refusals.values()) == 40


@examples(15)
@given(COMMANDS, COMMANDS, st.integers(0, 10_000), st.floats(0.0, 0.9))
def test_after_a_seek_every_later_note_sounds_once(before, after, seed: int, part: float) -> None:
    stage = Stage()
    music = random_piece(seed, 12.0)  # is not over at 5.5 s, however fast
    position = part * float(music.notes["onset"][-1])
    stage.player.play(music)
    scheduled(stage, before)
    stage.clock.at(5.5, lambda: stage.player.seek(position))
    scheduled(stage, after, 5.5)
    hits = stage.hits()
    assert not stage.player.refusals
    assert sum(hits["time"] > 5.5 + 0.06) == sum(music.notes["onset"] >= position)


def test_changes_to_what_was_seeked_to_while_paused() -> None:
    stage = Stage()
    stage.player.play(piece(BEAT))
    stage.clock.at(0.5, stage.player.pause)
    stage.clock.at(1.0, lambda: stage.player.seek(3.0))
    stage.clock.at(1.1, lambda: stage.player.set_speed(2.0))
    stage.clock.at(1.2, lambda: stage.player.set_transpose(2))
    stage.clock.at(2.0, stage.player.resume)
    hits = stage.hits()
    assert hits["channel"].tolist()[-4:] == [14, 15, 16, 17]
    assert np.diff(hits["time"])[-3:] == pytest.approx([0.125] * 3, abs=0.001)


@pytest.mark.parametrize("change", [lambda player: player.set_volume(0.2), lambda p: p.set_transpose(29)])
def test_no_change_makes_a_strike_too_late_or_moves_it(change) -> None:
    for before in np.arange(0.03, 0.13, 0.002):
        stage = Stage()
        stage.player.play(piece([0.0, 1.0, 1.5], [67, 67, 67]), volume=1.5)
        stage.clock.at(1.104 - float(before), lambda player=stage.player: change(player))
        hits = stage.hits()
        assert np.diff(hits["time"]) == pytest.approx([1.0, 0.5], abs=0.002), f"{before:.3f} s before it"


@pytest.mark.parametrize("apart", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("paused", [False, True])
def test_each_of_three_quick_steps_is_made_and_seen_at_once(apart: float, paused: bool) -> None:
    stage, seen = Stage(), list[float]()
    stage.player.play(piece([0.5 * n for n in range(60)]))
    if paused:
        stage.clock.at(0.99, stage.player.pause)
    for step in range(3):
        stage.clock.at(1.0 + step * apart, lambda: stage.player.seek_by(5.0))
        stage.clock.at(1.01 + step * apart, lambda: seen.append(stage.player.snapshot().position))
    stage.clock.at(2.0, stage.player.stop)
    stage.player.wait()
    assert seen == pytest.approx([6.0, 11.0, 16.0], abs=0.5)


def test_a_step_just_before_a_pause_is_not_lost() -> None:
    stage, seen = Stage(), list[float]()
    stage.player.play(piece([0.5 * n for n in range(60)]))
    for moment, command in (
        (1.0, lambda: stage.player.seek_by(5.0)),
        (1.03, stage.player.pause),
        (1.06, lambda: seen.append(stage.player.snapshot().position)),
        (1.09, lambda: stage.player.seek_by(5.0)),
        (1.2, lambda: seen.append(stage.player.snapshot().position)),
        (2.0, stage.player.resume),
        (2.01, lambda: seen.append(stage.player.snapshot().position)),
        (3.0, stage.player.stop),
    ):
        stage.clock.at(moment, command)
    stage.player.wait()
    assert seen == pytest.approx([6.0, 11.0, 11.0], abs=0.2)


def test_a_step_a_pause_and_a_resume_at_once_lead_where_the_step_does() -> None:
    stage, seen = Stage(), list[float]()
    stage.player.play(piece([0.5 * n for n in range(60)]))
    for moment, command in (
        (1.0, lambda: stage.player.seek_by(5.0)),
        (1.02, stage.player.pause),
        (1.04, stage.player.resume),
        (1.06, lambda: seen.append(stage.player.snapshot().position)),
        (1.5, lambda: seen.append(stage.player.position)),
        (3.0, stage.player.stop),
    ):
        stage.clock.at(moment, command)
    stage.player.wait()
    assert seen == pytest.approx([6.0, 6.4], abs=0.2)
