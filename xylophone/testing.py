"""The pytest plugin: a simulated instrument and a virtual clock for any test suite.

`pip install xylophone` is enough; docs/testing.md has three short tests to start from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .arranger import Arrangement
    from .calibration.values import Calibration
    from .clock import VirtualClock
    from .instrument import Instrument
    from .owner.rehearsal import RehearsedOwner
    from .performance.performance import Performance
    from .song import Song

    Notes = Sequence[tuple[str, float] | tuple[str, float, float]]


@dataclass(frozen=True)
class SimulatedXylophone:
    """An instrument of simulated hammers; every `play` begins with cold and rested ones.

    By default the hammers are all alike, never scatter, and the sequencer knows them exactly: what
    a test hears is what was planned, within a millisecond. `with_` gives another instrument.
    """

    layout: str = "song-bell"
    kind: str = "zye1-0530"
    seed: int = 0
    tolerance: float = 0.0  # factor on the ordinary differences between hammers
    scatter: float = 0.0  # factor on the ordinary scatter of strikes: 0.3 ms, 0.3 dB SD
    roll: bool = True  # whether chords beyond the supply limit are rolled

    def with_(self, **changes: Any) -> SimulatedXylophone:
        """Return an instrument that differs in some of these properties."""
        return replace(self, **changes)

    @property
    def instrument(self) -> Instrument:
        """The instrument that is played."""
        from .instrument import build_instrument

        return build_instrument(self.layout, self.kind)

    def play(
        self,
        music: Notes | str | PathLike[str] | Song | Arrangement,
        *,
        speed: float = 1.0,
        volume: float = 1.0,
    ) -> Performance:
        """Play music and return the Performance.

        `music` is notes as (bar, time) or (bar, time, velocity 1..127, 80 unless given), the path of
        a MIDI file or the name of one of the project's songs, a Song, or an Arrangement for this
        instrument. Notes are struck as they are; a song is arranged first.
        """
        from .performance.simulate import perform
        from .sequencer import PlanOptions, sequence
        from .strikes import strikes_of

        options = PlanOptions(roll=self.roll)
        if isinstance(music, Sequence) and not isinstance(music, str):
            title, notes = "", self._as_they_are(music)
        else:
            arrangement = self._arranged(music)
            title, notes = arrangement.song.title, arrangement.notes
        twin, strikes = self._twin(), strikes_of(notes, speed=speed, volume=volume)
        plan = sequence(strikes, self.instrument, self._calibration(), options)
        return perform(plan, twin, title)

    def _as_they_are(self, notes: Notes) -> Any:
        import numpy as np

        from .tables import ARRANGED, Priority, as_arranged, ordered

        table = np.zeros(len(notes), ARRANGED)
        for row, (bar, time, *velocity) in zip(table, notes, strict=True):
            row["hammer"], row["onset"] = self.instrument.index(bar), time
            row["velocity"] = velocity[0] if velocity else 80.0
        table["source"], table["priority"] = np.arange(len(notes)), Priority.MELODY
        return ordered(as_arranged(table), "onset")

    def _arranged(self, music: Any) -> Arrangement:
        from .arranger import Arrangement, arrange
        from .collection.library import find_song
        from .midifile import load_song
        from .song import Song

        if isinstance(music, Arrangement):
            return music
        song = music if isinstance(music, Song) else load_song(find_song(str(music)))
        return arrange(song, self.instrument).require_notes()

    def _twin(self) -> Any:
        from .config import SimulationSettings
        from .simulation.hammers import twin_of

        return twin_of(self.instrument, SimulationSettings().varied(self.seed, self.scatter, self.tolerance))

    def _calibration(self) -> Calibration:
        """The hammers as they are: the kind's own curves where all are alike, else measured on the bench."""
        from .calibration.file import default_calibration
        from .simulation.bench import measure

        return measure(self._twin()) if self.tolerance else default_calibration(self.instrument)


@pytest.fixture
def simulated_xylophone() -> SimulatedXylophone:
    """A simulated instrument: `.play([("C6", 0.0), ("C6", 0.5)]).times("C6")`."""
    return SimulatedXylophone()


@pytest.fixture
def xylophone_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RehearsedOwner]:
    """An owner of simulated hammers, which OwnerClient.connect() finds; its time passes by `pass_time`."""
    from .instrument import build_instrument
    from .owner.places import OWNER_VARIABLE
    from .owner.rehearsal import RehearsedOwner

    with RehearsedOwner(tmp_path, build_instrument()) as owner:
        monkeypatch.setenv(OWNER_VARIABLE, str(owner.door.path))
        yield owner


@pytest.fixture
def virtual_clock() -> VirtualClock:
    """A clock at 0 that moves only when somebody waits on it."""
    from .clock import VirtualClock

    return VirtualClock()
