"""The rim of the serial backend: bytes that a port takes slowly, or no more."""

from __future__ import annotations

import os
import pty
import random
import resource
import socket
from collections.abc import Iterator
from itertools import pairwise

import pytest

from xylophone.backends.serial_port import STALL, SerialPort, send
from xylophone.clock import VirtualClock

FRAME = bytes(192)
"""As much as is ever under way."""


class Slow:
    """A port in virtual time: it takes bytes but for some times, and so does the program get the CPU."""

    def __init__(self, clock: VirtualClock, full: list[tuple[float, float]], most: int, pause: float) -> None:
        self._clock, self._full, self._most, self._pause = clock, full, most, pause
        self.taken = 0

    def ready(self, limit: float) -> bool:
        now = self._clock.now()
        free = max([now, *(end for begin, end in self._full if begin <= now < end)])
        self._clock.wait_until(min(free, now + limit))
        return free <= now + limit

    def take(self, content: memoryview) -> int:
        count = min(len(content), self._most)
        self.taken += count
        self._clock.wait_until(self._clock.now() + self._pause)  # stopped just after the bytes have left
        return count


@pytest.mark.parametrize(("stall", "pause"), [(0.4, 0.0), (0.0, 0.12), (0.4, 0.12), (0.49, 3.0)])
def test_a_thousand_stalls_and_pauses_are_never_taken_for_a_board_that_is_gone(stall, pause):
    rng, clock, sent, writes = random.Random(1), VirtualClock(), 0, 0
    begins = [2 * n + rng.random() for n in range(1000 if stall else 0)]
    assert all(second - first > stall for first, second in pairwise(begins))
    outlet = Slow(clock, [(begin, begin + stall) for begin in begins], 64, pause)
    while writes < 1000 or clock.now() < 2000.0:
        send(outlet, FRAME)
        writes, sent = writes + 1, sent + len(FRAME)
        clock.wait_until(clock.now() + rng.uniform(0.0, 0.4))
    assert outlet.taken == sent


def test_a_board_that_is_gone_is_told_after_half_a_second():
    clock = VirtualClock()
    outlet = Slow(clock, [(0.0, 100.0)], 64, 0.0)
    with pytest.raises(TimeoutError):
        send(outlet, FRAME)
    assert clock.now() == pytest.approx(STALL)
    assert outlet.taken == 0


def test_bytes_that_were_all_taken_are_never_missed():
    clock = VirtualClock()
    outlet = Slow(clock, [(0.001, 100.0)], 192, 1.0)  # full from then on, and nothing is left
    send(outlet, FRAME)
    assert outlet.taken == len(FRAME)


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A pseudo-terminal: the descriptor of its far end, and the path of the near one."""
    ours, theirs = pty.openpty()
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_a_real_port_that_is_full_is_told_and_takes_no_cpu(terminal):
    port = SerialPort(terminal[1])
    before = after = resource.getrusage(resource.RUSAGE_THREAD)

    def fill() -> None:
        nonlocal before
        while True:
            before = resource.getrusage(resource.RUSAGE_THREAD)
            port.write(FRAME)

    with pytest.raises(TimeoutError, match="its port takes no bytes"):
        fill()
    after = resource.getrusage(resource.RUSAGE_THREAD)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.1 * STALL
    port.close()


def test_all_bytes_arrive_through_a_real_port_that_was_full(terminal):
    ours, name = terminal
    port = SerialPort(name)
    sent, content = 0, os.urandom(1000)
    os.set_blocking(ours, False)
    arrived = b""
    for _ in range(200):
        port.write(content)
        sent += len(content)
        arrived += _drained(ours)
    assert arrived == content * 200
    port.close()


def test_a_real_port_whose_far_end_has_gone_says_so():
    ours, theirs = pty.openpty()
    port = SerialPort(os.ttyname(theirs))
    os.close(theirs)
    os.close(ours)
    for use in (port.read, lambda: port.write(b"x")):
        with pytest.raises(OSError, match="its port has gone"):
            use()
    port.close()


def test_a_socket_is_written_by_pyserial():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = SerialPort(f"socket://127.0.0.1:{server.getsockname()[1]}")
        far, _ = server.accept()
        with far:
            port.write(FRAME)
            assert far.recv(len(FRAME), socket.MSG_WAITALL) == FRAME
            far.sendall(b"here")
            assert b"".join(port.read() for _ in range(10)).startswith(b"he")
        port.close()


def _drained(descriptor: int) -> bytes:
    content = b""
    try:
        while True:
            content += os.read(descriptor, 65536)
    except BlockingIOError:
        return content
