"""The line to a board: what breaks it, how it is mended, and who turns the wheel meanwhile."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from xylophone.backends.serial_line import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE, SerialLine
from xylophone.backends.serial_turns import ThreadTurns, VirtualTurns, turns_of
from xylophone.clock import SystemClock, VirtualClock
from xylophone.errors import BackendMissing
from xylophone.link.messages import BAUD

SOON = 10.0
"""s that something may take which takes no time on a machine that is not busy."""


class Wire:
    """A transport that can be cut."""

    fixed_baud = False

    def __init__(self) -> None:
        self.cut = self.closed = False
        self.sent = b""

    def set_baud(self, baud: int) -> None:
        self._check()

    def read(self) -> bytes:
        self._check()
        return b"here"

    def write(self, content: bytes) -> None:
        self._check()
        self.sent += content

    def close(self) -> None:
        self.closed = True

    def _check(self) -> None:
        if self.cut:
            raise OSError("device disconnected")


class Socket:
    """Opens wires, as long as there is something to plug into."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.there = True
        self.attempts = 0

    def __call__(self) -> Wire:
        self.attempts += 1
        if not self.there:
            raise BackendMissing("not there")
        self.wires.append(Wire())
        return self.wires[-1]


@pytest.fixture
def socket() -> Socket:
    return Socket()


def test_a_line_that_cannot_be_opened_is_missing(socket):
    socket.there = False
    with pytest.raises(BackendMissing, match="not there"):
        SerialLine(socket)


@pytest.mark.parametrize(
    "use", [SerialLine.read, lambda line: line.write(b"x"), lambda line: line.set_baud(BAUD)]
)
def test_a_cut_line_is_down_and_takes_no_harm_from_use(socket, use):
    line = SerialLine(socket)
    assert line.read() == b"here"
    socket.wires[0].cut = True
    use(line)
    assert not line.up
    assert line.trouble == "device disconnected"
    assert line.read() == b""
    line.write(b"lost")
    assert socket.wires[0].sent == b""


def test_it_is_opened_again_after_growing_pauses(socket):
    line = SerialLine(socket)
    line.break_off("cut")
    socket.there, tried = False, []
    for now in np.arange(0.0, 12.0, 0.05):
        before, socket.there = socket.attempts, now > 10.0
        mended = line.mend(now)
        tried += [now] * (socket.attempts - before)
        if mended:
            break
    assert tried[0] == pytest.approx(FIRST_PAUSE, abs=0.06)
    gaps = [2 * FIRST_PAUSE, 4 * FIRST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert np.diff(tried)[:4] == pytest.approx(gaps, abs=0.06)
    assert np.diff(tried).max() <= LONGEST_PAUSE + 0.06
    assert line.up
    assert line.returns == 0  # nobody has answered yet
    line.settled()
    line.settled()
    assert line.returns == 1
    assert socket.wires[0].closed


def test_patience_ends_unless_the_board_has_answered(socket):
    line = SerialLine(socket)
    line.break_off("cut")
    line.mend(10.0)
    assert line.mend(10.0 + FIRST_PAUSE)
    assert not line.given_up(10.0 + PATIENCE)
    assert line.given_up(10.1 + PATIENCE)
    line.settled()
    assert not line.given_up(10.1 + PATIENCE)


def test_a_closed_line_lets_go_of_its_port(socket):
    line = SerialLine(socket)
    line.close()
    line.close()
    assert socket.wires[0].closed
    assert not line.up


def test_the_clock_decides_who_turns():
    assert isinstance(turns_of(VirtualClock()), VirtualTurns)
    assert isinstance(turns_of(SystemClock()), ThreadTurns)


def test_virtual_turns_come_every_millisecond_until_they_end():
    clock, seen = VirtualClock(), []
    turns = turns_of(clock)
    turns.start(lambda: seen.append(clock.now()) or 0.0)
    clock.wait_until(0.0105)
    assert seen == pytest.approx([0.001 * count for count in range(1, 11)])
    turns.end()
    clock.wait_until(1.0)
    assert len(seen) == 10


def test_waiting_in_virtual_time_moves_the_clock_no_further_than_it_must():
    clock, seen = VirtualClock(), []
    turns = turns_of(clock)
    turns.start(lambda: seen.append(0) or 0.0)
    assert turns.wait(lambda: len(seen) >= 3, 1.0)
    assert clock.now() == pytest.approx(0.003)
    assert not turns.wait(lambda: False, 0.5)
    assert clock.now() == pytest.approx(0.503)


def test_what_has_arrived_within_the_limit_counts_though_the_thread_had_no_processor_to_read_it(monkeypatch):
    monkeypatch.setattr("xylophone.backends.serial_turns.UNREAD", SOON)
    turns, read, over = ThreadTurns(), [], threading.Event()

    def turn() -> float:
        over.wait()
        with turns.lock:
            read.append("answer")
            turns.tell()
        return 0.0

    def done() -> bool:
        over.set()  # the thread goes on when nothing more is waited for
        return bool(read)

    turns.start(turn)
    assert turns.wait(done, 0.0)
    turns.end()


def test_a_thread_turns_and_tells_those_who_wait():
    turns, seen = ThreadTurns(), []

    def turn() -> float:
        with turns.lock:
            seen.append(threading.current_thread().name)
            turns.tell()
        return 0.001

    turns.start(turn)
    try:
        assert turns.wait(lambda: len(seen) >= 3, SOON)
        assert not turns.wait(lambda: False, 0.0)
    finally:
        turns.end()
    count = len(seen)
    assert set(seen) == {"xylophone-serial"}
    assert not turns.wait(lambda: len(seen) > count, 0.01)
