"""Small pieces and players for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xylophone.arranger import Arrangement, arrange
from xylophone.backends.simulated import SimulatedBackend
from xylophone.clock import VirtualClock
from xylophone.instrument import build_instrument
from xylophone.player import Player
from xylophone.simulation.hammers import Twin
from xylophone.song import Song
from xylophone.tables import NOTE, Rows

INSTRUMENT = build_instrument("song-bell", "zye1-0530")


def piece(
    onsets: Sequence[float],
    pitches: Sequence[int] | None = None,
    duration: float | None = None,
    title: str = "piece",
) -> Arrangement:
    """Return an arrangement of single notes, by default of rising pitches so that each note has its bar."""
    table = np.zeros(len(onsets), NOTE)
    table["onset"] = onsets
    table["duration"] = 0.1
    table["velocity"] = table["loudness"] = 80
    table["pitch"] = [67 + n % 30 for n in range(len(onsets))] if pitches is None else pitches
    end = duration if duration is not None else (max(onsets) + 0.5 if len(onsets) else 0.5)
    return arrange(Song(table, title=title, duration=end), INSTRUMENT, transpose=0)


class Stage:
    """A player on simulated hammers that are all alike and never scatter, on a virtual clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        twin = Twin(INSTRUMENT, scatter_time=0.0, scatter_level_db=0.0, tolerance=0.0)
        self.backend = SimulatedBackend(INSTRUMENT, self.clock, twin)
        self.player = Player(self.backend)

    def hits(self) -> Rows:
        """Play to the end; return every first blow, sorted by time."""
        self.player.wait()
        self.backend.close()
        hits = self.backend.outcome().hits
        return hits[~hits["double"]]

    def heard(self) -> list[tuple[float, int]]:
        """Return (time since the first hit, bar) of all that is heard, times to 5 ms."""
        hits = self.hits()
        times = hits["time"] - hits["time"][0]
        return [
            (round(float(t) / 0.005) * 0.005, int(c)) for t, c in zip(times, hits["channel"], strict=True)
        ]
