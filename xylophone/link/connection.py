"""The host's end of the link: messages out in sequence, acknowledged and repeated; messages of the board in.

No port and no clock: bytes and the host's times are handed in, bytes and times are handed out. What
goes under way when is in `Outbox`; here is what the board's frames mean for it.
"""

from __future__ import annotations

from collections import Counter

from .frames import Frame, FrameReader
from .messages import TO_HOST, Ack, BoardState, Boot, Hello, HelloReply, Message, Nak, SyncReply
from .outbox import Outbox


class Connection(Outbox):
    """One conversation with a board; times are the host's, in s, and never go back.

    Give `receive` what the port has read and ask `bytes_to_send` after it, and at `next_time`. What
    it returns must go to the port at once: a SYNC is taken as sent at that moment.
    """

    def __init__(self, now: float, before: Connection | None = None) -> None:
        """Begin over a port that was just opened, counting on from what was damaged or repeated `before`."""
        super().__init__(now)
        self.last_heard = now
        """When the last valid frame came."""
        self.naks: Counter[Nak] = Counter()
        """How often the board did not take a frame, by reason."""
        self._reader = FrameReader()
        self._unknown = 0
        if before is not None:
            self.retransmits, self._unknown = before.retransmits, before.damaged
        self._nonce: int | None = None
        self._boot: int | None = None  # low half of the boot id of the board that has answered HELLO

    def hello(self, now: float, nonce: int) -> None:
        """Begin anew: forget all that is queued or under way, and say HELLO.

        Nothing sequenced goes out before the HELLO_R with this nonce (u32) has come.
        """
        self._nonce = nonce
        self.restart(now, Hello(nonce))

    def receive(self, content: bytes, now: float) -> list[Message]:
        """Take bytes that the port has read by `now`; return the board's messages in them, in order.

        All of them count as arrived at `now`, which is when their last bytes were read.
        """
        messages = []
        for frame in self._reader.feed(content):
            message = self._read(frame)
            if message is not None:
                self.last_heard = now
                self._heed(frame.sequence, message, now)
                messages.append(message)
        return messages

    @property
    def damaged(self) -> int:
        """Number of frames that arrived damaged, or that no board sends, over all ports."""
        return self._reader.damaged + self._unknown

    def _read(self, frame: Frame) -> Message | None:
        kind = TO_HOST.get(frame.code)
        if kind is None or len(frame.payload) != kind.layout().size:
            self._unknown += 1
            return None
        return kind.unpack(frame.payload)

    def _heed(self, sequence: int, message: Message, now: float) -> None:
        """Draw from a message of the board what is still to be sent, and how much there is room for."""
        if isinstance(message, Boot):
            self.greeted = False
        elif isinstance(message, HelloReply):
            if message.nonce == self._nonce and not self.greeted:
                self._boot = message.boot & 0xFFFF
                self.greeted, self.credit = True, message.slots
        elif self.greeted and self._greeted_by(message):
            self.acknowledge(sequence, now)
            if isinstance(message, Ack | SyncReply) and self.base == sequence:
                self.credit = message.free
        if self.greeted and isinstance(message, Ack) and message.nak:
            self.naks[Nak(message.nak)] += 1
            self.go_back(now)

    def _greeted_by(self, message: Message) -> bool:
        """Whether these are the words of the board that was greeted, in which it says what it wants next.

        One that has started anew wants 0, and knows nothing of what it was sent before: it says so in
        naks, has no configuration, and another boot id.
        """
        match message:
            case SyncReply():
                return message.boot == self._boot
            case Ack():
                return message.nak == Nak.NONE or bool(message.state & BoardState.CONFIGURED)
            case _:
                return False
