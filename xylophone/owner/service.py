"""An owner put together: core, desk, server, latch, and what is remembered of crashes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..clock import Clock, SystemClock
from ..errors import FileError
from ..shelf.logbook import Logbook, Played
from ..strikes import volume_of
from .beginning import Beginning
from .commands import Command
from .core import Core, Opened
from .desk import Desk
from .feed import Heard
from .last import LastQueue
from .latch import Latch
from .latching import Latching
from .making import Maker, Recipe
from .peers import Peer
from .places import Door
from .restarts import Restarts, Run
from .server import Server
from .session import Found

Stage = Callable[[], AbstractContextManager[Opened]]


class Service:
    """An owner of the instrument of a recipe, whose backend `stage` opens on a clock.

    Entered, it listens at its door; `hold` plays, on the thread that calls it. `say` prints a line, `alive`
    is called at least once a second, `logbook` notes what has played. Songs are made ready by a worker
    process where time is the machine's.
    """

    def __init__(
        self,
        stage: Stage,
        recipe: Recipe,
        door: Door,
        clock: Clock,
        url: str,
        *,
        logbook: Logbook | None = None,
        say: Callable[[str], object] = lambda line: None,
        alive: Callable[[], object] = lambda: None,
    ) -> None:
        self._recipe, self._door, self._clock = recipe, door, clock
        self._zero = clock.zero if isinstance(clock, SystemClock) else 0.0
        real = clock if isinstance(clock, SystemClock) else None
        self._maker = Maker(recipe, real, lambda: self.core.wake())
        self._writing = ThreadPoolExecutor(1, "latch")
        latching = Latching(Latch(door.state), self._writing)
        self.core = Core(stage, self._maker, latching, clock, tell=self._note, say=say, alive=alive)
        self.core.url = url
        self._server = Server(self._answer, self.greeting, door, left=self._left)
        self._desk = Desk(self.core, self._server.tell)
        self._noted = False
        self._say, self._kept = say, LastQueue()
        self._told_lost = False
        self._logbook = logbook
        self.core.ended = self._log
        self.core.begun = lambda entry, shot: self._keep_queue()
        self._held = ExitStack()
        self.run = Run()

    def __enter__(self) -> Self:
        """Open the door; BackendMissing where another owner lives there, FileError where it cannot be."""
        with ExitStack() as held:
            held.enter_context(self._writing)
            held.callback(self._maker.close)
            if self._logbook is not None:
                held.callback(self._logbook.close)
            held.enter_context(self._server)
            self._restarts = Restarts.of(self._door)
            self.run = self._restarts.begin(self._zero + self._clock.now())
            self.core.forgive = lambda: self._count(self._restarts.forgive)
            self._held = held.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of all clients, and of the door; what ends it but a signal counts as a crash."""
        if error is None or isinstance(error, KeyboardInterrupt | SystemExit):
            self._held.callback(self._count, self._restarts.end)
        self._server.tell({"event": "bye", "why": "the owner ends"})
        self._held.close()

    def start_with(self, queue: LastQueue, volume: float | None = None) -> None:
        """Play songs as soon as the backend is open, unless too many runs have crashed or a stop holds.

        `volume` is 0..100, the one that holds for None.
        """
        core = self.core
        if volume is not None:
            core.manner.volume = volume_of(volume)
        if core.most_volume < 100:
            core.manner.volume = min(core.manner.volume, volume_of(core.most_volume))
        if not queue.songs or core.stopped is not None:
            return
        if not self.run.may_play:
            self._say(
                "it crashed more than three times within an hour: silent until somebody plays something"
            )
            return
        with core.lock:
            core.queue.replace(queue.songs)
            core.queue.repeat = queue.repeat
            core.begin(Beginning(core.queue.entries[0]))

    def hold(self) -> None:
        """Hold the instrument until `core.leave`."""
        self.core.hold()

    def greeting(self) -> Mapping[str, Any]:
        """Return what the first line says to a client."""
        instrument = self._recipe.instrument
        return {
            "zero": self._zero,
            "backend": self.core.url,
            "instrument": instrument.name,
            "bars": [hammer.name for hammer in instrument.hammers],
            "config": None if self.core.config is None else os.path.realpath(self.core.config),
            "calibration": self.core.calibration,
        }

    def _keep_queue(self) -> None:
        """Have the queue kept, where it is another one, by who writes."""
        core = self.core
        if core.beginning is not None:  # what is to begin is kept when it does
            return
        repeat = core.queue.repeat and core.term.seconds is None  # else it would play on when time is up
        queue = LastQueue(core.queue.left, repeat)
        if queue != self._kept:
            self._kept = queue
            self._writing.submit(self._write, queue)

    def _log(self, heard: Heard) -> None:
        """Have a play noted, and once a trouble with that be told."""
        logbook = self._logbook
        if logbook is None:
            return
        path = Path(heard.entry.song["path"])
        logbook.note_play(Played(path, heard.piece.song, heard.began, heard.seconds, heard.finished))
        if logbook.lost and not self._told_lost:
            self._told_lost = True
            self._say(logbook.lost)

    def _write(self, queue: LastQueue) -> None:
        try:
            queue.write(self._door.state)
        except FileError as error:
            self._say(f"the queue is not kept for the next start: {error}")

    def _count(self, note: Callable[[], object]) -> None:
        """Note what the count of crashes is to know; a full disk undoes no release, and no end."""
        try:
            note()
        except FileError as error:
            self._say(f"the next start takes this for a crash: {error}")

    def _answer(self, command: Command, who: Peer) -> Found:
        return self._desk.answer(command, who)

    def _left(self, who: Peer) -> None:
        self._desk.left(who)

    def _note(self) -> None:
        """Have the clients told what has changed, on the server's thread."""
        if not self._noted:
            self._noted = True
            self._server.soon(self._tell)

    def _tell(self) -> None:
        self._noted = False
        self._desk.tell()
