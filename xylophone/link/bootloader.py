"""The way out of the bootloader that stands in front of the firmware on a Mega.

After a reset Arduino's stk500v2 waits 0.84 s for a session and takes any byte for the beginning of one; in
play a byte always follows. Trapped, it leaves after 5.0 s of silence, or 0.06 s after its own leave
command, which it hears at 115,200 baud only. For a board that was merely slow to answer that command is
noise on the line, and no frame.
"""

from __future__ import annotations

import math

from .messages import BAUD

BOOTLOADER_BAUD = 115_200
LEAVE = bytes.fromhex("1B 01 00 01 0E 11 04")
"""Start, number, length (2), token, 'leave programming mode', exclusive or of all (Atmel AVR068)."""

TIMES = 2
"""The command is said so often: the first may end what the bootloader has taken for a message."""

UNANSWERED = 2
"""Questions without any word of the board from which its bootloader may have it."""

SETTLE = 0.01
"""s without a byte around a change of the baud rate: until the USB converter has sent all it had."""

AGAIN = 0.3
"""s from one attempt to the next: five times what the bootloader takes to leave."""

SILENCE = 5.5
"""s without a byte after which the bootloader has left by itself and the firmware said BOOT."""


class WayOut:
    """When the leave command is due, and what goes to the port at which baud rate meanwhile.

    Tell it of every question `asked` and of every word `heard`. While `busy`, nothing else is to be sent.
    """

    def __init__(self) -> None:
        self.baud = BAUD
        """Baud rate at which the bytes are to be sent that are handed out next."""
        self._unanswered = 0
        self._next: float | None = None  # when the next step is due
        self._again = -math.inf

    @property
    def busy(self) -> bool:
        """Whether the command is being said."""
        return self._next is not None

    def asked(self) -> None:
        """Note a question to the board."""
        self._unanswered += 1

    def heard(self) -> None:
        """Note a word of the board: it is no bootloader."""
        self._unanswered = 0

    def wanted(self, now: float) -> bool:
        """Whether the next question should be the leave command."""
        return self._unanswered >= UNANSWERED and now >= self._again and not self.busy

    def begin(self, now: float, line_free: float) -> None:
        """Say the command once the line has carried what it was given, by `line_free`."""
        self._again = now + AGAIN
        self._next = max(now, line_free) + SETTLE

    def abandon(self) -> None:
        """Stop at once, since something else cannot wait."""
        self.baud, self._next = BAUD, None

    def take(self, now: float) -> bytes:
        """Return the bytes to go to the port now, at `baud`."""
        if self._next is None or now < self._next:
            return b""
        if self.baud == BOOTLOADER_BAUD:
            self.abandon()
            return b""
        self.baud = BOOTLOADER_BAUD
        said = TIMES * LEAVE
        self._next = now + 10 * len(said) / BOOTLOADER_BAUD + SETTLE
        return said

    def next_time(self) -> float:
        """Return when to take again; infinite while not busy."""
        return math.inf if self._next is None else self._next
