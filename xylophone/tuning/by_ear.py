"""Tuning hammers by ear: what is struck, changed, taken back and not yet saved. Pure: no terminal, no clock.

Each act returns the session as it is afterwards; CalibrationError where it cannot be done, as for `edits`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from ..calibration.file import default_calibration
from ..calibration.values import CURVES, Calibration
from ..errors import CalibrationError, OptionError
from ..instrument import Hammer, Instrument
from . import edits

SPACING = 0.25
"""s between two strikes of a pattern in turn; two strikes together come in twice that."""

REMEMBERED = 1000
"""Changes that can be taken back."""

VELOCITIES = (1.0, 127.0)

_SAME_TIME = 5e-8
"""s; half the last digit of a calibration file."""

_SAME_LEVEL = 5e-4
"""dB; half the last digit of a calibration file."""

_ROUNDING = 1e-9


Steps = tuple[tuple[Calibration, int], ...]
"""Calibrations, each with the place where it was changed."""


class Company(StrEnum):
    """What a hammer is struck with: nothing, its neighbours in turn, or the reference at one instant."""

    ALONE = "alone"
    IN_TURN = "in turn"
    TOGETHER = "together"


@dataclass(frozen=True, slots=True)
class Beat:
    """Hammers, by place in the instrument, that sound at once, `time` s after the pattern began."""

    time: float
    hammers: tuple[int, ...]
    velocity: float


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is struck, in order of time."""

    beats: tuple[Beat, ...]
    period: float = 0.0  # s from the first beat to its return; 0: it does not return

    def gap(self, number: int) -> float:
        """Return the seconds from one beat to the next, from the last one to the first one's return."""
        following = self.beats[number + 1].time if number + 1 < len(self.beats) else self.period
        return following - self.beats[number].time


