"""A board of a few lines: the link's rules and a queue, no coils and no limits; it needs no C compiler."""

from __future__ import annotations

from collections import deque

from xylophone.link import messages as m
from xylophone.link.frames import Frame, FrameReader, encode_frame

SLOTS = 384
BOOT_ID = 0x1234_5678


class PlainBoard:
    """Bytes with their ticks in, bytes out; `played` has what was due, as (clock, channel, width)."""

    def __init__(self, slots: int = SLOTS) -> None:
        self.slots = slots
        self.played: list[tuple[int, int, int]] = []
        self.late = 0
        self._reader = FrameReader()
        self._queue: deque[tuple[int, int, int]] = deque()
        self._next = 0
        self._out = bytearray()

    def arrive(self, content: bytes, clock: int) -> None:
        """Take bytes, the last of which has arrived at this tick."""
        self.advance(clock)
        damaged = self._reader.damaged
        frames = self._reader.feed(content)
        if self._reader.damaged > damaged:
            self._acknowledge(m.Nak.DAMAGED)
        for frame in frames:
            self._take(frame, clock)

    def advance(self, clock: int) -> None:
        """Play what is due."""
        while self._queue and self._queue[0][0] <= clock:
            self.played.append(self._queue.popleft())

    def take_sent(self) -> bytes:
        """Return what the board has said."""
        said, self._out = bytes(self._out), bytearray()
        return said

    @property
    def free(self) -> int:
        return self.slots - len(self._queue)

    def _take(self, frame: Frame, clock: int) -> None:
        kind = m.TO_BOARD.get(frame.code)
        if kind is None or kind.SEQUENCED is (frame.sequence == m.UNSEQUENCED):
            self._acknowledge(m.Nak.DAMAGED)
        elif not kind.SEQUENCED:
            self._answer(kind.unpack(frame.payload), clock)
        elif frame.sequence != self._next:
            before = (self._next - 1 - frame.sequence) % 128 < 64
            self._acknowledge(m.Nak.NONE if before else m.Nak.GAP)
        else:
            self._act(kind.unpack(frame.payload), clock)

    def _act(self, message: m.Message, clock: int) -> None:
        if isinstance(message, m.StrikesMessage):
            if len(message.rows) > self.free:
                self._acknowledge(m.Nak.FULL)
                return
            rows = [(int(row["clock"]), int(row["channel"]), int(row["width"])) for row in message.rows]
            in_time = [row for row in rows if row[0] > clock]
            self.late += len(rows) - len(in_time)
            self._queue.extend(in_time)
        self._next = (self._next + 1) % 128
        self._acknowledge(m.Nak.NONE)

    def _answer(self, message: m.Message, clock: int) -> None:
        if isinstance(message, m.Hello):
            self._next = 0
            self._queue.clear()
            self._say(m.HelloReply(BOOT_ID, 1, 256, 0, 30, 2_000_000, self.slots, 50000, 1, 0, message.nonce))
        elif isinstance(message, m.Sync):
            low = BOOT_ID & 0xFFFF
            self._say(m.SyncReply(message.token, clock, clock + 100, low, self.free, 3, 0, 0, 0))
        else:
            self._acknowledge(m.Nak.NONE)

    def _acknowledge(self, nak: m.Nak) -> None:
        self._say(m.Ack(self.free, nak, 3, 0))

    def _say(self, message: m.Message) -> None:
        self._out += encode_frame(self._next, message.CODE, message.pack())
