"""What waits for the line, what is under way on it, and what must be sent again (go-back-N)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..tables import STRIKE_ON_WIRE, WireStrikes, as_wire_strikes, joined, picked
from .frames import encode_frame
from .messages import BAUD, RAW_STOP, UNSEQUENCED, Estop, Message, StrikesMessage, Sync
from .timeout import Timeout

WINDOW_FRAMES, WINDOW_BYTES = 8, 192
"""What may be under way at once."""

BYTE_TIME = 10 / BAUD
"""s that a byte takes on the line: start bit, 8 bits, stop bit."""

SILENCE_BEFORE_LEAD = 0.05
"""s of silence after which a frame is led by a 00, which ends whatever noise has come since."""

TOKENS_KEPT = 2.0
"""s for which the time of a SYNC is known."""

TROUBLE = 0.15
"""Share of frames sent again, out of the last TROUBLE_FRAMES or so, from which frames are made shorter."""

TROUBLE_FRAMES = 16
STRIKES_IN_TROUBLE = 4
"""At most: with 1 % of bytes damaged 70 % of such frames get through, and 53 % of those with 8."""

SEQUENCES = 128


@dataclass(slots=True)
class Sent:
    """A sequenced frame that is under way."""

    frame: bytes
    strikes: int
    left: float  # when its last byte has left, as far as is known
    again: bool = False  # sent more than once: its round trip tells nothing


class Outbox:
    """The messages for one board and their order on the line; Connection has the contract.

    At most 192 bytes, 8 ms of the line, are under way at once. Of what the line has carried this keeps count:
    a SYNC waits until all before it has left, and goes before whatever else waits, so that it never lies
    behind strikes in the system's buffer.
    """

    def __init__(self, now: float) -> None:
        self.greeted = False
        """Whether the board has answered HELLO, and has not started anew since: sequenced messages may go."""
        self.held = False
        """Whether they wait all the same, since the board is not heard."""
        self.base = 0  # sequence of the first frame not acknowledged
        self.credit = 0  # strikes that the board has room for, those under way not yet counted
        self.retransmits = 0
        """Number of frames that were sent again, over all ports."""
        self.timeout = Timeout()
        self.line_free = now
        """When the line has carried all that was handed out, s."""
        self._sync_times: dict[int, float] = {}
        self._queue: deque[Message] = deque()
        self._urgent: deque[Message] = deque()  # unsequenced
        self._sent: deque[Sent] = deque()
        self._place = 0  # in _sent, of the frame to be sent next; at its end there is none to be repeated
        self._raw_stop = False
        self._lead = True
        self._now = now
        self._deaf_until = -math.inf  # before, naks answer what was sent before the last repeat
        self._trouble = 0.0  # share of frames that had to be sent again, of late

    def restart(self, now: float, hello: Message) -> None:
        """Forget everything but a raw stop; HELLO is the first and only message."""
        self.greeted, self.held, self.base, self.credit = False, False, 0, 0
        self._queue.clear()
        self._sent.clear()
        self._place = 0
        self._urgent = deque([hello])
        self._lead = True
        self._now = now
        self._deaf_until = -math.inf
        self.timeout.relax()

    def send(self, message: Message) -> None:
        """Queue a message for the board: a sequenced one in order, another before those, ESTOP first.

        STRIKES may go out as two shorter frames when many are damaged.
        """
        if message.SEQUENCED:
            self._queue.append(message)
        elif isinstance(message, Estop):
            self._urgent.appendleft(message)
        else:
            self._urgent.append(message)

    def hold(self, held: bool) -> None:
        """Have sequenced messages wait, or go on, and the next frame begin after whatever noise there was."""
        self.held, self._lead = held, True

    def raw_stop(self) -> None:
        """Put the emergency stop below all frames before everything else."""
        self._raw_stop = self._lead = True

    def take_back_strikes(self) -> WireStrikes:
        """Take STRIKES that have not been sent yet out of the queue; return them (dtype STRIKE_ON_WIRE)."""
        taken = [message.rows for message in self._queue if isinstance(message, StrikesMessage)]
        self._queue = deque(message for message in self._queue if not isinstance(message, StrikesMessage))
        return joined([as_wire_strikes(np.empty(0, STRIKE_ON_WIRE)), *taken])

    @property
    def waiting(self) -> int:
        """Number of sequenced messages that are not acknowledged, sent or not."""
        return len(self._queue) + len(self._sent)

    @property
    def idle(self) -> bool:
        """Whether there is nothing left to send, and nothing to be acknowledged."""
        return not (self.waiting or self._urgent or self._raw_stop)

    @property
    def free(self) -> int:
        """Number of strikes that the board has room for, beyond those under way."""
        return max(0, self.credit - sum(each.strikes for each in self._sent))

    def sent_at(self, token: int) -> float | None:
        """Return when the SYNC with this token began to leave; None when it is unknown or 2 s old."""
        return self._sync_times.get(token)

    def acknowledge(self, sequence: int, now: float) -> None:
        """The board wants this sequence next: all before it has arrived. Nonsense is left alone."""
        count = (sequence - self.base) % SEQUENCES
        if not 0 < count <= len(self._sent):
            return
        arrived = [self._sent.popleft() for _ in range(count)]
        self._place = max(0, self._place - count)
        self.base = sequence
        for each in arrived:
            self._trouble += (each.again - self._trouble) / TROUBLE_FRAMES
        if not arrived[-1].again:
            self.timeout.learn(max(0.0, now - arrived[-1].left))
        self.timeout.relax()
        self.timeout.start(now)
        self._deaf_until = -math.inf

    def go_back(self, now: float) -> None:
        """Send again from the first frame not acknowledged, once until that can have been answered.

        Naks that come sooner answer what was sent before; to follow each of them would be a storm.
        """
        if self._sent and now >= self._deaf_until:
            self._again()

    def bytes_to_send(self, now: float) -> bytes:
        """Return the bytes that are to go to the port now, whole frames."""
        self._now = now
        self._lead |= now - self.line_free > SILENCE_BEFORE_LEAD
        if self._overdue(now):
            self.timeout.back_off()
            self._again()
        out = bytearray()
        if self._raw_stop:
            out += RAW_STOP
            self._raw_stop = False
        self._put_urgent(out)
        self._put_sequenced(out)
        self.line_free = max(self.line_free, now) + len(out) * BYTE_TIME
        return bytes(out)

    def next_time(self) -> float:
        """Return when to ask for bytes again at the latest.

        Past where that is at once, infinite where it is only after a word of the board.
        """
        if self._raw_stop:
            return self._now
        if self._urgent:
            return max(self._now, self.line_free) if isinstance(self._urgent[0], Sync) else self._now
        if self._next() is not None:
            return self._now
        return self.timeout.deadline if self._sent and not self.held else math.inf

    def _overdue(self, now: float) -> bool:
        waits = bool(self._sent) and self._place == len(self._sent)
        return waits and not self.held and now >= self.timeout.deadline

    def _again(self) -> None:
        self._place = 0
        self._lead = True
        self._deaf_until = math.inf

    def _put(self, out: bytearray, frame: bytes) -> None:
        """Add a frame, after a 00 where one is due."""
        out += b"\0" * self._lead + frame
        self._lead = False

    def _put_urgent(self, out: bytearray) -> None:
        """Add unsequenced messages. A SYNC goes when the line is idle only, so that its time is true."""
        while self._urgent and not self._raw_stop:
            message = self._urgent[0]
            is_sync = isinstance(message, Sync)
            if is_sync and self.line_free > self._now:
                return
            begin = self._now + (len(out) + self._lead) * BYTE_TIME
            self._put(out, encode_frame(UNSEQUENCED, message.CODE, message.pack()))
            self._urgent.popleft()
            if isinstance(message, Sync):
                recent = {old: at for old, at in self._sync_times.items() if at > begin - TOKENS_KEPT}
                self._sync_times = recent | {message.token: begin}

    def _put_sequenced(self, out: bytearray) -> None:
        """Add what is to be repeated, then what is new; nothing while something unsequenced waits."""
        while not (self._urgent or self._raw_stop) and (each := self._next()) is not None:
            self._put(out, each.frame)
            each.left = max(self.line_free, self._now) + len(out) * BYTE_TIME
            if self._place == len(self._sent):
                self._unqueue(each)
            else:
                self._repeat(each)
            if not self._place:
                self.timeout.start(each.left)
            self._place += 1

    def _repeat(self, sent: Sent) -> None:
        sent.again = True
        self.retransmits += 1
        if not self._place:  # what answers this comes a round trip later; half a frame's time of grace
            self._deaf_until = sent.left + self.timeout.smooth - len(sent.frame) * BYTE_TIME / 2

    def _unqueue(self, sent: Sent) -> None:
        """Move what was sent from the queue to what is under way; strikes that were left out stay."""
        message = self._queue.popleft()
        self._sent.append(sent)
        if isinstance(message, StrikesMessage) and len(message.rows) > sent.strikes:
            self._queue.appendleft(StrikesMessage(picked(message.rows, slice(sent.strikes, None))))

    def _next(self) -> Sent | None:
        """Return the frame that is to go next if it may: the line is open, window and credit allow it."""
        if not self.greeted or self.held:
            return None
        if self._place < len(self._sent):
            each = self._sent[self._place]
        elif self._queue and len(self._sent) < WINDOW_FRAMES:
            each = self._made(self._queue[0])
            if sum(len(other.frame) for other in self._sent) + len(each.frame) > WINDOW_BYTES:
                return None
        else:
            return None
        before = sum(other.strikes for other in islice(self._sent, self._place))
        return each if not each.strikes or before + each.strikes <= self.credit else None

    def _made(self, message: Message) -> Sent:
        sequence = (self.base + len(self._sent)) % SEQUENCES
        strikes = 0
        if isinstance(message, StrikesMessage):
            message = StrikesMessage(
                picked(message.rows, slice(STRIKES_IN_TROUBLE if self._trouble > TROUBLE else None))
            )
            strikes = len(message.rows)
        return Sent(encode_frame(sequence, message.CODE, message.pack()), strikes, self._now)
