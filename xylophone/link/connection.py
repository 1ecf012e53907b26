"""The host's end of the link: messages out in sequence, acknowledged and repeated; messages of the board in.

No port and no clock: bytes and the host's times are handed in, bytes and times are handed out. What
goes under way when is in `Outbox`; here is what the board's frames mean for it.
"""

from __future__ import annotations

from collections import Counter

from ..tables import WireStrikes
from .frames import Frame, FrameReader
from .messages import TO_HOST, Ack, BoardState, Boot, Hello, HelloReply, Message, Nak, SyncReply
from .outbox import Outbox

LOST_AFTER = 0.8
"""s without a valid frame after which a link is lost; the board itself waits for 1 s."""


class Connection:
    """One conversation with a board; times are the host's, in s, and never go back.

    Give `receive` what the port has read and ask `bytes_to_send` after it, and at `next_time`. What
    it returns must go to the port at once: a SYNC is taken as sent at that moment.

    At most 192 bytes, 8 ms of the line, are under way at once. Of what the line has carried this keeps count:
    a SYNC waits until all before it has left, and goes before whatever else waits, so that it never lies
    behind strikes in the system's buffer.
    """

    def __init__(self, now: float) -> None:
        self.last_heard = now
        """When the last valid frame came."""
        self.naks: Counter[Nak] = Counter()
        """How often the board did not take a frame, by reason."""
        self._reader = FrameReader()
        self._unknown = 0
        self._nonce: int | None = None
        self._boot: int | None = None  # low half of the boot id of the board that has answered HELLO
        self._out = Outbox(now)

    def hello(self, now: float, nonce: int) -> None:
        """Begin anew: forget all that is queued or under way, and say HELLO.

        Nothing sequenced goes out before the HELLO_R with this nonce (u32) has come.
        """
        self._nonce = nonce
        self._out.restart(now, Hello(nonce))

    def send(self, message: Message) -> None:
        """Queue a message for the board: a sequenced one in order, another before those, ESTOP first.

        STRIKES may go out as two shorter frames when many are damaged.
        """
        self._out.add(message)

    def raw_stop(self) -> None:
        """Put the emergency stop below all frames before everything else."""
        self._out.raw_stop()

    def hold(self, held: bool) -> None:
        """Have sequenced messages wait, or go on, and the next frame begin after whatever noise there was."""
        self._out.held = held
        self._out.lead()

    def take_back_strikes(self) -> WireStrikes:
        """Take STRIKES that have not been sent yet out of the queue; return them (dtype STRIKE_ON_WIRE)."""
        return self._out.take_back_strikes()

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

    def bytes_to_send(self, now: float) -> bytes:
        """Return the bytes that are to go to the port now, whole frames."""
        return self._out.take(now)

    def next_time(self) -> float:
        """Return when `bytes_to_send` is to be asked again at the latest: past when it may be at once."""
        return self._out.next_time()

    def sent_at(self, token: int) -> float | None:
        """Return when the SYNC with this token began to leave; None when it is unknown or 2 s old."""
        return self._out.sync_times.get(token)

    def lost(self, now: float) -> bool:
        """Return whether no valid frame has come for 0.8 s."""
        return now - self.last_heard > LOST_AFTER

    @property
    def held(self) -> bool:
        """Whether sequenced messages wait."""
        return self._out.held

    @property
    def line_free(self) -> float:
        """When the line has carried all that was handed out, s."""
        return self._out.line_free

    @property
    def greeted(self) -> bool:
        """Whether the board has answered HELLO, and has not started anew since."""
        return self._out.open

    @property
    def waiting(self) -> int:
        """Number of sequenced messages that are not acknowledged, sent or not."""
        return self._out.waiting

    @property
    def idle(self) -> bool:
        """Whether there is nothing left to send, and nothing to be acknowledged."""
        return self._out.idle

    @property
    def free(self) -> int:
        """Number of strikes that the board has room for, beyond those under way."""
        return self._out.free

    @property
    def round_trip(self) -> float:
        """The smoothed time from the leaving of a frame's last byte to its acknowledgement, s."""
        return self._out.timeout.smooth

    @property
    def retransmits(self) -> int:
        """Number of frames that were sent again."""
        return self._out.retransmits

    @property
    def damaged(self) -> int:
        """Number of frames that arrived damaged, or that no board sends."""
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
            self._out.open = False
        elif isinstance(message, HelloReply):
            if message.nonce == self._nonce and not self._out.open:
                self._boot = message.boot & 0xFFFF
                self._out.begin(message.slots)
        elif self._out.open and self._greeted_by(message):
            self._out.acknowledge(sequence, now)
            if isinstance(message, Ack | SyncReply) and self._out.base == sequence:
                self._out.credit = message.free
        if self._out.open and isinstance(message, Ack) and message.nak:
            self._refused(Nak(message.nak), now)

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

    def _refused(self, nak: Nak, now: float) -> None:
        self.naks[nak] += 1
        self._out.go_back(now)
