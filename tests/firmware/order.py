"""A plain host for the virtual board: messages in, messages out, strikes as fast as the queue takes them."""

from __future__ import annotations

import numpy as np

from firmware.host import VirtualBoard
from xylophone.link import messages as m
from xylophone.link.frames import FrameReader, crc16, encode_frame
from xylophone.tables import Rows

CHANNELS = 30
SECOND = m.TICK_RATE
MS = m.TICK_RATE // 1000
"""Ticks."""

NEVER_DRY = {"refill": m.MOST_REFILL_FRACTION, "capacity": m.MOST_CAPACITY_TICKS}
"""A token bucket that no music empties."""


def wide(milliseconds: float) -> int:
    """Return units of pulse width, 2 us."""
    return round(500 * milliseconds)


def strikes(*rows: tuple[int, int, int]) -> Rows:
    """Return strikes for the wire from (clock, channel, width in units of 2 us)."""
    return np.array([(clock % 2**32, channel, width) for clock, channel, width in rows], m.STRIKE_ON_WIRE)


class Order:
    """One conversation with a virtual board; what is sent arrives at once."""

    def __init__(self, board: VirtualBoard) -> None:
        self.board = board
        self.sequence = 0
        self._reader = FrameReader()
        self.last_sequence = -1  # that of the board's last frame: what it wants next

    def say(self, message: m.Message, sequence: int | None = None) -> list[m.Message]:
        """Send a message and return all that the board says within a millisecond."""
        if message.SEQUENCED and sequence is None:
            sequence, self.sequence = self.sequence, (self.sequence + 1) % 128
        byte = m.UNSEQUENCED if sequence is None else sequence
        return self.raw(encode_frame(byte, message.CODE, message.pack()))

    def raw(self, content: bytes) -> list[m.Message]:
        """Send bytes and return all that the board says within a millisecond."""
        self.board.receive(content, self.board.clock)
        self.board.advance(self.board.clock + MS)
        return self.heard()

    def heard(self) -> list[m.Message]:
        """Return what the board has said since the last call."""
        frames = self._reader.feed(self.board.sent())
        if frames:
            self.last_sequence = frames[-1].sequence
        return [m.TO_HOST[frame.code].unpack(frame.payload) for frame in frames]

    def ask(self, message: m.Message, sequence: int | None = None) -> m.Message:
        """Send a message and return the one answer to it."""
        (answer,) = self.say(message, sequence)
        return answer

    def hello(self) -> m.HelloReply:
        """Greet."""
        self.sequence = 0
        self.heard()
        answers = [
            reply for reply in self.say(m.Hello(99)) if isinstance(reply, m.HelloReply) and reply.nonce
        ]
        return answers[0]

    def configure(self, simultaneous: int = CHANNELS, **limits: int) -> m.Message:
        """Configure all channels alike, and commit; return the answer to that."""
        settings = {"longest": wide(25), "rest": wide(2)} | NEVER_DRY | limits
        rows = [m.ChannelConfig(channel, **settings) for channel in range(CHANNELS)]
        for row in rows:
            self.say(row)
        return self.ask(m.Commit(simultaneous, checksum(rows, simultaneous)))

    def begin(self, simultaneous: int = CHANNELS, **limits: int) -> Order:
        """Greet, configure and arm."""
        boot = self.hello().boot
        self.configure(simultaneous, **limits)
        armed = self.ask(m.Arm(boot))
        assert isinstance(armed, m.Ack)
        assert m.BoardState(armed.state) == m.BoardState.CONFIGURED | m.BoardState.ARMED
        return self

    def strike(self, *rows: tuple[int, int, int]) -> None:
        """Send strikes, eight a frame."""
        table = strikes(*rows)
        for begin in range(0, len(table), m.STRIKES_IN_FRAME):
            self.say(m.StrikesMessage(table[begin : begin + m.STRIKES_IN_FRAME]))

    def wait(self, ticks: int) -> None:
        """Let time pass, saying often enough that the host is there."""
        end = self.board.clock + ticks
        while self.board.clock < end:
            self.board.advance(min(end, self.board.clock + SECOND // 2))
            if self.board.clock < end:
                self.board.receive(
                    encode_frame(m.UNSEQUENCED, m.Sync.CODE, m.Sync(0).pack()), self.board.clock
                )
        self.heard()

    def status(self) -> m.StatusReply:
        """Return the counters."""
        (answer,) = [reply for reply in self.say(m.Status()) if isinstance(reply, m.StatusReply)]
        return answer


def checksum(rows: list[m.ChannelConfig], simultaneous: int) -> int:
    """Return what COMMIT says of a configuration of all channels."""
    return crc16(b"".join(row.pack() for row in rows) + bytes([simultaneous]))
