"""What the keys of `xylophone tune hand` do, and what is struck meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...calibration.values import Calibration
from ...errors import CalibrationError, OptionError, XylophoneError
from ...tuning.by_ear import ByEar, Company
from ..stage import Stage
from ..striking import STEP
from .striker import Striker

ACTS: dict[str, tuple[Callable[[ByEar], ByEar], str]] = {
    "left": (lambda now: now.nudge_latency(-1e-4), "latency 0.1 ms shorter: struck later"),
    "right": (lambda now: now.nudge_latency(1e-4), "latency 0.1 ms longer: struck earlier"),
    "<": (lambda now: now.nudge_latency(-1e-3), "latency 1 ms shorter"),
    ">": (lambda now: now.nudge_latency(1e-3), "latency 1 ms longer"),
    "d": (lambda now: now.nudge_pulses(softest=-1e-4), "softest pulse 0.1 ms shorter"),
    "f": (lambda now: now.nudge_pulses(softest=1e-4), "softest pulse 0.1 ms longer"),
    "j": (lambda now: now.nudge_pulses(loudest=-1e-4), "loudest pulse 0.1 ms shorter"),
    "k": (lambda now: now.nudge_pulses(loudest=1e-4), "loudest pulse 0.1 ms longer"),
    "-": (lambda now: now.louder(-0.5), "0.5 dB softer"),
    "+": (lambda now: now.louder(0.5), "0.5 dB louder"),
    "up": (lambda now: now.strike_at(now.velocity + 5), "velocity up by 5"),
    "down": (lambda now: now.strike_at(now.velocity - 5), "velocity down by 5"),
    "n": (lambda now: now.choose(now.place + 1), "next bar"),
    "p": (lambda now: now.choose(now.place - 1), "previous bar"),
    "t": (lambda now: now.listen(Company.IN_TURN), "in turn with its neighbours, or alone"),
    "c": (lambda now: now.listen(Company.TOGETHER), "together with the reference, or alone"),
    "r": (lambda now: now.refer(1), "reference a bar higher"),
    "R": (lambda now: now.refer(-1), "reference a bar lower"),
    "o": (lambda now: now.compare(), "old curves, or the new ones"),
    "u": (lambda now: now.undo(), "undo"),
    "U": (lambda now: now.redo(), "redo"),
}
"""Key: what it changes in what is heard, and the words for it."""

QUESTION = "s saves and quits, Q quits without saving, any other key goes on"


class HandSession:
    """What keys do and what is struck; `by_ear` is the state, `message` the last thing to be told.

    `save` writes a calibration, told what it was made from, and returns what to tell.
    """

    def __init__(self, stage: Stage, by_ear: ByEar, save: Callable[[Calibration, Calibration], str]) -> None:
        self.stage = stage
        self.by_ear = by_ear
        self.auto = True
        self.typed = ""  # a latency in ms, while it is being typed
        self.asking = False  # whether to quit without saving
        self.ended = False
        self.message = ""
        self._save = save
        self._striker = Striker(stage, by_ear.heard)
        self._wanted = False  # a strike, as soon as the one before has sounded
        self._beat = 0  # of the pattern that repeats
        self._next = -np.inf  # when it sounds; of single strikes, when the last has sounded

    def press(self, key: str) -> None:
        """Do what a key means; what cannot be done is told in `message`."""
        self.message = ""
        if self.asking:
            self._answer(key)
        elif self.typed or (key.isdecimal() and key.isascii()):
            self._type(key)
        elif key in ACTS:
            self._act(ACTS[key][0])
        elif key in _OTHERS:
            _OTHERS[key](self)

    def look(self) -> None:
        """Strike what is due, let it be heard and seen; BackendError after which nothing more plays."""
        self._strike_due()
        self.stage.attend()

    def want(self) -> None:
        """Strike once, as soon as what was struck before has sounded."""
        if self.by_ear.pattern.period:
            self.message = f"it sounds {self.by_ear.company} again and again: t or c ends that"
        self._wanted = True

    def save(self) -> None:
        """Write the new calibration, or tell why it cannot be written."""
        try:
            self.message = self._save(self.by_ear.saved, self.by_ear.calibration)
        except XylophoneError as error:
            self.message = str(error)
            return
        self.by_ear = self.by_ear.kept()

    def quit(self) -> None:
        """End the session; ask first when something is not saved."""
        if self.by_ear.unsaved:
            self.asking = True
            self.message = f"not saved: {', '.join(self.by_ear.unsaved)}: {QUESTION}"
        else:
            self.ended = True

    def switch_auto(self) -> None:
        """Let every change be followed by a strike, or no more."""
        self.auto = not self.auto

    def _act(self, act: Callable[[ByEar], ByEar]) -> None:
        before = self.by_ear
        try:
            self.by_ear = act(before)
        except (CalibrationError, OptionError) as error:
            self.message = str(error)
            return
        if (before.company, before.place) != (self.by_ear.company, self.by_ear.place):
            self._beat = 0
        self._wanted = self._wanted or self.auto

    def _type(self, key: str) -> None:
        """Take a digit of a latency that is typed, or what ends it."""
        if key == "enter":
            text, self.typed = self.typed, ""
            try:
                latency = float(text) / 1000
            except ValueError:
                self.message = f"{text} is no number: type a latency in ms, such as 18.4"
                return
            self._act(lambda now: now.set_latency(latency))
        elif key in ("escape", "exit"):
            self.typed = ""
        elif key in ("backspace", "delete"):
            self.typed = self.typed[:-1]
        elif key in (*"0123456789", ".", ",") and len(self.typed) < 8:
            self.typed += key.replace(",", ".")

    def _answer(self, key: str) -> None:
        """Take the answer to the question whether to quit."""
        self.asking = False
        if key == "s":
            self.save()
            self.ended = not self.by_ear.unsaved
        elif key == "Q":
            self.ended = True

    def _strike_due(self) -> None:
        now, state = self.stage.backend.now(), self.by_ear
        pattern = state.pattern
        if not pattern.period:
            if self._wanted and self._next <= now:
                self._next = self._strike(0, -np.inf)
                self._wanted = False
            return
        self._wanted = False
        if self._next - self._striker.notice(state.heard) <= now + 2 * STEP:
            self._next = self._strike(self._beat, self._next) + pattern.gap(self._beat)
            self._beat = (self._beat + 1) % len(pattern.beats)

    def _strike(self, number: int, at: float) -> float:
        """Strike a beat of the pattern; return when it sounds."""
        beat = self.by_ear.pattern.beats[number]
        time, plan = self._striker.strike(self.by_ear.heard, beat.hammers, beat.velocity, at)
        for refused in plan.refused:
            self.message = f"{refused.hammer} not struck: {refused.why}"
        return time


_OTHERS: dict[str, Callable[[HandSession], None]] = {
    "space": HandSession.want,
    "a": HandSession.switch_auto,
    "s": HandSession.save,
    "q": HandSession.quit,
}
