"""The beginning: the first strike is heard, whatever takes long before it."""

from __future__ import annotations

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
