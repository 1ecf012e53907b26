"""Sessions: trials are played round by round, recorded in one go, and chosen by what was heard before.

Without ears a fixed plan is played while something else records it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ..backends.backend import Backend
from ..backends.contract import Fault
from ..calibration.values import Calibration
from ..errors import TuningError
from ..instrument import Instrument
from ..sound.position import Position
from ..tables import TRIAL, Samples, Trials, as_trials, joined
from ..words import counted
from .analysis import Analysis, analyse
from .evidence import fundamentals_of
from .rounds import GAP, TURNS, Turns, blind_rounds, first_round, next_round, trials_of
from .sag import LOUD, SOFT, chord_trials
from .trials import Purpose, Take, pulses_of, save_session

ROOM = 1.0
"""s of the room before the first strike."""

ROUNDS = 4
"""Rounds in which all hammers are struck; then only those that are not known well enough."""

AGAIN = 12
"""Rounds at most in which those are struck again: who is not known then never will be."""

CHORDS = {2: LOUD, 3: SOFT}
"""How loud chords are that are struck before a round (from 0); while it lasts hammers rest for the next ones,
which are soft, also after the last round."""

LONGEST = 330.0
"""s; no round begins that would end later."""

LEAD = 0.3
"""s from scheduling a round to its first pulse."""

SETTLE = 0.6
"""s that are recorded after the last pulse of a round."""

STEP = 0.1
"""s between two looks at backend and microphone."""

LOUD_ROOM = -30.0
"""dB re full scale; a room that is noisier leaves nothing to hear."""


class Ear(Protocol):
    """What a session hears with: a recording that goes on by itself."""

    sample_rate: int

    def read(self) -> Samples:
        """Return what was recorded since the last call, mono float32; TuningError where samples were lost."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session is: seconds played, seconds that it will take in all, and what it does."""

    played: float
    whole: float
    doing: str


