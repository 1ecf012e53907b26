"""The owner's server: clients at a unix socket, on a thread of its own, which holds nobody up."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import TracebackType

from .commands import Command
from .doorway import listening
from .lines import written
from .peers import Peer
from .places import Door
from .session import MOST_CLIENTS, Answer, Found, Session
from .spread import Event, Spread

MOST_CROWD = 16
"""Clients beyond the last place, which may only stop the music; who comes then is let go of at once."""

PATIENCE = 10.0
"""s that a line may take from its first byte to its end, and that a client may read nothing of what waits."""

FAREWELL = 0.5
"""s in which clients can take what waits for them when the server closes."""


class Server:
    """Takes clients in at a door and has their commands answered.

    `answer` does a command, on the server's thread: it returns the answer, a future of it, or an `Early`, and
    raises what the client is to be told. `greeting` is asked for each client what its first line says. `left`
    is called, at least once, with the very peer of a client whose connection has ended.
    """

    def __init__(
        self,
        answer: Callable[[Command, Peer], Found],
        greeting: Callable[[], Answer],
        door: Door,
        patience: float = PATIENCE,
        left: Callable[[Peer], object] = lambda who: None,
    ) -> None:
        self.answer, self.greeting, self.patience, self._left = answer, greeting, patience, left
        self._door = door
        self._sessions: set[Session] = set()
        self._spread = Spread()
        self._state: bytes | None = None
        self._held = ExitStack()
        self._thread: threading.Thread | None = None

    def start(self) -> Server:
        """Open the door; BackendMissing where another owner lives there, FileError where it cannot be."""
        listener = self._held.enter_context(listening(self._door))
        self._loop = asyncio.new_event_loop()
        self._closing, self._empty = asyncio.Event(), asyncio.Event()
        self._empty.set()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete,
            args=(self._serve(listener),),
            name="owner-server",
            daemon=True,
        )
        self._thread.start()
        return self

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def tell(self, event: Event) -> None:
        """Send an event to who has subscribed to it; from any thread, and never waiting for anybody.

        `event` names its kind, which spread.TOPIC_OF knows, and holds what JSON can.
        """
        if self._spread.put(event):
            self.soon(self._send_events)

    def close(self, why: str = "the owner ends") -> None:
        """Say farewell; let go of all clients once they have taken what waits, or FAREWELL s later."""
        if self._thread is not None:
            self.tell({"event": "bye", "why": why})
            self.soon(self._closing.set)
            self._thread.join()
            self._loop.close()
            self._thread = None
        self._held.close()

    def soon(self, call: Callable[[], object]) -> None:
        """Call on the server's thread; from any thread. Nothing is called once it has closed."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    def enter(self, session: Session) -> bool:
        """Take a client in; tell whether there was a place for it, else it may only stop the music."""
        self._sessions.add(session)
        self._empty.clear()
        if len(self._sessions) > MOST_CLIENTS + MOST_CROWD:
            session.cut()
        return len(self._sessions) <= MOST_CLIENTS

    def leave(self, session: Session) -> None:
        """Let go of a client."""
        self._sessions.discard(session)
        if not self._sessions:
            self._empty.set()

    def left(self, who: Peer) -> None:
        """Note that a client asks for nothing more."""
        self._left(who)

    def newest(self) -> bytes | None:
        """Return the line of the newest state, None while nothing was told."""
        return self._state

    def _send_events(self) -> None:
        for event in self._spread.take():
            kind, line = event["event"], written(event)
            if kind == "state":
                self._state = line
            for session in tuple(self._sessions):
                session.tell(kind, line)

    async def _serve(self, listener: socket.socket) -> None:
        server = await self._loop.create_unix_server(lambda: Session(self), sock=listener)
        await self._closing.wait()
        server.close()
        self._send_events()
        for session in tuple(self._sessions):
            session.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), FAREWELL)
        for session in tuple(self._sessions):
            session.cut()
        await asyncio.sleep(0)