@dataclass(frozen=True)
class ByEar:
    """A session of tuning by ear, at one moment. `place` is the chosen hammer's in the instrument.

    The calibrations may hold more hammers than the instrument: those stay as they are. `loaded` is as it
    was at the beginning, `saved` as it was last written. `past` and `future` hold what undo and redo
    bring back, the latest last: a calibration and the place where it was changed.
    """

    instrument: Instrument
    loaded: Calibration
    calibration: Calibration
    saved: Calibration
    place: int
    velocity: float = 80.0
    chosen_reference: int | None = None
    company: Company = Company.ALONE
    hears_old: bool = False
    past: Steps = ()
    future: Steps = ()

    def __post_init__(self) -> None:
        least, most = VELOCITIES
        if not least <= self.velocity <= most:
            raise OptionError(f"velocity {self.velocity:g} is out of range: give {least:g}..{most:g}")
        if self.chosen_reference == self.place:
            raise OptionError(f"reference {self.hammer.name} is the bar that is tuned: name another bar")

    @classmethod
    def begin(
        cls,
        instrument: Instrument,
        calibration: Calibration,
        place: int,
        *,
        velocity: float = 80.0,
        reference: int | None = None,
    ) -> ByEar:
        """Return a session in which nothing is changed yet; OptionError for what cannot be."""
        return cls(instrument, calibration, calibration, calibration, place, velocity, reference)

    # What there is

    @property
    def hammer(self) -> Hammer:
        """The chosen hammer."""
        return self.instrument.hammers[self.place]

    @property
    def heard(self) -> Calibration:
        """The calibration by which hammers are struck: the new one, or that of the beginning."""
        return self.loaded if self.hears_old else self.calibration

    @property
    def latency(self) -> float:
        """Latency (s) of the chosen hammer at the middle of its loudness, as it is heard."""
        return edits.middle(self.heard, self._row)[2]

    @property
    def pulses(self) -> tuple[float, float]:
        """Pulses (s) of the chosen hammer's softest and loudest blow, as they are heard."""
        width = self.heard.width[self._row]
        return float(width[0]), float(width[-1])

    @property
    def neighbours(self) -> tuple[int, ...]:
        """Places of the bars beside the chosen one, the lower first; one at either end, none of a single."""
        return tuple(n for n in (self.place - 1, self.place + 1) if 0 <= n < len(self.instrument))

    @property
    def reference(self) -> int:
        """Place of the bar that is struck together with the chosen one: the nearest unless one was chosen."""
        if self.chosen_reference is not None:
            return self.chosen_reference
        self._need_another()
        pitch = self.hammer.pitch
        return min(self.neighbours, key=lambda n: abs(self.instrument.hammers[n].pitch - pitch))

    @property
    def pattern(self) -> Pattern:
        """What is struck, in the company that is chosen."""
        if self.company is Company.IN_TURN:
            turns = (self.neighbours[0], self.place, self.neighbours[-1])
            beats = [Beat(SPACING * n, (turn,), self.velocity) for n, turn in enumerate(turns)]
            return Pattern(tuple(beats), SPACING * len(turns))
        if self.company is Company.TOGETHER:
            return Pattern((Beat(0.0, (self.reference, self.place), self.velocity),), 2 * SPACING)
        return Pattern((Beat(0.0, (self.place,), self.velocity),))

    @property
    def unsaved(self) -> dict[str, str]:
        """Each bar that has changed since it was saved, and how, in words."""
        return _changes(self.saved, self.calibration)

    @property
    def written(self) -> dict[str, str]:
        """Each bar that was saved other than it was at the beginning, and how, in words."""
        return _changes(self.loaded, self.saved)

    # What is heard

    def choose(self, place: int) -> ByEar:
        """Tune the hammer at another place; CalibrationError beyond the instrument's ends."""
        if not 0 <= place < len(self.instrument):
            end, beyond = ("lowest", "below") if place < 0 else ("highest", "above")
            raise CalibrationError(f"{self.hammer.name} is the {end} bar: there is none {beyond} it")
        chosen = None if self.chosen_reference == place else self.chosen_reference
        return replace(self, place=place, chosen_reference=chosen)

    def refer(self, steps: int) -> ByEar:
        """Take as reference the bar so many places up, past the chosen one; around from end to end."""
        count = len(self.instrument)
        place = (self.reference + steps) % count
        if place == self.place:
            place = (place + (1 if steps > 0 else -1)) % count
        return replace(self, chosen_reference=place)

    def strike_at(self, velocity: float) -> ByEar:
        """Strike at this velocity, or the nearest that there is."""
        least, most = VELOCITIES
        return replace(self, velocity=min(most, max(least, velocity)))

    def listen(self, company: Company) -> ByEar:
        """Strike in this company from now on, or alone where it is so already."""
        if company is self.company:
            return replace(self, company=Company.ALONE)
        self._need_another()
        return replace(self, company=company)

    def compare(self) -> ByEar:
        """Hear the curves of the beginning, or the new ones again."""
        return replace(self, hears_old=not self.hears_old)

    # What is changed

    def set_latency(self, latency: float) -> ByEar:
        """Set the latency (s) at the middle of the loudness."""
        return self._edited(edits.with_latency(self.calibration, self._row, latency))

    def nudge_latency(self, seconds: float) -> ByEar:
        """Make the latency longer: the hammer is struck that much earlier."""
        return self._edited(edits.later(self.calibration, self._row, seconds))

    def nudge_pulses(self, *, softest: float = 0.0, loudest: float = 0.0) -> ByEar:
        """Make the pulses (s) of the softest and the loudest blow longer, within the hammer's limits."""
        width = self.calibration.width[self._row]
        ends = [(float(old), float(old) + more) for old, more in ((width[0], softest), (width[-1], loudest))]
        for old, new in ends:
            self._check_pulse(old, new)
        return self._edited(edits.with_pulses(self.calibration, self._row, *(new for _, new in ends)))

    def louder(self, decibels: float) -> ByEar:
        """Play the hammer louder, at every velocity."""
        return self._edited(edits.louder(self.calibration, self._row, decibels))

    def undo(self) -> ByEar:
        """Take back the last change of this session, at the bar where it was made."""
        if not self.past:
            raise CalibrationError("nothing to undo: nothing was changed before; change something first")
        *past, step = self.past
        return self._restored(step, tuple(past), (*self.future, (self.calibration, step[1])))

    def redo(self) -> ByEar:
        """Make the change again that was last taken back."""
        if not self.future:
            raise CalibrationError("nothing to redo: nothing was taken back; undo something first")
        *future, step = self.future
        return self._restored(step, (*self.past, (self.calibration, step[1])), tuple(future))

    def kept(self) -> ByEar:
        """Return the session once its calibration has been written."""
        return replace(self, saved=self.calibration)

    @property
    def _row(self) -> int:
        return self.calibration.hammers.index(self.hammer.name)

    def _check_pulse(self, old: float, new: float) -> None:
        """Raise CalibrationError for a pulse that leaves the hammer's limits, or goes further beyond."""
        least, most = self.hammer.shortest_pulse, self.hammer.longest_pulse
        if (new < old and new < least - _ROUNDING) or (new > old and new > most + _ROUNDING):
            key = "longest_pulse_ms" if new > old else "shortest_pulse_ms"
            raise CalibrationError(
                f"pulse of {self.hammer.name} would be {1e3 * new:.2f} ms: its limits are "
                f"{1e3 * least:g}..{1e3 * most:g} ms; stay within, or set {key} in xylophone.toml"
            )

    def _edited(self, new: Calibration) -> ByEar:
        """Take an edited calibration.

        CalibrationError where no hammer of the kind is like that, or no loudness would be left that all
        share.
        """
        name = self.hammer.name
        insist = f"leave here and insist with: xylophone tune set {name} --force"
        edits.check_likely(self.calibration, new, name, default_calibration(self.instrument), insist)
        new.select(tuple(hammer.name for hammer in self.instrument.hammers)).common_range()
        past = (*self.past, (self.calibration, self.place))[-REMEMBERED:]
        return replace(self, calibration=new, hears_old=False, past=past, future=())

    def _restored(self, step: tuple[Calibration, int], past: Steps, future: Steps) -> ByEar:
        chosen = self.choose(step[1])
        return replace(chosen, calibration=step[0], hears_old=False, past=past, future=future)

    def _need_another(self) -> None:
        if not self.neighbours:
            raise CalibrationError(f"{self.hammer.name} is the only bar: there is none to strike it with")


