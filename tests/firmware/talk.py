"""A plain host for a board in virtual time: greets, configures and arms it, and sends it strikes.

It is no Connection: what it sends always arrives, so it sends without waiting.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np

from firmware.emulated import CYCLES_PER_TICK, EmulatedBoard
from link.snapping import snap
from xylophone.link import messages as m
from xylophone.link.frames import FrameReader, crc16, encode_frame
from xylophone.tables import Rows

MS = 16_000
"""Cycles of a millisecond."""

CHANNELS = 30

Reply = TypeVar("Reply", bound=m.Message)


def milliseconds(value: float) -> int:
    """Return units of pulse width, 2 us."""
    return round(500 * value)


def strikes(rows: Iterable[tuple[int, int, int]]) -> Rows:
    """Return strikes for the wire from (clock, channel, width in units of 2 us)."""
    return np.array([(clock % 2**32, channel, width) for clock, channel, width in rows], m.STRIKE_ON_WIRE)


class Talk:
    """One conversation with an emulated board, from its start."""

    def __init__(self, board: EmulatedBoard) -> None:
        self.board = board
        self._reader = FrameReader()
        self._sequence = 0
        self.heard: list[m.Message] = []
        self.zero = board.start()
        board.run(self.zero + 16 * MS)

    @property
    def clock(self) -> int:
        """The board's tick now."""
        return (self.board.cycle - self.zero) // CYCLES_PER_TICK

    def cycle(self, clock: np.ndarray | int) -> np.ndarray | int:
        """Return the cycle in which a tick begins."""
        return self.zero + CYCLES_PER_TICK * clock

    def send(self, message: m.Message, at: int = 0) -> int:
        """Put a message on the line; return the cycle at which it will have arrived."""
        return self.board.send(self.frame(message), at)

    def frame(self, message: m.Message) -> bytes:
        """Return the bytes of a message, numbered where that is due."""
        sequence = m.UNSEQUENCED
        if message.SEQUENCED:
            sequence, self._sequence = self._sequence, (self._sequence + 1) % 128
        return encode_frame(sequence, message.CODE, message.pack())

    def run(self, until: int) -> None:
        """Run until a cycle, and listen."""
        self.board.run(until)
        for frame in self._reader.feed(self.board.take_sent()):
            self.heard.append(m.TO_HOST[frame.code].unpack(frame.payload))

    def ask(self, message: m.Message) -> m.Message:
        """Send a message and return the first thing the board says after it."""
        arrived = self.send(message)
        self.run(arrived)
        before = len(self.heard)
        self.run(arrived + 8 * MS)
        assert len(self.heard) > before, f"no answer to {message}"
        return self.heard[before]

    def begin(
        self,
        longest_ms: float = 25.0,
        rest_ms: float = 2.0,
        simultaneous: int = CHANNELS,
        capacity: int = m.MOST_CAPACITY_TICKS,
    ) -> None:
        """Greet, configure all channels alike, with buckets as large as can be, and arm."""
        hello = self.ask(m.Hello(7))
        assert isinstance(hello, m.HelloReply)
        self.boot = hello.boot
        rows = [
            m.ChannelConfig(
                channel, milliseconds(longest_ms), milliseconds(rest_ms), m.MOST_REFILL_FRACTION, capacity
            )
            for channel in range(CHANNELS)
        ]
        for row in rows:
            self.run(self.send(row))
        checksum = crc16(b"".join(row.pack() for row in rows) + bytes([simultaneous]))
        self.ask(m.Commit(simultaneous, checksum))
        answer = self.ask(m.Arm(hello.boot))
        assert isinstance(answer, m.Ack)
        assert m.BoardState(answer.state) == m.BoardState.CONFIGURED | m.BoardState.ARMED, answer

    def play(self, rows: Rows, flood: bool = False, ahead: int = 200 * MS) -> None:
        """Send strikes a while ahead of their time, in frames of eight, and run 40 ms past the last."""
        clocks = rows["clock"].astype(np.int64)
        frames = [rows[n : n + m.STRIKES_IN_FRAME] for n in range(0, len(rows), m.STRIKES_IN_FRAME)]
        free = self.board.cycle
        for frame in frames:
            due = int(self.cycle(int(frame["clock"][0]))) - ahead
            if flood:
                free = self.flood(free, due)
            free = self.send(m.StrikesMessage(frame), max(due, free))
            self.run(max(self.board.cycle, free - 4 * MS))
        end = int(self.cycle(int(clocks[-1]))) + 40 * MS
        if flood:
            self.flood(free, end)
        self.run(end)

    def flood(self, begin: int, end: int) -> int:
        """Fill the line with questions from one cycle to another; return when it is free again."""
        question = self.frame(m.Sync(1))
        count = max(0, (end - begin) // (640 * len(question)))
        for _ in range(0, count, 64):
            begin = self.board.send(question * min(64, count), begin)
            self.run(max(self.board.cycle, begin - 4 * MS))
        return begin

    def status(self) -> m.StatusReply:
        """Return the board's counters."""
        self.run(self.board.cycle + 20 * MS)
        return self.last(m.StatusReply, m.Status())

    def last(self, kind: type[Reply], question: m.Message) -> Reply:
        """Send a message and return the last of a kind that the board says then, whatever else it says."""
        begin = len(self.heard)
        self.board.send(b"\0")  # ends what may have been lost half-way
        self.run(self.send(question) + 8 * MS)
        return [message for message in self.heard[begin:] if isinstance(message, kind)][-1]


def errors(talk: Talk, rows: Rows) -> tuple[np.ndarray, Rows]:
    """Return how many cycles after its snapped tick each edge came, and the edges; none missing or extra."""
    clocks = rows["clock"].astype(np.int64)
    on, off = snap(clocks, rows["width"].astype(np.int64))
    planned = np.zeros(2 * len(rows), [("clock", "i8"), ("channel", "u1"), ("on", "?")])
    planned["clock"] = np.concatenate((on, off))
    planned["channel"] = np.tile(rows["channel"], 2)
    planned["on"][: len(rows)] = True
    edges = talk.board.channel_edges()
    assert len(edges) == len(planned)
    planned.sort(order=("channel", "clock"))
    edges.sort(order=("channel", "cycle"))
    assert np.array_equal(edges["channel"], planned["channel"])
    assert np.array_equal(edges["on"], planned["on"])
    return edges["cycle"] - talk.cycle(planned["clock"]), edges


def chords(first: int, sizes: list[int], apart: int) -> Rows:
    """Return chords of these sizes, `apart` ticks from each other, on channels in turn, 10 ms long."""
    rows, channel = [], 0
    for number, size in enumerate(sizes):
        for _ in range(size):
            rows.append((first + number * apart, channel % CHANNELS, milliseconds(10)))
            channel += 1
    return strikes(rows)


def at_any_moment(first: int, seconds: int) -> Rows:
    """Return strikes of all thirty hammers 16 times a second each, wherever they happen to fall."""
    random = np.random.default_rng(4)
    rows = [
        (first + turn * 125_000 + int(moment), channel, milliseconds(10) + int(random.integers(0, 500)))
        for turn in range(16 * seconds)
        for channel, moment in enumerate(random.integers(0, 60_000, CHANNELS))
    ]
    return strikes(sorted(rows))
