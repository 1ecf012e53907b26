"""Outputs of a chain of 74HC595 on SPI: 8 a chip, all latched at one instant.

Bit 0 is QA of the chip nearest to the Pi. What is shifted in pushes out what was there before, so where QH'
of the last chip is wired to MISO, every write also tells whether the one before it arrived.
"""

from __future__ import annotations

from typing import Any

from ..wiring import CHIPS, Wiring
from .outputs import OutputError
from .pi import library_errors, open_spi, pin_factory

DOUBTS = 4
"""Faults since a bit of a coil last came back that are one too many: zeros come from a dead wire too."""

_MARK = (0xA5, 0x3C)
"""Two bytes that no floating wire makes."""


class ShiftRegister:
    """A chain of 74HC595; see Output for the order of calls. /OE must be high from before `check`."""

    def __init__(self, wiring: Wiring, factory: Any = None) -> None:
        """Open the bus; BackendMissing where it is not there."""
        self._spi = open_spi(wiring, factory or pin_factory())
        self._registers, self._reads_back = wiring.registers, wiring.read_back
        self._errors: tuple[type[Exception], ...] = (ValueError, *library_errors())  # for a short answer
        self._content: bytes | None = None  # of the chain, as far as it is known
        self._mended = self._doubts = 0

    def prepare(self) -> None:
        """Shift zeros through twice: what the latches power up with is random, and MR does not clear them."""
        self._content = None
        for _ in range(2):
            self._shift(bytes(CHIPS))

    def check(self) -> str:
        """Find out how long the chain is, by what comes back; OutputError where it is not as told.

        The latches see the marks, so /OE must be high.
        """
        if not self._reads_back:
            return f"{self._registers} chips 74HC595 as told: QH' is not wired to MISO, so nothing is checked"
        self._shift(bytes(CHIPS + 1))
        back = self._shift(bytes(_MARK) + bytes(CHIPS + 1))
        self._shift(bytes(CHIPS + 1))
        chips = next((n for n in range(1, CHIPS + 2) if tuple(back[n : n + 2]) == _MARK), None)
        if chips is None:
            raise OutputError(_nothing_back(back))
        if chips != self._registers:
            seen = f"{chips}" if chips <= CHIPS else f"more than {CHIPS}"
            raise OutputError(
                f"the chain has {seen} chips 74HC595, xylophone.toml says {self._registers}: set "
                "gpio.registers to what is there, or look for a chip that is left out"
            )
        return f"{chips} chips 74HC595 answer"

    def begin(self) -> None:
        """Know what the chain holds: zeros."""
        self._content, self._doubts = None, 0
        self.write(0)

    def write(self, mask: int) -> None:
        """Shift a mask in and latch it; once again where what comes back is not what was written before."""
        content = mask.to_bytes(self._registers, "big")
        before, self._content = self._content, content
        back = self._shift(content)
        if not self._reads_back or before is None or back == before:
            self._doubts = 0 if before and any(before) else self._doubts
            return
        back = self._shift(content)
        self._doubts += 1
        if back == content and self._doubts < DOUBTS:
            self._mended += 1
        else:
            self._content = None
            raise OutputError(
                f"the chain gave {back.hex(' ')} back for {content.hex(' ')}: look at the wires of SPI, keep "
                "them short and away from the coils', and put 100 nF at each chip"
            )

    def refresh(self) -> int:
        """Write what is there once more; return how often what came back was wrong since the last time."""
        if self._content is not None:
            self.write(int.from_bytes(self._content, "big"))
        mended, self._mended = self._mended, 0
        return mended

    def close(self) -> None:
        """Shift zeros and let go of the bus."""
        try:
            self.prepare()
        finally:
            self._spi.close()

    def _shift(self, content: bytes) -> bytes:
        try:
            return bytes(self._spi.transfer(list(content)))
        except self._errors as error:
            raise OutputError(
                f"SPI transfer failed: {error}; end other programs that use SPI, and see dmesg"
            ) from error


def _nothing_back(back: bytes) -> str:
    if not any(back):
        wrong = "nothing but zeros comes"
    elif all(byte == 0xFF for byte in back):
        wrong = "nothing but ones comes"
    else:
        wrong = "something else comes"
    return (
        f"{wrong} back from the chain of 74HC595: check its 3.3 V, ground, SER, SRCLK, and QH' of the last "
        "chip to MISO; where QH' is not wired, set gpio.read_back = false"
    )
