"""One client of the owner, as its server sees it: lines in, lines out, and no more memory than that takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from .. import __version__
from ..errors import BackendError, OptionError, PlayerError, XylophoneError
from .commands import Command, checked, number_of
from .lines import PROTOCOL, Lines, read, shown, written
from .peers import Peer
from .spread import TOPIC_OF
from .unread import unread

LINES_A_TURN = 16
"""Lines of one client that are answered before the others have their turn."""

MOST_AHEAD = 65_536
"""Bytes that may wait for a client before it gets no more strikes ahead."""

MOST_WAITING = 4 * MOST_AHEAD
"""Bytes that may wait for a client before it is let go of."""

MOST_AWAITED = 64
"""Answers that a client may await at once; a stop is always taken."""

MOST_CLIENTS = 64
"""Clients with all rights; some more may only stop the music."""

LOOKS = 10
"""Looks, in the time that a client may read nothing, whether it does."""

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Early:
    """An answer of two lines: `first` says what holds already, `answer` ends it."""

    first: Future[Answer]
    answer: Future[Answer]


Found = Answer | Future[Answer] | Early


class Host(Protocol):
    """What a session knows of its server."""

    patience: float

    def enter(self, session: Session) -> bool:
        """Take a client in; tell whether there was a place for it, else it may only stop the music."""

    def leave(self, session: Session) -> None:
        """Let go of a client."""

    def left(self, who: Peer) -> None:
        """Note that a client asks for nothing more: its connection has ended, or its side of it."""

    def greeting(self) -> Answer:
        """Return what the first line says beside the versions."""

    def answer(self, command: Command, who: Peer) -> Found:
        """Do a command."""

    def newest(self) -> bytes | None:
        """Return the line of the newest state, None while nothing was told."""

    def soon(self, call: Callable[[], object]) -> None:
        """Call on the server's thread; from any thread."""


