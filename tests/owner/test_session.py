"""A client that reads slowly, on a clock of the test's: it is kept while it reads."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from xylophone.owner.server import PATIENCE
from xylophone.owner.session import Session
from xylophone.owner.unread import unread


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time passes when the test says so."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(3):
            self.run_until_complete(asyncio.sleep(0))


class Pipe(asyncio.Transport):
    """Holds what is sent until `read` takes some of it."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__({"socket": connection})
        self.held, self.open = 0, True

    def write(self, data: Any) -> None:
        self.held += len(data)

    def get_write_buffer_size(self) -> int:
        return self.held

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert (high, low) == (0, None)

    def is_closing(self) -> bool:
        return not self.open

    def pause_reading(self) -> None:
        """Nothing comes here."""

    def abort(self) -> None:
        self.open = False


class Host:
    patience = PATIENCE

    def enter(self, session: Session) -> bool:
        return True

    def greeting(self) -> dict[str, Any]:
        return {}


@pytest.fixture
def clock() -> Iterator[Clock]:
    loop = Clock()
    yield loop
    loop.close()


def kept(clock: Clock, sent: socket.socket, read: Callable[[Pipe, float], object]) -> float:
    """Return for how long a client is kept, at most 100 s, for which something always waits."""
    session, pipe = Session(Host()), Pipe(sent)  # type: ignore[arg-type]
    session.connection_made(pipe)
    session.send(b"x" * 100_000)
    clock.call_soon(session.pause_writing)
    while pipe.open and clock.now < 100.0:
        clock.pass_time(0.5)
        read(pipe, clock.now)
    assert pipe.held
    return clock.now


def test_a_client_that_reads_is_kept_and_one_that_has_ceased_to_is_let_go_of(clock: Clock) -> None:
    def reads(until: float) -> Callable[[Pipe, float], object]:
        return lambda pipe, now: setattr(pipe, "held", pipe.held - 10 * (now % 5 == 0 and now <= until))

    near, far = socket.socketpair()
    with near, far:
        assert kept(clock, near, reads(0.0)) == pytest.approx(PATIENCE, abs=1.0)
        clock.now = 0.0
        assert kept(clock, near, reads(50.0)) == pytest.approx(50.0 + PATIENCE, abs=1.5)


def test_a_client_that_reads_what_the_system_holds_is_kept(clock: Clock) -> None:
    """Long before the system takes more for it."""
    near, far = socket.socketpair()
    with near, far:
        for _ in range(20):
            near.send(b"x" * 1000)
        assert kept(clock, near, lambda _, now: now % 5 == 0 and far.recv(1000)) == 100.0
        assert unread(near) == 0
