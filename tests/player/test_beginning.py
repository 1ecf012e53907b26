"""The beginning: the first strike is heard, whatever takes long before it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from player.pieces import INSTRUMENT, piece
from xylophone.backends.simulated import SimulatedBackend
from xylophone.clock import VirtualClock
from xylophone.player import Player
from xylophone.simulation.hammers import Twin
from xylophone.tables import Pulses


class Slow(SimulatedBackend):
    """Simulated hammers of which one part takes half a second, the first so many times."""

    def __init__(self, part: str, times: int) -> None:
        super().__init__(INSTRUMENT, VirtualClock(), Twin(INSTRUMENT, scatter_time=0.0, tolerance=0.0))
        self.part, self.times = part, times

    def delay(self, part: str) -> None:
        if part == self.part and self.times:
            self.times -= 1
            self.clock.wait_until(self.now() + 0.5)

    @property
    def lookahead(self) -> float:  # type: ignore[override]
        """Asked for where a plan is made: for a machine that takes long to make one."""
        self.delay("planning")
        return 0.5

    def _cancel(self, after: float) -> None:
        self.delay("cancelling")

    def _listen(self) -> None:
        self.delay("listening")

    def _write(self, pulses: Pulses) -> None:
        self.delay("writing")


@pytest.mark.parametrize(
    ("part", "times"),
    [("planning", 1), ("planning", 4), ("cancelling", 1), ("listening", 1), ("writing", 1)],
)
def test_the_first_strike_is_heard_whatever_part_of_the_start_takes_long(part: str, times: int) -> None:
    with Slow(part, 0) as backend:
        player = Player(backend)
        backend.times = times
        player.play(piece([0.0, 4.0])).wait()
        assert backend.times < times
        report, hits = backend.report(), backend.outcome().hits
    assert report.pulses == 2
    assert not report.late
    assert not player.refusals
    assert hits["time"][1] - hits["time"][0] == pytest.approx(4.0, abs=0.01)


def test_a_start_that_is_asked_for_in_play_spares_what_sounds_already() -> None:
    with Slow("planning", 0) as backend:
        player = Player(backend).play(piece([0.0, 0.5, 1.0, 5.0]))

        def again() -> None:
            backend.times = 1
            player.play(piece([0.0, 4.0], [90, 91]))

        backend.clock.at(1.2, again)
        player.wait()
        assert backend.report().late == 0
        assert backend.outcome().hits["channel"].tolist()[-2:] == [90 - 67, 91 - 67]


@pytest.mark.parametrize("gap", [None, 0.0, 0.3])
@pytest.mark.parametrize("moment", [0.0, 0.3, 0.5, 0.55, 0.61, 0.62, 0.63, 0.64, 0.65, 0.66, 1.0, 1.6, 7.0])
def test_a_piece_is_heard_whenever_it_is_added_and_the_silence_before_it_is_no_shorter(
    moment: float, gap: float | None
) -> None:
    with Slow("", 0) as backend:
        player = Player(backend).play(piece([0.0], duration=0.5), more=True, gap=gap)
        backend.clock.at(moment, lambda: player.add(piece([0.0], [80])))
        backend.clock.at(moment + 0.2, lambda: player.add(piece([0.0], [90])))
        backend.clock.at(moment + 3.0, player.close_queue)
        player.wait()
        hits = backend.outcome().hits
    assert hits["channel"].tolist() == [0, 80 - 67, 90 - 67]
    assert not player.refusals
    least = 0.5 + (1.0 if gap is None else gap)
    assert all(after - before > least - 0.01 for before, after in pairwise(hits["time"].tolist()))


def test_a_queue_that_is_not_closed_waits_and_one_that_is_ends() -> None:
    with Slow("", 0) as backend:
        player = Player(backend).play(piece([0.0]), more=True)
        backend.clock.at(50.0, player.close_queue)
        player.wait()
        assert backend.now() == pytest.approx(50.0, abs=0.3)


def test_next_waits_for_what_is_added() -> None:
    with Slow("", 0) as backend:
        player = Player(backend).play(piece([0.0, 60.0]), more=True)
        backend.clock.at(2.0, player.next)
        backend.clock.at(5.0, lambda: player.add(piece([0.0], [80])).close_queue())
        player.wait()
        hits = backend.outcome().hits
    assert hits["channel"].tolist() == [0, 80 - 67]
    assert hits["time"][1] == pytest.approx(5.1, abs=0.2)
