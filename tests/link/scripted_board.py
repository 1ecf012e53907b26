"""A session and a board of a few lines on one virtual clock, turned at the very instants it asks for."""

from __future__ import annotations

from collections import deque
from dataclasses import fields

import numpy as np

from xylophone.instrument import build_instrument
from xylophone.link import messages as m
from xylophone.link.frames import FrameReader, encode_frame
from xylophone.link.session import Session
from xylophone.tables import PULSE, Rows

INSTRUMENT = build_instrument()
DELAY = 0.001
"""s that every byte takes from one end to the other."""

NOTHING_COUNTED = m.StatusReply(*[0] * len(fields(m.StatusReply)))


class ScriptedBoard:
    """Obeys at once; what it plays, and what it refuses, is said by the test."""

    def __init__(self, boot: int = 0x1_0001, rate: float = 2e6, begun: float = 0.0) -> None:
        self.boot, self.rate, self.begun = boot, rate, begun
        self.state, self.fault, self.fired, self.refused = m.BoardState(0), m.BoardFault.NONE, 0, 0
        self.status = NOTHING_COUNTED
        self.refuses_arms = self.refuses_limits = self.forgets_limits = self.mute = self.ignores_stops = False
        self.waiting: list[int] = []  # clocks of strikes
        self._next = 0
        self._reader = FrameReader()

    def clock(self, now: float) -> int:
        return round((now - self.begun) * self.rate)

    def answer(self, content: bytes, now: float) -> bytes:
        """Return what the board says to these bytes."""
        self.play(now)
        if m.RAW_STOP in content:
            self._stop()
        said = [
            self._take(frame.sequence, frame.code, frame.payload, now) for frame in self._reader.feed(content)
        ]
        return b"" if self.mute else b"".join(said)

    def play(self, now: float) -> None:
        due = [clock for clock in self.waiting if clock <= self.clock(now)]
        self.fired += len(due)
        self.waiting = self.waiting[len(due) :]

    def say(self, message: m.Message) -> bytes:
        return encode_frame(self._next, message.CODE, message.pack())

    def boots(self, cause: int = m.Cause.EXTERNAL) -> bytes:
        return self.say(m.Boot(*self._self(), cause, 0, 0))

    def ack(self, nak: int = 0) -> bytes:
        return self.say(m.Ack(384, nak, self.state, self.fault))

    def disarms(self, fault: m.BoardFault) -> None:
        self.state, self.fault = self.state & ~m.BoardState.ARMED, fault
        self.waiting = []

    def _self(self) -> tuple[int, ...]:
        return self.boot, m.PROTOCOL, 256, 0, 30, m.TICK_RATE, 384, 50_000

    def _stop(self) -> None:
        if not self.ignores_stops:
            self.disarms(m.BoardFault.STOPPED)

    def _take(self, sequence: int, code: int, payload: bytes, now: float) -> bytes:
        message = m.TO_BOARD[code].unpack(payload)
        match message:
            case m.Hello():
                self._next, self.fired, self.waiting = 0, 0, []
                self.disarms(self.fault)
                return self.say(m.HelloReply(*self._self(), 1, 0, message.nonce))
            case m.Sync():
                clock = self.clock(now) & 0xFFFF_FFFF
                counts = (self.fired & 0xFFFF, self.refused)
                words = (message.token, clock, clock, self.boot & 0xFFFF, 384, self.state, self.fault)
                return self.say(m.SyncReply(*words, *counts))
            case m.Status():
                return self.say(self.status)
            case m.Estop():
                self._stop()
                return self.ack()
        if sequence == self._next:
            self._next = (self._next + 1) % 128
            self._obey(message)
        return self.ack()

    def _obey(self, message: m.Message) -> None:
        match message:
            case m.Clear():
                self.fault = m.BoardFault.NONE
            case m.Commit() if self.refuses_limits:
                self.fault = m.BoardFault.CONFIG
            case m.Commit() if not self.forgets_limits:
                self.state |= m.BoardState.CONFIGURED
            case m.Arm():
                may = message.boot == self.boot and not self.fault and not self.refuses_arms
                self.state |= m.BoardState.ARMED if may else m.BoardState(0)
            case m.Disarm():
                self.disarms(self.fault)
            case m.StrikesMessage():
                self.waiting += message.rows["clock"].tolist()
            case m.Cancel():
                self.waiting = [clock for clock in self.waiting if clock < message.clock]


class Stage:
    """A session, its board, and all that was said with its time."""

    def __init__(
        self, fixed_baud: bool = False, now: float = 0.0, board: ScriptedBoard | None = None
    ) -> None:
        self.now = now
        self.session = Session(INSTRUMENT, now, 1, fixed_baud)
        self.board = board or ScriptedBoard()
        self.said: list[tuple[float, m.Message]] = []
        self.raw: list[tuple[float, bytes]] = []  # what is no frame: stops, and the bootloader's command
        self._reader = FrameReader()
        self._coming: deque[tuple[float, bytes]] = deque()

    def boot(self, cause: int = m.Cause.EXTERNAL) -> None:
        self.hear(self.board.boots(cause))

    def hear(self, content: bytes) -> None:
        """Let the board say something now."""
        self._coming.append((self.now + DELAY, content))

    def run(self, until: float) -> None:
        """Let time pass; the session is turned at the instants that it names and when something comes."""
        turns = 0
        while (due := self._due()) <= until:
            assert turns < 20 + 400 * (until - self.now + 1), (
                f"it asks to be turned again and again at {self.now}"
            )
            turns, self.now = turns + 1, max(self.now, due)
            self.turn()
        self.now = until

    def _due(self) -> float:
        return min([self.session.next_time(), *[time for time, _ in list(self._coming)[:1]]])

    def turn(self) -> None:
        arrived = b""
        while self._coming and self._coming[0][0] <= self.now:
            arrived += self._coming.popleft()[1]
        self.session.receive(arrived, self.now)
        content = self.session.turn(self.now)
        if not content:
            return
        if self.session.baud != m.BAUD:
            self.raw.append((self.now, content))
            return
        self.raw += [(self.now, m.RAW_STOP)] * content.count(m.RAW_STOP)
        for frame in self._reader.feed(content.replace(m.RAW_STOP, b"")):
            self.said.append((self.now, m.TO_BOARD[frame.code].unpack(frame.payload)))
        if answer := self.board.answer(content, self.now + DELAY):
            self._coming.append((self.now + 2 * DELAY, answer))

    def times(self, kind: type[m.Message], since: float = 0.0) -> list[float]:
        return [time for time, message in self.said if isinstance(message, kind) and time >= since]

    def kinds(self, since: float, *left_out: type[m.Message]) -> list[type[m.Message]]:
        return [type(word) for time, word in self.said if time >= since and not isinstance(word, left_out)]

    def news(self) -> list[object]:
        return list(self.session.take_news())


def playing(fixed_baud: bool = False) -> Stage:
    """Return a stage that has played for a while, at 2 s."""
    stage = Stage(fixed_baud)
    stage.boot()
    stage.run(2.0)
    return stage


def pulses(*starts: float, width: float = 0.01) -> Rows:
    table = np.zeros(len(starts), PULSE)
    table["start"], table["width"], table["channel"] = starts, width, np.arange(len(starts)) % 30
    return table