class Session(asyncio.Protocol):
    """A connection. Its lines are answered in turn; one that does not read is not read from either."""

    def __init__(self, host: Host) -> None:
        self._host, self._lines = host, Lines()
        self.topics: frozenset[str] = frozenset()
        self._agreed = self._full = self._ended = self._turning = False
        self._awaited = self._sent = 0
        self._state: bytes | None = None  # the newest, while something waits
        self._half: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet a client."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=0)  # so that a newer state takes the place of one that waits
        self._peer = Peer.of(transport.get_extra_info("socket"))
        self._crowded = not self._host.enter(self)
        self.send(written({"xylophone": PROTOCOL, "program": __version__, **self._host.greeting()}))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a client that has left."""
        for timer in (self._half, self._stalled):
            if timer is not None:
                timer.cancel()
        self._host.leave(self)
        self._host.left(self._peer)

    def data_received(self, data: bytes) -> None:
        """Take what a client sends."""
        self._lines.feed(data)
        self._turn()

    def eof_received(self) -> bool:
        """Go on until all that was asked is answered; then close."""
        self._ended = True
        self._turn()
        self._host.left(self._peer)
        return True

    def pause_writing(self) -> None:
        """Take no more lines while something waits for this client, and let go of it if that lasts."""
        self._full = True
        self._transport.pause_reading()
        self._watch(self._reading())

    def resume_writing(self) -> None:
        """Go on, with the newest state first."""
        self._full = False
        if self._stalled is not None:
            self._stalled.cancel()
        if self._state is not None:
            state, self._state = self._state, None
            self.send(state)
        self._turn()

    def send(self, line: bytes) -> None:
        """Send a line, whatever waits already; a client that leaves too much lying is let go of."""
        if self._transport.is_closing():
            return
        self._sent += len(line)
        self._transport.write(line)
        if self._transport.get_write_buffer_size() > MOST_WAITING:
            self.cut()

    def tell(self, kind: str, line: bytes) -> None:
        """Send an event to who has subscribed to it; a slow one gets the newest state, and no strikes."""
        wanted = TOPIC_OF.get(kind)
        if not self.topics or (wanted is not None and wanted not in self.topics):
            return
        if kind == "state" and self._full:
            self._state = line
        elif kind != "ahead" or self._transport.get_write_buffer_size() <= MOST_AHEAD:
            self.send(line)

    def cut(self) -> None:
        """Let go of this client at once."""
        self._transport.abort()

    def close(self) -> None:
        """Let go of this client when all that waits has been sent."""
        self._transport.close()

    def _watch(self, before: tuple[int, int], quiet: int = 1) -> None:
        """Let go of this client when it has read nothing at so many looks in a row."""

        def look() -> None:
            now = self._reading()
            if now[0] > before[0] or now[1] < before[1]:
                self._watch(now)
            elif quiet < LOOKS:
                self._watch(now, quiet + 1)
            else:
                self.cut()

        self._stalled = self._later(look, 1 / LOOKS)

    def _reading(self) -> tuple[int, int]:
        """Return how much the system has taken for this client, and how much lies there unread, bytes."""
        transport = self._transport
        return self._sent - transport.get_write_buffer_size(), unread(transport.get_extra_info("socket"))

    def _later(self, call: Callable[[], object], part: float = 1.0) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(part * self._host.patience, call)

    def _turn(self) -> None:
        """Answer some lines, and the rest when the others have had their turn."""
        for _ in range(LINES_A_TURN):
            if self._full or self._turning or self._transport.is_closing():
                return
            try:
                line = self._lines.take()
            except OptionError as error:
                self._refuse(None, error)
                continue
            if line is None:
                self._all_taken()
                return
            self._wait_for_end(False)
            self._take(line)
        self._turning = True
        self._transport.pause_reading()
        asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._turning = False
        self._turn()

    def _all_taken(self) -> None:
        half = self._lines.begun
        if self._ended:
            if half:
                self._refuse(None, OptionError("the last line has no end: end each line by a line feed"))
                self._lines = Lines()
            if not self._awaited:
                self._transport.close()
            return
        self._wait_for_end(half)
        self._transport.resume_reading()

    def _wait_for_end(self, half: bool) -> None:
        """Give a line that has begun some time to end."""
        if half and self._half is None:
            self._half = self._later(self._too_slow)
        elif not half and self._half is not None:
            self._half.cancel()
            self._half = None

    def _too_slow(self) -> None:
        limit = self._host.patience
        self._refuse(None, OptionError(f"a line was begun and not ended within {limit:g} s: send it at once"))
        self._transport.close()

    def _take(self, line: bytes) -> None:
        number = None
        try:
            request = read(line)
            if not self._agreed:
                self._agree(request)
                return
            number = number_of(request)
            self._do(number, checked(request))
        except XylophoneError as error:
            self._refuse(number, error)
        except Exception as error:
            self._refuse(number, failed(error))

    def _agree(self, first: Mapping[str, Any]) -> None:
        if first.get("xylophone") != PROTOCOL:
            asked = shown(first.get("xylophone"))
            self._refuse(
                None,
                OptionError(
                    f"this owner speaks version {PROTOCOL}, the client {asked}: "
                    f'begin with {{"xylophone": {PROTOCOL}}}, by a program of the owner\'s version'
                ),
            )
            self._transport.close()
            return
        self._agreed = True

    def _do(self, number: int, command: Command) -> None:
        if command.name != "stop":
            self._check_room()
        if command.name == "subscribe":
            self._subscribe(number, command.arguments["what"])
            return
        found = self._host.answer(command, self._peer)
        if isinstance(found, Early):
            self._await(found.first, lambda first: {"id": number, **first})
            found = found.answer
        if isinstance(found, Future):
            self._awaited += 1
            self._await(found, lambda answer: {"id": number, "ok": answer}, number)
        else:
            self.send(written({"id": number, "ok": found}))

    def _check_room(self) -> None:
        if self._crowded:
            raise PlayerError(f"{MOST_CLIENTS} clients are connected already: end one, then connect again")
        if self._awaited >= MOST_AWAITED:
            raise PlayerError(f"{MOST_AWAITED} answers are awaited already: wait for one of them")

    def _subscribe(self, number: int, topics: list[str]) -> None:
        self.topics = frozenset(topics)
        self.send(written({"id": number, "ok": {}}))
        if "state" in topics and (newest := self._host.newest()) is not None:
            self.tell("state", newest)

    def _await(
        self, found: Future[Answer], line: Callable[[Answer], Answer], number: int | None = None
    ) -> None:
        """Send the line of an answer when it is there; one with a `number` ends a request."""

        def told(done: Future[Answer]) -> None:
            if number is not None:
                self._awaited -= 1
            try:
                self.send(written(line(done.result(0))))
            except Exception as error:
                if number is not None:
                    self._refuse(number, error if isinstance(error, XylophoneError) else failed(error))
            self._turn()

        found.add_done_callback(lambda done: self._host.soon(lambda: told(done)))

    def _refuse(self, number: int | None, error: XylophoneError) -> None:
        told = {"kind": type(error).__name__, "message": str(error)}
        self.send(written({"id": number, "error": told}))


def failed(error: Exception) -> BackendError:
    """Return the error that a client is told where the owner itself has failed."""
    return BackendError(f"the owner has failed, {type(error).__name__}: {error}: look at its journal")
