"""The loop of a player: takes commands from any thread, carries them out on one, and tells what came of it.

Commands may come from any thread, from a signal handler or from a virtual clock. They are checked
against the table of states at once, and take effect in the loop (`wait`, `run`), which alone touches the
backend.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Self

from ..backends.backend import Backend
from ..backends.contract import Fault
from ..errors import PlayerError, SafetyError
from ..sequencer import Planner
from .engine import Engine
from .news import MOST_NEWS, Changed, Follower, Met, News
from .record import Record
from .snapshot import Snapshot
from .states import STILL, PlayerState, follow

TICK = 0.03
"""s between two calls of `watch`."""

IDLE_TICK = 0.5
"""s between two looks for faults, and calls of `watch`, while nothing plays."""

MOST_FAULTS = 1000
"""The newest so many faults are kept."""

STOPPED = "the emergency stop is on: release it to play on"

Effect = Callable[[float], object]


class Loop:
    """What runs a backend for a player; see there."""

    def __init__(
        self,
        backend: Backend,
        planner: Planner,
        remember: int,
        watch: Callable[[float], object] | None,
        tick: float,
    ) -> None:
        self.backend = backend
        self.faults: deque[Fault] = deque(maxlen=MOST_FAULTS)
        self.faults_met = 0
        self.state = PlayerState.IDLE
        self._record = Record(remember)
        self._engine = Engine(backend, planner, self._record, self._publish)
        self._watch = watch
        self._step = backend.lookahead / 2 if watch is None else tick
        self._commands: deque[tuple[PlayerState, Effect]] = deque()
        self._promises: list[Future[Snapshot]] = []
        self._followers: list[Follower] = []
        self._marks: tuple[object, ...] = ()
        self._number = 0
        self._lock = threading.RLock()
        self._waiting = threading.Lock()
        self._left = False

    def wait(self) -> Self:
        """Play until everything is over or stopped; whatever ends it, all coils are off then.

        Raises BackendError when the backend fails, PlayerError when another thread waits already.
        """
        with self._running():
            while self._turn():
                self.backend.clock.wait_until(self._next_turn())
        return self

    def run(self) -> Self:
        """Play whatever comes, until `leave`: faults are noticed while nothing plays too.

        An emergency stop that comes from elsewhere, the board's own or `Backend.stop`, leads to `stopped`.
        Raises as `wait` does otherwise.
        """
        with self._running():
            while not self._left:
                try:
                    before = self.state
                    self._turn()
                    if before is not self.state is PlayerState.IDLE:
                        self.backend.silence()
                except SafetyError as error:
                    if not self.backend.stopped:
                        raise
                    self._halt(error)
                self.backend.clock.wait_until(self._next_turn())
        return self

    def leave(self) -> None:
        """Let `run` return, all coils off; from any thread, or from a signal handler."""
        self._left = True
        self.backend.clock.wake()

    def followed(self, wake: Callable[[], object] = lambda: None, most: int = MOST_NEWS) -> Follower:
        """Return a queue of news, in which lies how it is now; `wake` as of Follower."""
        follower = Follower(wake, most)
        with self._lock:
            follower.put(self._changed())
            self._followers.append(follower)
        return follower

    def forget(self, follower: Follower) -> None:
        """Tell one nothing more."""
        with self._lock:
            self._followers.remove(follower)

    def settled(self) -> Future[Snapshot]:
        """Return what is done when all commands given so far have taken effect, and tells how it is then.

        It raises what ended the loop before that, SafetyError where an emergency has dropped them. Whoever is
        called then is called with no lock held.
        """
        promise: Future[Snapshot] = Future()
        with self._lock:
            if self.state is PlayerState.FAILED:
                promise.set_exception(PlayerError("the player has failed: open the backend again"))
            else:
                self._promises.append(promise)
        self.backend.clock.wake()
        return promise

    def snapshot(self) -> Snapshot:
        """Return where the player is."""
        with self._lock:
            return Snapshot.of(self._engine, self.state, self.backend.now())

    def _take(self, name: str, effect: Effect, *, alone: bool = False) -> None:
        """Take a command; one that is `alone` drops all that have not taken effect."""
        dropped: list[Future[Snapshot]] = []
        with self._lock:
            self.state = follow(self.state, name)
            if alone:
                dropped = self._drop_commands()
            self._commands.append((self.state, effect))
        self.backend.clock.wake()
        _break(dropped, SafetyError("an emergency stop has come before it: release it first"))

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Run the loop in the block: one thread alone, and silent afterwards whatever ends it."""
        if not self._waiting.acquire(blocking=False):
            raise PlayerError("the player is being waited for already: one thread runs it, others command it")
        try:
            yield
        except BaseException as error:
            with self._lock:
                stopped = isinstance(error, SafetyError) and self.backend.stopped
                self.state = PlayerState.STOPPED if stopped else PlayerState.FAILED
                dropped = self._drop_commands()
                self._tell()
            _break(dropped, error)
            raise
        finally:
            self._waiting.release()
            self.backend.silence()

    def _turn(self) -> bool:
        """Apply commands, hand pulses to the backend; False when there is nothing left to wait for."""
        if self._watch is not None:
            self._watch(self.backend.now())
        with self._lock:
            while self._commands:
                state, effect = self._commands.popleft()
                effect(self.backend.now())
                self.state = state
            self._look_for_faults()
            if self.state in (PlayerState.PLAYING, PlayerState.PAUSED):
                now = self.backend.now()
                if self._engine.over(now):
                    self.state = follow(self.state, "end")
                else:
                    self._engine.feed(now)
            if self.state in STILL:
                self._engine.direct.feed(self.backend.now())
            self._tell()
            promises, shot = self._taken_promises(), self.snapshot()
            goes_on = bool(self._commands) or self._busy()
        for promise in promises:  # with no lock held: who waits for it may hold another
            promise.set_result(shot)
        return goes_on

    def _busy(self) -> bool:
        """Tell whether something plays, is paused, or is struck directly."""
        if self.state is PlayerState.IDLE:
            return not self._engine.direct.over(self.backend.now())
        return self.state in (PlayerState.PLAYING, PlayerState.PAUSED)

    def _next_turn(self) -> float:
        with self._lock:
            now, engine = self.backend.now(), self._engine
            soonest = now + (self._step if self._busy() else IDLE_TICK)
            if self.state in (PlayerState.PLAYING, PlayerState.PAUSED):
                soonest = min(soonest, engine.next_change(now))
            if self.state in STILL:
                soonest = min(soonest, engine.direct.due)
        return max(now + 1e-3, soonest)

    def _look_for_faults(self) -> None:
        for fault in self.backend.poll():
            self.faults.append(fault)
            self.faults_met += 1
            self._publish(Met(fault))
            fault.require_more()
        if self.backend.stopped and self.state is not PlayerState.STOPPED:
            raise SafetyError(STOPPED)

    def _halt(self, error: SafetyError) -> None:
        """Do what an emergency does, as one has come from elsewhere."""
        with self._lock:
            self.state = PlayerState.STOPPED
            dropped = self._drop_commands()
            self._engine.emergency(self.backend.now())
            self._tell()
        _break(dropped, error)

    def _drop_commands(self) -> list[Future[Snapshot]]:
        """Forget all commands that have not taken effect; return what is waited for because of them."""
        self._commands.clear()
        return self._taken_promises()

    def _taken_promises(self) -> list[Future[Snapshot]]:
        """Return what is waited for; those that were given up are left out."""
        promises, self._promises = self._promises, []
        return [promise for promise in promises if promise.set_running_or_notify_cancel()]

    def _tell(self) -> None:
        """Tell the followers that something has changed, if it has."""
        marks = (self.state, *marks_of(self._engine, self.backend.now()))
        if self._followers and marks != self._marks:
            self._marks = marks
            self._number += 1
            self._publish(self._changed())

    def _changed(self) -> Changed:
        now = self.backend.now()
        engine = self._engine
        piece = engine.stretch(now).arrangement if engine.timeline.laid else None
        return Changed(self._number, Snapshot.of(engine, self.state, now), piece)

    def _publish(self, news: News) -> None:
        for follower in self._followers:
            follower.put(news)


def marks_of(engine: Engine, now: float) -> tuple[object, ...]:
    """Return what differs when something else sounds, or will in a moment, than goes on by itself."""
    timeline, manner = engine.timeline, (engine.timeline.speed, engine.volume, engine.paused_at)
    if not timeline.laid:
        return manner
    sounds = engine.stretch(now)
    where = (*manner, sounds.time, sounds.position, sounds.arrangement)
    return (*where, timeline.loop, len(timeline.pieces), engine.jumped)


def _break(promises: list[Future[Snapshot]], why: BaseException) -> None:
    for promise in promises:
        promise.set_exception(why)