def _changes(old: Calibration, new: Calibration) -> dict[str, str]:
    """Return for each bar whose curves differ how, in words; a file's last digit at least."""
    differ = np.abs(old.level - new.level).max(axis=1) > _SAME_LEVEL
    for key in CURVES:
        differ |= np.abs(getattr(old, key) - getattr(new, key)).max(axis=1) > _SAME_TIME
    return {new.hammers[row]: _difference(old, new, row) for row in np.flatnonzero(differ).tolist()}


def _difference(old: Calibration, new: Calibration, row: int) -> str:
    """Return in words how a hammer's curves have changed: 'latency +0.3 ms, louder +0.5 dB'."""
    softest, loudest = (1e3 * float(new.width[row, knot] - old.width[row, knot]) for knot in (0, -1))
    latency = 1e3 * (edits.middle(new, row)[2] - edits.middle(old, row)[2])
    level = float(old.level[row, 0] - new.level[row, 0])
    parts = (
        ("latency", latency, 1e3 * _SAME_TIME, "ms"),
        ("softest", softest, 1e3 * _SAME_TIME, "ms"),
        ("loudest", loudest, 1e3 * _SAME_TIME, "ms"),
        ("louder", level, _SAME_LEVEL, "dB"),
    )
    return ", ".join(
        f"{what} {round(by, 4):+.4g} {unit}" for what, by, least, unit in parts if abs(by) > least
    )