class AutoSession:
    """One tuning session with a microphone: `run` plays it.

    What is recorded is in `takes`, also when it breaks off. With a `folder` every round is saved there as
    soon as it has been heard: then it is `saved`. `earlier` are takes of a session that was broken off: it is
    gone on with. `told` is called with a Progress now and then, `met` with faults.
    """

    def __init__(
        self,
        backend: Backend,
        ear: Ear,
        default: Calibration,
        position: Position,
        *,
        folder: Path | None = None,
        earlier: tuple[Take, ...] = (),
        told: Callable[[Progress], object] = lambda progress: None,
        met: Callable[[tuple[Fault, ...]], object] = lambda faults: None,
    ) -> None:
        self.backend = backend
        self.default = default
        self.position = position
        self.folder = folder
        self.earlier = earlier
        self.saved = bool(earlier)
        self._ear = ear
        self._told, self._met = told, met
        self._sound: list[Samples] = []
        self._trials = as_trials(np.zeros(0, TRIAL))
        self._began = backend.now()
        self._whole = self._estimate(ROUNDS)

    @property
    def takes(self) -> tuple[Take, ...]:
        """All recordings of the session so far."""
        if not len(self._trials):
            return self.earlier
        sound = np.concatenate([np.zeros(0, np.float32), *self._sound])
        return (*self.earlier, Take(self._trials, sound, self._ear.sample_rate))

    def run(self) -> Analysis:
        """Play the whole session and return what it has taught. TuningError where nothing can be learnt."""
        self._listen_to_the_room()
        instrument = self.backend.instrument
        analysis, done = None, 0
        if self.earlier:
            chord = [take.trials["purpose"] == Purpose.CHORD for take in self.earlier]
            played = sum(int(np.count_nonzero(~one)) for one in chord)
            analysis, done = self._analysis(), played // (TURNS * len(instrument))
        if analysis is None:
            analysis = self._play(first_round(instrument, self.default), "finding all bars", 0)
        for number in range(max(1, done), ROUNDS):
            if number in CHORDS:
                analysis = self._play_chords(analysis, CHORDS[number])
            analysis = self._play(next_round(analysis, number), f"round {number + 1} of {ROUNDS}", number)
        for number in range(ROUNDS, ROUNDS + AGAIN):
            vague = next_round(analysis, number, all_of_them=False)
            turns = [turn for turn in vague if analysis.fits[turn[0]] is not None]
            if not turns or self._seconds() + self._length(turns) > LONGEST:
                break
            analysis = self._play(turns, f"{counted(len(turns), 'hammer')} again", number)
        return self._play_chords(analysis, SOFT)

    def once(self, turns: Turns) -> tuple[Take, ...]:
        """Play and record one round, and return the takes."""
        self._whole = ROOM + LEAD + self._length(turns)
        self._listen_to_the_room()
        self._strike(self._trials_of(turns, 0), "checking")
        return self.takes

    def _analysis(self) -> Analysis:
        return analyse(self.takes, self.backend.instrument, self.default, self.position)

    def _listen_to_the_room(self) -> None:
        """Record the room; TuningError where nothing could be heard in it, or bars cannot be told apart."""
        fundamentals_of(self.backend.instrument)
        self._wait(self.backend.now() + ROOM, "listening to the room")
        room = np.concatenate(self._sound)
        if not len(room):
            raise TuningError(
                "the microphone gives no samples: unplug it, plug it in again, and see: xylophone devices"
            )
        loud = 20.0 * np.log10(float(np.sqrt(np.mean(np.square(room, dtype=np.float64)))) + 1e-12)
        if loud > LOUD_ROOM:
            raise TuningError(
                f"the room is too loud, {loud:.0f} dB re full scale: make it quieter, or lower the "
                "microphone's gain"
            )

    def _play(self, turns: Turns, doing: str, number: int) -> Analysis:
        """Play one round and return what is known after it."""
        self._strike(self._trials_of(turns, number), doing)
        return self._analysis()

    def _trials_of(self, turns: Turns, number: int) -> Trials:
        reference = reference_of(self.backend.instrument, self.default)
        return trials_of(turns, self.backend.now() + LEAD, reference, number)

    def _play_chords(self, analysis: Analysis, loud: float) -> Analysis:
        """Play chords, LOUD or SOFT ones, and return what is known after them."""
        trials = chord_trials(analysis, self.backend.now() + LEAD, loud, self._trials)
        if not len(trials):
            return analysis
        self._strike(trials, "chords, for the supply")
        return self._analysis()

    def _strike(self, trials: Trials, doing: str) -> None:
        """Play trials to their end, recording."""
        self.backend.schedule(pulses_of(trials, self.backend.instrument))
        self._trials = joined((self._trials, trials))
        self._wait(float(trials["start"][-1] + trials["width"][-1]) + SETTLE, doing)
        if self.folder is not None:
            save_session(self.folder, self.takes, self.backend.instrument, self.position)
            self.saved = True

    def _wait(self, until: float, doing: str) -> None:
        """Record until a moment; BackendError for a fault after which nothing more plays."""
        while (now := self.backend.now()) < until:
            self.backend.clock.wait_until(min(until, now + STEP))
            self._sound.append(self._ear.read())
            faults = self.backend.poll()
            self._met(faults)
            for fault in faults:
                fault.require_more()
            self._told(Progress(self._seconds(), max(self._whole, self._seconds()), doing))

    def _seconds(self) -> float:
        return self.backend.now() - self._began

    def _length(self, turns: Turns) -> float:
        return sum(len(widths) for _, widths in turns) * sum(GAP) / 2 + SETTLE

    def _estimate(self, rounds: int) -> float:
        strikes = rounds * TURNS * len(self.backend.instrument) * 14 / 13
        return ROOM + strikes * sum(GAP) / 2 + rounds * (SETTLE + LEAD) + 12.0


def reference_of(instrument: Instrument, default: Calibration) -> tuple[int, float]:
    """Return the place of the hammer that is struck again and again, the middle one, and its pulse in s."""
    place = len(instrument) // 2
    knots = default.width.shape[1]
    return place, float(default.width[place, (3 * knots) // 4]) * 1.1


BLIND_ROUNDS = 5
"""Rounds of a plan of which nobody hears how it goes: some of their pulses will be too short."""

QUIET = 3.0
"""s before the first strike, so that the recorder can be started, and after the last."""


def play_blind(backend: Backend, default: Calibration, told: Callable[[Progress], object]) -> Trials:
    """Play the plan to its end and return its trials (dtype TRIAL).

    BackendError for a fatal fault, TuningError for bars that could not be told apart.
    """
    fundamentals_of(backend.instrument)
    begin, parts = backend.now() + QUIET + LEAD, []
    reference = reference_of(backend.instrument, default)
    for number, turns in enumerate(blind_rounds(backend.instrument, default, BLIND_ROUNDS)):
        trials = trials_of(turns, begin, reference, number)
        begin = float(trials["start"][-1]) + SETTLE
        parts.append(trials)
    whole = joined(parts)
    first, end = backend.now(), begin + QUIET
    backend.schedule(pulses_of(whole, backend.instrument))
    while (now := backend.now()) < end:
        backend.clock.wait_until(min(end, now + STEP))
        for fault in backend.poll():
            fault.require_more()
        told(Progress(now - first, end - first, "playing the plan"))
    return whole
