"""An owner to try programs on: real clients at a socket, simulated hammers, and time that is let pass."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from ..arranger import Weights
from ..backends.simulated import SimulatedBackend
from ..errors import OptionError, PlayerError
from ..instrument import Instrument
from ..simulation.hammers import Twin
from ..tables import Floats, Hits, joined
from .client import OwnerClient
from .core import Opened
from .last import LastQueue
from .making import Recipe
from .places import Door
from .service import Service

TICK = 0.25
"""s of its own time between two looks at what was struck."""

PATIENCE = 60.0
"""s, of the real ones, in which the owner has done what there is to do at a moment."""


class SteppedClock:
    """A clock that stands still until time is let pass; one thread waits on it, others let it."""

    def __init__(self) -> None:
        self._now = self._target = 0.0
        self._woken = self._resting = self._ended = False
        self._changed = threading.Condition()

    def now(self) -> float:
        """Return the present time."""
        return self._now

    def wait_until(self, moment: float) -> None:
        """Return at a moment, when time was let pass so far, or sooner when `wake` is called."""
        with self._changed:
            while not self._woken and moment > self._target and not self._ended:
                self._now, self._resting = max(self._now, self._target), True
                self._changed.notify_all()
                self._changed.wait()
            self._resting = False
            if not self._woken:
                self._now = max(self._now, min(moment, self._target))
            self._woken = False

    def wake(self) -> None:
        """End the present wait, or the next."""
        with self._changed:
            self._woken, self._resting = True, False
            self._changed.notify_all()

    def let_pass(self, seconds: float) -> None:
        """Let so much time pass, and return when all is done that is due by then.

        PlayerError where nothing does it any more.
        """
        with self._changed:
            self._target += seconds
            self._resting = False
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._resting or self._ended, PATIENCE) or self._ended:
                raise PlayerError("the owner has ended, or hangs: no time passes there")

    def end(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class RehearsedOwner:
    """An owner of simulated hammers that are all alike, in a folder of its own, on a clock that is let pass.

    Clients connect at `door`. `heard` is what was struck so far.
    """

    def __init__(self, folder: Path, instrument: Instrument) -> None:
        self.instrument, self.clock = instrument, SteppedClock()
        self.door = Door(folder / "owner.sock", False, folder)
        self.lines: list[str] = []
        self._hits: list[Hits] = []
        self._beginning: tuple[LastQueue, float | None] = (LastQueue(), None)
        self._backend: SimulatedBackend | None = None
        recipe = Recipe(instrument, Weights())
        self._service = Service(self._stage, recipe, self.door, self.clock, "sim:", say=self.lines.append)
        self._thread = threading.Thread(target=self._hold, name="rehearsed-owner", daemon=True)

    def __enter__(self) -> Self:
        self._service.__enter__()
        self._service.start_with(*self._beginning)
        self._thread.start()
        self.pass_time(0.0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._service.core.leave()
        self.clock.end()
        self._thread.join()
        self._service.__exit__(kind, error, trace)

    def start_with(self, queue: LastQueue, volume: float | None = None) -> None:
        """Let it begin with songs, before it is entered; as `Service.start_with`."""
        self._beginning = (queue, volume)

    def connect(self) -> OwnerClient:
        """Return a client of it, to be closed by who asked."""
        return OwnerClient.connect(self.door.path)

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass; OptionError below 0."""
        if not seconds >= 0:
            raise OptionError(f"cannot let {seconds} s pass: give 0 or more")
        self.clock.let_pass(seconds)

    @property
    def now(self) -> float:
        """The owner's time, s."""
        return self.clock.now()

    def times(self, bar: str) -> Floats:
        """Return when a bar was struck so far, s of the owner's time."""
        channel = self.instrument.hammers[self.instrument.index(bar)].channel
        heard = self.heard()
        return np.sort(heard["time"][heard["channel"] == channel])

    def heard(self) -> Hits:
        """Return all that was struck so far (dtype HIT)."""
        return joined(self._hits)

    def _listen(self) -> None:
        if self._backend is not None:
            self._hits.append(self._backend.take_hits())

    def _hold(self) -> None:
        try:
            self._service.hold()
        finally:
            self.clock.end()

    @contextmanager
    def _stage(self) -> Iterator[Opened]:
        twin = Twin(self.instrument, scatter_time=0.0, scatter_level_db=0.0, tolerance=0.0)
        with SimulatedBackend(self.instrument, self.clock, twin) as self._backend:
            yield Opened(self._backend, listen=self._listen, tick=TICK)
