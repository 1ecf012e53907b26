"""How hammers are wired to a Raspberry Pi: which pins, buses and chips, and what to do when a bus fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import BackendMissing, ConfigError
from .words import counted

KINDS = ("595", "mcp23017", "pins", "null")
"""What drives the coils: a chain of 74HC595, MCP23017 expanders, the Pi's own pins; null drives nothing."""

ON_ERROR = ("stop", "go on")
"""What follows an output that failed in play: the end of the playing, or trying until it answers again."""

HONEST_PINS = (*range(9, 14), *range(16, 28))
"""GPIOs that power up low and no bus drives: 0..8 are pulled high, 14 and 15 are the console's."""

CHIPS = 8
"""Chips that are honest in a chain, and addresses that an MCP23017 can have (0x20..0x27)."""

BOUNDS = {"registers": (1, CHIPS), "spi_device": (0, 1), "spi_rate": (10_000, 20_000_000), "i2c_bus": (0, 1)}
"""Bounds of those of Wiring's numbers that are no GPIO."""

CHIP_BITS = {"595": 8, "mcp23017": 16}

_SPI_PINS = {0: (8, 9, 10, 11), 1: (7, 9, 10, 11)}
_I2C_PINS = {0: (0, 1), 1: (2, 3)}


@dataclass(frozen=True, slots=True)
class Wiring:
    """The wires of every kind of output, each with a default; valid from birth, else ConfigError.

    GPIO numbers are the Broadcom ones that gpiozero uses, not the header's.
    """

    registers: int = 4  # 74HC595 in the chain, 8 outputs each
    spi_device: int = 0  # chip select of SPI0: /dev/spidev0.0 or 0.1
    spi_rate: int = 1_000_000  # bits a second
    read_back: bool = True  # QH' of the last 74HC595 goes to MISO
    output_enable_pin: int = 25  # to /OE of all 74HC595, with a pull-up
    i2c_bus: int = 1  # /dev/i2c-1
    i2c_addresses: tuple[int, ...] = (0x20, 0x21)  # of the MCP23017, 16 outputs each
    reset_pin: int = 24  # to /RESET of all MCP23017, with a pull-down
    pins: tuple[int, ...] = HONEST_PINS  # of gpio:pins, by channel
    master_enable_pin: int | None = None  # to the relay of the coils' supply, with a pull-down; high is on
    on_error: str = "stop"  # or "go on"

    def __post_init__(self) -> None:
        for key, (least, most) in BOUNDS.items():
            if not least <= getattr(self, key) <= most:
                raise ConfigError(f"gpio.{key} {getattr(self, key)} is out of range: give {least}..{most}")
        if self.on_error not in ON_ERROR:
            raise ConfigError(f"gpio.on_error {self.on_error!r} is not known: give {' or '.join(ON_ERROR)}")
        self._check_addresses()
        self._check_pins()

    def outputs(self, kind: str) -> int:
        """Return how many outputs there are of a kind; channels are numbered from 0."""
        if kind == "595":
            return CHIP_BITS[kind] * self.registers
        if kind == "mcp23017":
            return CHIP_BITS[kind] * len(self.i2c_addresses)
        return len(self.pins) if kind == "pins" else 64

    def require(self, kind: str, channels: Sequence[int]) -> None:
        """Raise BackendMissing, with the remedy, unless these channels have an output of this kind.

        ConfigError where pins are to go on after an error: what takes them ends the process that played; and
        where the master enable is on a pin that this kind has another use for.
        """
        if self.master_enable_pin in (taken := self._taken(kind)):
            raise ConfigError(
                f"gpio.master_enable_pin: GPIO{self.master_enable_pin} is {taken[self.master_enable_pin]} of "
                f"gpio:{kind}: wire another of 9..13 and 16..27"
            )
        if kind == "pins" and self.on_error != "stop":
            raise ConfigError(
                f"gpio.on_error {self.on_error!r} is not for gpio:pins, which no line switches off: set it "
                'to "stop", or use gpio:595 or gpio:mcp23017'
            )
        outputs, last = self.outputs(kind), max(channels)
        if last < outputs:
            return
        hammers = counted(len(channels), "hammer")
        needs = f"{hammers} on channels up to {last}, but gpio:{kind} has {counted(outputs, 'output')}"
        if kind == "pins" and last < len(HONEST_PINS):
            raise BackendMissing(f"{needs}: name a pin for each as gpio.pins in xylophone.toml")
        if kind == "pins":
            raise BackendMissing(
                f"{needs}: a Pi has {len(HONEST_PINS)} pins for coils, so use gpio:595 "
                f"({-(-(last + 1) // 8)} chips 74HC595) or gpio:mcp23017 ({-(-(last + 1) // 16)} chips)"
            )
        key = "registers" if kind == "595" else "i2c_addresses"
        raise BackendMissing(f"{needs}: add chips and raise gpio.{key} in xylophone.toml")

    def _taken(self, kind: str) -> dict[int | None, str]:
        """Return what a kind of outputs uses pins for."""
        if kind == "595":
            return {self.output_enable_pin: "/OE", **dict.fromkeys(_SPI_PINS[self.spi_device], "the SPI bus")}
        if kind == "mcp23017":
            return {self.reset_pin: "/RESET", **dict.fromkeys(_I2C_PINS[self.i2c_bus], "the I2C bus")}
        return dict.fromkeys(self.pins, "a hammer's pin, as gpio.pins says,") if kind == "pins" else {}

    def _check_addresses(self) -> None:
        wrong = [address for address in self.i2c_addresses if not 0x20 <= address < 0x20 + CHIPS]
        if wrong:
            raise ConfigError(
                f"gpio.i2c_addresses: {wrong[0]} (0x{wrong[0]:02x}) is no address of an MCP23017: "
                "give 32..39 (0x20..0x27), as A2, A1 and A0 of the chip are wired"
            )
        if not 1 <= len(set(self.i2c_addresses)) == len(self.i2c_addresses):
            raise ConfigError("gpio.i2c_addresses: give each chip an address of its own, and at least one")

    def _check_pins(self) -> None:
        for number, pin in enumerate(self.pins):
            if pin in self.pins[:number]:
                raise ConfigError(f"gpio.pins: GPIO{pin} is used twice: give each hammer a pin of its own")
            if why := _unfit(pin):
                raise ConfigError(f"gpio.pins: GPIO{pin} {why}: use 9..13 and 16..27")
        if not self.pins:
            raise ConfigError("gpio.pins is empty: give the pins of the hammers, from 9..13 and 16..27")
        for key, bus, taken in (
            ("output_enable_pin", "SPI", _SPI_PINS[self.spi_device]),
            ("reset_pin", "I2C", _I2C_PINS[self.i2c_bus]),
        ):
            pin = getattr(self, key)
            if pin in taken:
                raise ConfigError(
                    f"gpio.{key}: GPIO{pin} is used by {bus} already: take another, as 24 or 25"
                )
            _check_honest(key, pin)
        if self.master_enable_pin is not None:
            _check_honest("master_enable_pin", self.master_enable_pin)


def _check_honest(key: str, pin: int) -> None:
    if pin not in HONEST_PINS:
        raise ConfigError(
            f"gpio.{key} {pin} is no pin that stays low until it is driven: give 9..13 or 16..27"
        )


def _unfit(pin: int) -> str:
    """Return why a coil must not hang on a pin, '' where it may."""
    if not 0 <= pin <= 27:
        return "is not on the header of a Raspberry Pi"
    if pin <= 8:
        return "powers up high, which switches its coil on at every start"
    return "" if pin in HONEST_PINS else "is the serial console's, which drives it high"
