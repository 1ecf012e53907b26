"""The core of the owner: one player for ever, a queue that it is fed from, and what it may not do.

`hold` runs on one thread and plays; `attend` is called by the player's loop there. What clients ask for
comes by `desk.py`, on another thread, under `lock`.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..backends.backend import Backend
from ..calibration.digest import digest
from ..calibration.file import default_calibration
from ..calibration.values import Calibration
from ..clock import Clock
from ..errors import BackendAbsent, BackendError, FileError, PlayerError, SafetyError, XylophoneError
from ..player import Player, PlayerState
from ..player.loop import TICK
from ..player.news import Follower
from ..sequencer import PlanOptions
from .feed import Feed
from .latch import Stopped
from .latching import Latching
from .making import Maker

LOOK = 1.0
"""s between two looks for a board that is not there."""

AGAIN = (1.0, 2.0, 5.0, 10.0, 30.0)
"""s before a backend that has failed is opened again: the first time, the second, ..."""

STEADY = 60.0
"""s after which a backend that plays counts as mended."""

COUNTED = 1.0
"""s between two looks at how much was played."""

REMEMBERED = 2000
"""Strikes that the player remembers: more than a command takes back, whose refusals are counted once."""

TIDIED, TIDIED_IN_PLAY = 30.0, 3600.0
"""s between two collections of garbage, while nothing plays and in music that never ends."""


@dataclass(frozen=True)
class Opened:
    """A backend that is open, and what a player needs beside it. `listen` passes simulated hits on.

    `tuned` is the file of the calibration, None where nobody has tuned the hammers.
    """

    backend: Backend
    calibration: Calibration | None = None
    options: PlanOptions | None = None
    listen: Callable[[], object] = lambda: None
    tick: float = TICK
    tuned: Path | None = None


class Core(Feed):
    """Holds an instrument.

    `stage` opens the backend, whose time is that of `clock`. `tell` is called when something has changed, on
    any thread and holding locks, so it only notes that; `say` prints a line for who keeps the machine.
    `alive` is called at least once a second, `begun` with each entry that begins to play. `stops` counts
    emergency stops, whoever has asked for them.
    """

    def __init__(
        self,
        stage: Callable[[], AbstractContextManager[Opened]],
        maker: Maker,
        latching: Latching,
        clock: Clock,
        *,
        tell: Callable[[], object] = lambda: None,
        say: Callable[[str], object] = lambda line: None,
        alive: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(maker, tell, say)
        self.player: Player | None = None
        self.news: Follower | None = None
        self.trouble: XylophoneError | None = None  # why there is no player
        self.latching, self.stopped = latching, latching.latch.read()
        self._stage, self._alive, self._clock = stage, alive, clock
        self._opened: Opened | None = None
        self._leaving = self._idle = False
        self._tidied = self._counted = 0.0
        self.struck = 0  # strikes played to the end since the backend was opened
        self.lost = Counter[str]()  # those that the backend has not played since then, by reason
        self.stops = 0
        self.stopping = False  # one of those is under way, and says who has asked for it when `lock` is free
        self.most_volume = 100.0  # of 100
        self.url = ""
        self.config: Path | None = None  # the configuration that it was started with
        self.forgive: Callable[[], object] = lambda: None  # somebody has looked

    def hold(self) -> None:
        """Hold the instrument until `leave`.

        A backend that fails is opened again; one that was stopped, or has ended for safety, after a release.
        """
        failures = 0
        while not self._leaving:
            began = self._clock.now()
            try:
                with self._stage() as opened:
                    self._play_on(opened)
            except SafetyError as error:
                self._lose(error)
                self._latch_by_itself(str(error))
            except BackendAbsent as error:
                self._lose(error)
                self._rest(LOOK)
            except (BackendError, FileError) as error:
                self._lose(error)
                failures = 0 if self._clock.now() - began > STEADY else failures + 1
                self._rest(AGAIN[min(max(failures, 1), len(AGAIN)) - 1])
            while self.stopped is not None and not self._leaving:
                self._rest(LOOK)

    def leave(self) -> None:
        """Let `hold` return, all coils off; from any thread, or from a signal handler."""
        self._leaving = True
        if (player := self.player) is not None:
            player.leave()
        self._clock.wake()

    def attend(self, now: float) -> None:
        """Keep the player fed from the queue; called by its loop, and never waits."""
        self._alive()
        player, opened = self.player, self._opened
        if player is None or opened is None:
            return
        opened.listen()
        idle = player.state is PlayerState.IDLE
        if idle > self._idle or (not idle and now - self._counted > COUNTED):
            report = opened.backend.report()
            self._counted, self.struck = now, report.pulses
            self.lost = +(Counter(report.refused) + Counter(late=report.late))
        self._idle = idle
        with self.lock:
            if player.state is PlayerState.STOPPED and self.stopped is None and not self.stopping:
                self._latch_by_itself("the board was stopped in an emergency")
            self.feed(player)
        self._tidy(TIDIED_IN_PLAY if player.state is PlayerState.PLAYING else TIDIED)

    def released(self) -> None:
        """Go on as somebody has taken the latch off; nothing begins by that."""
        self.give_up(PlayerError("a stop has come before it began"))
        self.stopped = None
        if self.player is not None and self.player.state is PlayerState.STOPPED:
            self.player.release()

    def hush(self) -> None:
        """End what is heard, unless a stop has done so."""
        if self.player is not None and self.stopped is None:
            self.player.stop()

    def wake(self) -> None:
        """Have the loop look at once; from any thread."""
        if (player := self.player) is not None:
            player.backend.clock.wake()
        self._tell()

    def require_open(self) -> None:
        """Raise SafetyError after a stop, and why the backend is not open where it has failed."""
        if self.stopped is not None:
            raise SafetyError(f"{self.stopped.words}: release it first")
        if self.player is None and self.trouble is not None:
            raise self.trouble

    def require_player(self) -> Player:
        """Return the player; raises as `require_open`, and BackendError while the backend is being opened."""
        self.require_open()
        if self.player is None:
            raise BackendError("the backend is being opened: ask again in a moment")
        return self.player

    @property
    def calibration(self) -> Mapping[str, Any] | None:
        """By which calibration it plays: its file and its digest; None while no backend is open."""
        opened = self._opened
        if opened is None:
            return None
        known = opened.calibration or default_calibration(opened.backend.instrument)
        return {"file": None if opened.tuned is None else str(opened.tuned), "digest": digest(known)}

    def _play_on(self, opened: Opened) -> None:
        backend = opened.backend
        player = Player(
            backend,
            opened.calibration,
            opened.options,
            watch=self.attend,
            tick=opened.tick,
            remember=REMEMBERED,
        )
        with self.lock:
            self._opened, self.player, self.trouble, self._idle = opened, player, None, False
            self.news = player.followed(self._tell)
            player.set_speed(self.manner.speed).set_volume(self.manner.volume)
            if self.stopped is not None:
                player.emergency()
        self.say(f"{backend.name}: all is ready")
        if self._leaving:
            player.leave()
        try:
            player.run()
        finally:
            with self.lock:
                self.resume_later(player)
                self.player = self.news = self._opened = None
            self._tell()

    def _lose(self, error: XylophoneError) -> None:
        """Note that there is no player, and say why, once."""
        with self.lock:
            told = self.trouble is not None and str(self.trouble) == str(error)
            self.trouble = error
        if not told:
            for line in error.lines:
                self.say(line)
        self._tell()

    def _latch_by_itself(self, why: str) -> None:
        """Put the latch on as nobody has asked for it; what cannot be written still holds in this process."""
        now = datetime.now(UTC)
        with self.lock:
            self.stops += 1  # a release that is under way is not of this one
            if self.stopped is None:
                self.stopped = Stopped("the instrument", f"{now:%Y-%m-%dT%H:%M:%SZ}", why)
                self.give_up(SafetyError(self.stopped.words))
            written = self.latching.set("the instrument", now, why)
        written.add_done_callback(self._tell_unwritten)
        self._tell()

    def _tell_unwritten(self, written: Future[Stopped]) -> None:
        if (error := written.exception(0)) is not None:
            self.say(f"the stop is not on disk: {error}")

    def _rest(self, limit: float) -> None:
        """Wait for so many seconds, or until `leave`, with signs of life."""
        until = self._clock.now() + limit
        while (now := self._clock.now()) < until and not self._leaving:
            self._alive()
            self._tidy(TIDIED)
            self._clock.wait_until(min(now + LOOK, until))

    def _tidy(self, every: float) -> None:
        """Collect garbage, which clients leave too, unless that was done within so many seconds."""
        if (now := self._clock.now()) - self._tidied > every:
            self._tidied = now
            gc.collect()
