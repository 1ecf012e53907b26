"""What a board is asked until it answers: HELLO, SYNC and STATUS, and the way out of its bootloader.

The link repeats none of these: a question that was lost is asked anew.
"""

from __future__ import annotations

import random

from .bootloader import WayOut
from .clock_sync import ClockSync, unwrap
from .connection import Connection
from .counters import Counters
from .messages import BAUD, Message, Status, Sync, SyncReply

HELLO_EVERY = 0.25

SYNC_PATIENCE = 0.05
"""s that a SYNC is waited for before another one is sent: those that are not answered are not repeated."""


class Questions:
    """The questions to a board and what its answers say of its clock and its counters.

    `told` is how many strikes it had started since HELLO, and at which clock (without wraps); whoever
    reads it sets it to None. Where two questions have no answer, the leave command of a bootloader takes
    the place of the next; never with `fixed_baud`.
    """

    def __init__(self, now: float, seed: int | None, fixed_baud: bool) -> None:
        self.counters = Counters()
        self.told: tuple[int, int] | None = None
        self._fixed_baud = fixed_baud
        self._random = random.Random(seed)
        self._nonce = self._fired = 0
        self.link = Connection(now)
        self.open(now)

    def open(self, now: float) -> None:
        """Ask over a port that was just opened, a board of which nothing is known."""
        self.link = Connection(now, self.link)
        self.sync, self.way_out = ClockSync(now), WayOut()
        self.next_hello = self._sync_again = now
        self._token = 0

    def hello(self, now: float) -> None:
        """Say HELLO, again from `next_hello`."""
        self.next_hello = now + HELLO_EVERY
        if self._may_ask(now):
            self._nonce = self._random.getrandbits(32) | 1  # that of BOOT is 0
            self.link.hello(now, self._nonce)

    def ask(self, now: float, at_once: bool = False) -> None:
        """Ask for the counters and the clock when it is time to, or at once.

        To be called after all else was sent: a SYNC with another frame close behind it is not answered.
        """
        if self.busy:
            return
        if at_once or now >= self.counters.next_status():
            self.counters.ask(now)
            self.link.send(Status())
        if at_once or now >= self._next_sync:
            self._sync_again = now
            if self._may_ask(now):
                self._sync_again += SYNC_PATIENCE
                self._token = (self._token + 1) & 0xFFFF
                self.link.send(Sync(self._token))

    def next_time(self) -> float:
        """Return when to `ask` again, unless `busy`."""
        return min(self._next_sync, self.counters.next_status())

    def receive(self, content: bytes, now: float) -> list[Message]:
        """Take bytes that have arrived by `now`; return the board's messages in them, in order."""
        if self.way_out.baud != BAUD:
            content = b"\0"  # noise, and the end of what had come before
        messages = self.link.receive(content, now)
        if messages:
            self.way_out.heard()
            if self.link.held:
                self.link.hold(False)
        return messages

    def is_answer(self, nonce: int) -> bool:
        """Whether a HELLO_R with this nonce answers the last HELLO."""
        return nonce == self._nonce

    def restart(self) -> None:
        """The board has answered HELLO: it counts from 0."""
        self.counters.restart()
        self._fired, self.told = 0, None

    def restart_clock(self, now: float) -> None:
        """The board has reset: its clock begins anew, at the rate that is known of it, if one is."""
        self.sync = ClockSync(now, rate=self.sync.rate if self.sync.ready else None)

    def take_sync(self, reply: SyncReply, now: float) -> None:
        """Learn from the board's clock."""
        if reply.token == self._token:
            self._sync_again = now
        if (sent := self.link.sent_at(reply.token)) is not None:
            self.sync.add(sent, reply.received, reply.sent, now)
        self.counters.hint(reply.refused)
        if self.sync.ready:
            near = round(self.sync.to_clock(now))
            self._fired += (reply.fired - self._fired) & 0xFFFF
            self.told = (unwrap(reply.sent, near), self._fired)

    def raw_stop(self) -> None:
        """Put the emergency stop below all frames before everything else."""
        self.way_out.abandon()
        self.link.raw_stop()

    @property
    def busy(self) -> bool:
        """Whether the bootloader is being told to leave: all else waits."""
        return self.way_out.busy

    def bytes_to_send(self, now: float) -> bytes:
        """Return the bytes to go to the port now, at the rate of `way_out`."""
        return self.way_out.take(now) if self.busy else self.link.bytes_to_send(now)

    def next_bytes(self) -> float:
        """Return when to ask for bytes again at the latest."""
        return self.way_out.next_time() if self.busy else self.link.next_time()

    @property
    def _next_sync(self) -> float:
        return max(self.sync.next_sync, self._sync_again)

    def _may_ask(self, now: float) -> bool:
        """Whether the board is asked; else its bootloader is told to leave, in place of one question."""
        if not self._fixed_baud and self.way_out.wanted(now):
            self.way_out.begin(now, self.link.line_free)
            self.link.hold(True)
            return False
        self.way_out.asked()
        return True
