"""Hands on keys: each key strikes its bar the same time after it was pressed, whatever its loudness."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import thread_time

import numpy as np

from ..calibration.values import Calibration
from ..errors import PlayerError, SafetyError
from ..instrument import Instrument
from ..player import Player, PlayerState
from ..sequencer import Planner
from ..strikes import at_volume
from ..tables import ARRANGED, STRIKE, as_arranged, as_strikes, filled
from .notes import Key, Keyboard, Panic, read, strike_velocity

HAND_OVER = 0.008
"""s for waking up, and for handing a strike over before its coil goes on, besides planning it."""

CHORD, TRIES = 6, 20
"""Keys of a chord, and how often one is planned to see how long that takes."""


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a key: the hammer that strikes its bar, or why none does."""

    key: Key
    moment: float  # backend time at which it was pressed
    hammer: int | None = None
    why: str = ""


def planning_time(instrument: Instrument, calibration: Calibration) -> float:
    """Return how long planning a chord takes on this machine, s of CPU, at most."""
    planner, taken = Planner(instrument, calibration), []
    chord = np.linspace(0, len(instrument) - 1, min(CHORD, len(instrument))).astype(int)
    for moment in np.arange(1, TRIES + 1) * 0.5:
        table = as_strikes(
            filled(STRIKE, len(chord), time=moment, velocity=60.0, source=-1, hammer=np.unique(chord))
        )
        begun = thread_time()
        planner.add(table)
        planner.commit(math.inf)
        taken.append(thread_time() - begun)
        planner.settle()
    return max(taken[1:])  # the first one pays for what is made once


class Hands:
    """Strikes on a player what keys say, `delay` s after each was pressed, and counts what it could not.

    `tell` is called with each key that was pressed, on the thread that has brought it.
    """

    def __init__(
        self,
        player: Player,
        keyboard: Keyboard,
        volume: float = 1.0,
        tell: Callable[[Played], object] = lambda played: None,
    ) -> None:
        self.lost = Counter[str]()
        self._player, self._keyboard, self._tell = player, keyboard, tell
        self._volume = volume

    @property
    def delay(self) -> float:
        """How long after its key a bar sounds, s."""
        return self._player.notice

    def allow(self, planning: float) -> None:
        """Let the delay be whole milliseconds that leave so many seconds for planning."""
        reach = self._player.notice - self._player.margin
        self._player.margin = math.ceil(1000 * (reach + HAND_OVER + planning)) / 1000 - reach

    def take(self, message: Sequence[int], moment: float) -> Key | None:
        """Do what a MIDI message says that came at a moment of the backend; return its key if it is one."""
        said = read(message)
        if isinstance(said, Panic):
            self._silence()
        elif said is not None and said.channel in self._keyboard.channels:
            if said.velocity:
                self._press(said, moment)
            return said
        return None

    def _press(self, key: Key, moment: float) -> None:
        hammer, why = self._keyboard.hammer(key), ""
        if hammer is None:
            why = "no bar"
        else:
            try:
                self._strike(hammer, key.velocity, moment + self.delay)
            except SafetyError:
                why = "stopped"
            except PlayerError:
                why = "a song plays" if self._player.state is PlayerState.PLAYING else "the instrument failed"
        if why:
            self.lost[why] += 1
        self._tell(Played(key, moment, None if why else hammer, why))

    def _strike(self, hammer: int, velocity: int, time: float) -> None:
        if self._volume <= 0:
            return
        note = as_arranged(filled(ARRANGED, 1, velocity=strike_velocity(velocity)))
        struck = float(at_volume(note, self._volume)[0])
        self._player.strike(
            as_strikes(filled(STRIKE, 1, time=time, velocity=struck, source=-1, hammer=hammer))
        )

    def _silence(self) -> None:
        """Take back what has not been struck yet; a song that is paused stays as it is."""
        self._player.hush()
