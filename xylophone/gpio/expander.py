"""Outputs of MCP23017 expanders on I2C: 16 a chip, all chips in one transaction.

Bits 0..7 are GPA0..GPA7 of the first address, 8..15 its GPB0..GPB7, and so on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ..errors import MissingExtra, install
from ..wiring import Wiring
from .outputs import OutputError
from .pi import bus_missing

IODIR, OLAT = 0x00, 0x14
"""First of two registers each: directions (1 is input, the default) and output latches; bank 0."""

_INPUTS, _OFF = b"\xff\xff", b"\0\0"


class Expander:
    """MCP23017 chips; see Output for the order of calls. /RESET must be low from before `check`."""

    def __init__(self, wiring: Wiring, factory: Any = None) -> None:
        """Open the bus; BackendMissing where it is not there."""
        try:
            from smbus2 import SMBus, i2c_msg
        except ImportError as error:
            remedy = f"sudo apt install python3-smbus2, or {install('smbus2')}"
            raise MissingExtra(f"smbus2 is not installed ({error}): {remedy}") from error
        device = f"/dev/i2c-{wiring.i2c_bus}"
        try:
            self._bus = SMBus(device)
        except OSError as error:
            raise bus_missing(device, "I2C", error) from error
        self._message, self._number = i2c_msg, wiring.i2c_bus
        self._addresses, self._reset_pin = wiring.i2c_addresses, wiring.reset_pin
        self._mask = 0
        self._known = False

    def prepare(self) -> None:
        """Switch off what another program may have left on."""
        self._mask, self._known = 0, False
        for address in self._addresses:
            with suppress(OSError):  # a chip that does not answer is in reset, and has no outputs
                self._write({address: (OLAT, _OFF)})

    def check(self) -> str:
        """Make sure that the reset line reaches all chips: none may answer while it is low."""
        for address in self._addresses:
            if self._answers(address):
                raise OutputError(
                    f"MCP23017 at 0x{address:02x} answers while GPIO{self._reset_pin} should hold it in "
                    "reset: wire its /RESET to that pin, with a pull-down, or set gpio.reset_pin"
                )
        return f"{len(self._addresses)} chips MCP23017 answer, and only while GPIO{self._reset_pin} lets them"

    def begin(self) -> None:
        """Make all pins outputs that are off, and read that back; OutputError names a silent chip."""
        for address in self._addresses:
            self._write({address: (OLAT, _OFF)})
            self._write({address: (IODIR, _OFF)})
        self._mask, self._known = 0, True
        self._verify()

    def write(self, mask: int) -> None:
        """Write the chips whose outputs change in one transaction; each switches when it has its bytes.

        First come chips on which outputs only go off, so that the supply has room for what goes on.
        """
        changed, on = mask ^ self._mask, mask & ~self._mask
        self._mask, self._known = self._mask | mask, False  # a chip that fails keeps no bit unknown
        places = [place for place in range(len(self._addresses)) if changed >> 16 * place & 0xFFFF]
        places.sort(key=lambda place: bool(on >> 16 * place & 0xFFFF))
        self._write({self._addresses[place]: (OLAT, self._latch(mask, place)) for place in places})
        self._mask, self._known = mask, True

    def refresh(self) -> int:
        """Read back what all chips hold; OutputError where one has lost it."""
        if self._known:
            self._verify()
        return 0

    def close(self) -> None:
        """Switch all off and let go of the bus."""
        if self._bus.fd is None:
            return
        try:
            self.prepare()
        finally:
            self._bus.close()

    def _answers(self, address: int) -> bool:
        try:
            self._read(address, IODIR)
        except OutputError:
            return False
        return True

    def _latch(self, mask: int, place: int) -> bytes:
        return (mask >> 16 * place & 0xFFFF).to_bytes(2, "little")

    def _verify(self) -> None:
        for place, address in enumerate(self._addresses):
            for register, wanted in ((IODIR, _OFF), (OLAT, self._latch(self._mask, place))):
                held = self._read(address, register)
                if held != wanted:
                    lost = "was reset" if register == IODIR and held == _INPUTS else "lost what was written"
                    raise OutputError(
                        f"MCP23017 at 0x{address:02x} {lost} ({held.hex()} for {wanted.hex()}): its supply "
                        "dips or coils disturb the wires; put 100 nF at the chip and keep I2C short"
                    )

    def _write(self, registers: dict[int, tuple[int, bytes]]) -> None:
        """Write registers of some chips in one transaction."""
        if not registers:
            return
        messages = [
            self._message.write(address, [first, *content]) for address, (first, content) in registers.items()
        ]
        try:
            self._bus.i2c_rdwr(*messages)
        except OSError as error:
            raise self._silent(error, *registers) from error

    def _read(self, address: int, register: int) -> bytes:
        """Return two registers of a chip."""
        ask, answer = self._message.write(address, [register]), self._message.read(address, 2)
        try:
            self._bus.i2c_rdwr(ask, answer)
        except OSError as error:
            raise self._silent(error, address) from error
        return bytes(answer)

    def _silent(self, error: OSError, *addresses: int) -> OutputError:
        names = " and ".join(f"0x{address:02x}" for address in addresses)
        return OutputError(
            f"MCP23017 at {names} does not answer ({error.strerror or error}): check its supply, SDA, SCL, "
            f"/RESET and A0..A2; i2cdetect -y {self._number} shows chips only while /RESET is high"
        )
