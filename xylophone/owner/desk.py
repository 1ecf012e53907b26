"""The desk of the owner: what clients ask for, done on its core, and what has changed, told to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from ..backends.contract import Coils
from ..config.values import SPEEDS
from ..errors import BackendAbsent, OptionError, PlayerError, SafetyError, XylophoneError
from ..player import PlayerState
from ..player.ahead import Ahead, TakenBack
from ..player.bounds import clamped
from ..player.engine import FIRST_SECONDS
from ..player.news import Changed, Met, News
from ..player.states import follow
from ..player.term import Term
from ..strikes import percent_of, volume_of
from .beginning import Beginning, superseded
from .commands import Command
from .core import Core
from .feed import SOUNDING
from .latch import Stopped
from .leaving import leave
from .manner import Manner
from .peers import Peer
from .promises import Promise, keep
from .queue import Entry, Song
from .session import Early, Found
from .view import remark_of, rows_of, state_of, strikes_in

Answer = Mapping[str, Any]

WINDOW = 100
"""Entries of the queue that are told at once, unless others are asked for."""

PASSING = ("at", "position", "measure", "beat", "struck", "not_struck", "tempo_bpm")
"""What goes on by itself: no news."""


class Desk:
    """Answers commands. `tell` sends an event to the clients."""

    _who: Peer | None = None  # who asks just now

    def __init__(self, core: Core, tell: Callable[[Answer], object]) -> None:
        self._core, self._tell = core, tell
        self._told: Answer = {}
        self._number = 0
        self._does: dict[str, Callable[..., Found]] = {
            "state": self._state,
            "play": self._play,
            "add": self._add,
            "insert": self._insert,
            "pause": self._pause,
            "resume": self._resume,
            "toggle": self._toggle,
            "next": self._next,
            "previous": self._previous,
            "seek": self._seek,
            "speed": self._speed,
            "volume": self._volume,
            "transpose": self._transpose,
            "loop": self._loop,
            "end_loop": self._end_loop,
            "queue": self._queue,
            "move": self._move,
            "remove": self._remove,
            "clear": self._clear,
            "shuffle": self._shuffle,
            "repeat": self._repeat,
            "finish": self._finish,
            "end": self._end,
            "release": self._release,
        }

    def answer(self, command: Command, who: Peer) -> Found:
        """Do what a client asks for; what is answered has taken effect."""
        arguments = dict(command.arguments)
        if command.name == "stop":
            return self._stop(who, arguments.get("why", ""))
        with self._core.lock:
            self._who = who
            found = self._does[command.name](**arguments)
        self._core.wake()
        return found

    def left(self, who: Peer) -> None:
        """End what a client has asked for that is attached to it, as its connection has ended."""
        with self._core.lock:
            leave(self._core, who)
        self._core.wake()

    def tell(self) -> None:
        """Tell the clients what has changed since the last call."""
        with self._core.lock:
            news = [] if self._core.news is None else self._core.news.take()
            for each in news:
                self._pass_on(each)
            for remark in self._core.take_remarks():
                self._tell({"event": "song", **remark_of(remark)})
            state = state_of(self._core)
            lasting = {key: value for key, value in state.items() if key not in PASSING}
            if lasting != self._told or any(isinstance(each, Changed) for each in news):
                self._told, self._number = lasting, self._number + 1
                self._tell({"event": "state", "rev": self._number, "state": state})

    def _pass_on(self, news: News) -> None:
        if isinstance(news, Ahead):
            self._tell({"event": "ahead", "strikes": strikes_in(news)})
        elif isinstance(news, TakenBack):
            self._tell({"event": "back", "from": max(news.after, -1e9)})
        elif isinstance(news, Met) and not news.fault.fatal:  # a fatal one is the state's message
            self._tell({"event": "fault", "message": news.fault.message})
            self._core.say(news.fault.message)

    def _now(self) -> Answer:
        with self._core.lock:
            return {"state": state_of(self._core)}

    def _settled(self, **more: Any) -> Promise:
        """Return the answer to a command that the player was given: how it is once that has taken effect."""
        promise = Promise()
        if self._core.player is None:
            promise.set_result({**more, **self._now()})
        else:
            keep(self._core.player.settled(), promise, lambda _: {**more, **self._now()})
        return promise

    def _after(self, begun: Promise, entries: list[Entry]) -> Promise:
        """Return the answer to what is to begin."""
        promise, numbers = Promise(), [entry.number for entry in entries]
        keep(begun, promise, lambda _: {"entries": numbers, **self._now()})
        return promise

    def _state(self) -> Answer:
        return self._now()

    def _play(self, songs: list[Song], **asked: Any) -> Promise:
        core = self._core
        core.require_open()
        core.give_up(superseded())
        own = core.manner
        volume = self._loudness(asked["volume"]) if "volume" in asked else own.volume
        manner = Manner(asked.get("speed", own.speed), volume, asked.get("gap"), asked.get("roll"))
        before = core.replace(songs, manner, Term(asked.get("limit")))
        queue = core.queue
        core.attached.begin(self._who if asked.get("attached") else None, queue.entries)
        queue.repeat = asked.get("repeat", False)
        if asked.get("shuffle"):
            queue.shuffle(None)
        beginning = Beginning(queue.entries[0], asked.get("start", 0.0), asked.get("at"))
        beginning.alone, beginning.before = len(songs) == 1, before
        return self._after(core.begin(beginning), queue.entries)

    def _add(self, songs: list[Song]) -> Answer:
        return self._put(songs, None)

    def _insert(self, songs: list[Song], before: int | None = None) -> Answer:
        numbers = [entry.number for entry in self._core.queue.to_come]
        if before is not None and before not in numbers:
            raise OptionError(f"entry {before} is not among those to come: ask for the queue")
        return self._put(songs, 0 if before is None else numbers.index(before))

    def _put(self, songs: list[Song], place: int | None) -> Answer:
        core = self._core
        entries = core.queue.insert(songs, place)
        core.attached.add(self._who, entries)
        silent = core.player is None or core.player.state is PlayerState.IDLE
        if (
            silent
            and core.stopped is None
            and core.beginning is None
            and (entry := core.queue.next()) is not None
        ):
            core.begin(Beginning(entry))
        return {"entries": [entry.number for entry in entries], **self._now()}

    def _pause(self) -> Promise:
        self._core.require_player().pause()
        return self._settled()

    def _resume(self) -> Promise:
        self._core.require_player().resume()
        return self._settled()

    def _toggle(self) -> Promise:
        self._core.require_player().toggle()
        return self._settled()

    def _next(self) -> Promise:
        core = self._core
        player, entry = core.require_player(), core.queue.next()
        if entry is not None:
            return self._after(core.begin(Beginning(entry, in_time=True)), [entry])
        follow(player.state, "next")
        return self._end()

    def _previous(self) -> Promise:
        core = self._core
        player, entry = core.require_player(), core.queue.previous()
        sounding = player.state in SOUNDING
        if sounding and (entry is None or player.snapshot().position >= FIRST_SECONDS):
            player.seek(0.0)
            return self._settled()
        if entry is None:
            raise PlayerError("nothing was played before: add a song to the queue")
        return self._after(core.begin(Beginning(entry)), [entry])

    def _seek(self, to: float | None = None, by: float = 0.0) -> Promise:
        player = self._core.require_player()
        player.seek_by(by) if to is None else player.seek(to)
        return self._settled()

    def _speed(self, to: float | None = None, times: float = 1.0) -> Promise:
        player, manner = self._core.require_player(), self._core.manner
        manner.speed = clamped(manner.speed * times, SPEEDS) if to is None else to
        player.set_speed(manner.speed)
        return self._settled()

    def _volume(self, to: float | None = None, by: float = 0.0) -> Promise:
        core = self._core
        asked = clamped(percent_of(core.manner.volume) + by, (0.0, 100.0)) if to is None else to
        core.manner.volume = self._loudness(asked)
        if core.player is not None:
            core.player.set_volume(core.manner.volume)
        return self._settled()

    def _loudness(self, percent: float) -> float:
        """Return the player's volume for one of 0..100, under the ceiling."""
        return volume_of(min(percent, self._core.most_volume))

    def _transpose(self, to: int | None = None, by: int = 0) -> Promise:
        core = self._core
        player, entry = core.require_player(), core.sounding
        if entry is None or player.piece is None:
            raise PlayerError("nothing is playing: play a song first")
        shift = player.piece.transpose + by if to is None else to
        return self._after(core.change({**entry.song, "transpose": shift}), [entry])

    def _loop(self, begin: float | None = None, end: float | None = None) -> Promise:
        self._core.require_player().set_loop(begin, end)
        return self._settled()

    def _end_loop(self) -> Promise:
        self._core.require_player().end_loop()
        return self._settled()

    def _queue(self, first: int | None = None, count: int = WINDOW) -> Answer:
        core, entries = self._core, self._core.queue.entries
        begin = 0 if first is None else entries.index(core.queue.entry(first))
        return {"entries": rows_of(core, entries[begin : begin + count]), "count": len(entries)}

    def _move(self, entry: int, to: int) -> Answer:
        self._core.queue.move(entry, to)
        return self._now()

    def _remove(self, entries: list[int]) -> Answer:
        self._core.queue.remove(entries)
        return self._now()

    def _clear(self) -> Answer:
        self._core.queue.clear()
        return self._now()

    def _shuffle(self, seed: int | None = None) -> Answer:
        self._core.queue.shuffle(seed)
        return self._now()

    def _repeat(self, on: bool) -> Answer:
        self._core.queue.repeat = on
        return self._now()

    def _finish(self, on: bool) -> Answer:
        self._core.queue.finish = on
        return self._now()

    def _end(self) -> Promise:
        core = self._core
        core.give_up(PlayerError("it was ended before it began"))
        core.hush()
        return self._settled()

    def _stop(self, who: Peer, why: str) -> Early:
        """Stop in an emergency: the coils first; the answer comes when the latch is on the disk."""
        core, first, now = self._core, Promise(), datetime.now(UTC)
        core.stops, core.stopping = core.stops + 1, True
        player = core.player
        if player is None:
            absent = isinstance(core.trouble, BackendAbsent)
            first.set_result({"coils": str(Coils.OFF_BY_LIMIT if absent else Coils.UNCONFIRMED)})
        else:
            settled = player.emergency().settled()
            keep(settled, first, lambda _: {"coils": str(player.backend.coils)})
        with core.lock:
            if core.player is not None and core.player.state is not PlayerState.STOPPED:
                core.player.emergency()  # a release was just under way, or the backend has just been opened
            core.stopping = False
            if core.stopped is None:
                core.stopped = Stopped(who.name, f"{now:%Y-%m-%dT%H:%M:%SZ}", why)
            core.give_up(SafetyError(f"{core.stopped.words}: release it first"))
        core.wake()
        return Early(first, self._latched(first, core.latching.set(who.name, now, why)))

    def _latched(self, first: Promise, written: Future[Stopped]) -> Promise:
        """Return the answer to a stop: the coils are off and the latch is on the disk, or why it is not."""
        promise, on_disk = Promise(), Promise()
        keep(written, on_disk, lambda _: {})

        def then(_: Future[Answer]) -> None:
            try:
                on_disk.result(0)
            except Exception as error:
                told, known = f"stopped, but a restart would not know of it: {error}", XylophoneError
                promise.set_exception(type(error)(told) if isinstance(error, known) else error)
                return
            keep(first, promise, lambda coils: {**coils, **self._now()})

        on_disk.add_done_callback(then)
        return promise

    def _release(self) -> Promise:
        core, promise, stops = self._core, Promise(), self._core.stops
        if core.stopped is None:
            raise PlayerError("nothing is stopped: there is nothing to release")

        def released(_: None) -> Answer:
            with core.lock:
                if core.stops != stops:
                    raise SafetyError("it was stopped again meanwhile: release it once more")
                core.released()
            core.forgive()
            core.wake()
            return self._now()

        keep(core.latching.clear(), promise, released)
        return promise
