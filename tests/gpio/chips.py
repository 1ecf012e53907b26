"""Chips that hammers hang on, as physical as tests need them: bits on wires, registers, and what fails.

`Board` is a Raspberry Pi with gpiozero's mock pins and an SPI port like the kernel's, `Chain` a chain of
74HC595 on that port. `I2cBus` is a bus behind the real smbus2, which asks it instead of the kernel, and has
`Mcp23017` on it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, NamedTuple

import pytest
from gpiozero.pins import SPI
from gpiozero.pins.mock import MockFactory, MockPin, MockSPIDevice
from smbus2.smbus2 import I2C_FUNCS, I2C_M_RD, I2C_RDWR, I2cFunc

CLOCK, MOSI, MISO, SELECT = 11, 10, 9, (8, 7)
"""GPIOs of SPI0."""


class Board(MockFactory):
    """A Pi whose SPI port is one of the kernel's: gpiozero's own mock has a software one, without a rate."""

    def __init__(self, spi: bool = True) -> None:
        super().__init__()
        self.has_spi = spi
        self.spi_rate = 0
        self.transfers: list[bytes] = []
        self.spi_errors: list[Exception] = []  # what the next transfers raise
        self.spi_answers: list[Any] = []  # what the next transfers return, instead of what was read
        self.spi_open = 0

    def level(self, pin: int) -> bool | None:
        """Return the level that a pin drives; None where it is an input."""
        held = self.pin(pin)
        return bool(held.state) if held.function == "output" else None

    def _get_spi_class(self, shared: bool, hardware: bool) -> type[SPI]:
        assert hardware, "software SPI is far too slow for hammers"
        assert not shared
        return SpiPort if self.has_spi else _NoSpiPort


class _NoSpiPort:
    """What is left of a port where the library is missing, or the device."""

    def __init__(self, **_: Any) -> None:
        raise ImportError("failed to import spidev")


class SpiPort(SPI):
    """An SPI port in mode 0, most significant bit first: reads MISO as it is before each rising edge."""

    def __init__(
        self, clock_pin: int, mosi_pin: int, miso_pin: int, select_pin: int, pin_factory: Board
    ) -> None:
        self._open = False
        super().__init__(pin_factory=pin_factory)
        self._pins = (clock_pin, mosi_pin, miso_pin, select_pin)
        pin_factory.reserve_pins(self, *self._pins)
        self._clock, self._mosi, self._miso, self._select = map(pin_factory.pin, self._pins)
        for pin, level in ((self._clock, False), (self._mosi, False), (self._select, True)):
            pin.function = "output"
            pin.state = level
        self._mode = 3  # of whoever used it last
        self._open = True
        pin_factory.spi_open += 1

    def _conflicts_with(self, other: object) -> bool:
        return True

    @property
    def closed(self) -> bool:
        return not self._open

    def close(self) -> None:
        if self._open:
            self._open = False
            self.pin_factory.release_all(self)
            self.pin_factory.spi_open -= 1
        super().close()

    def transfer(self, data: Sequence[int]) -> list[int]:
        """Shift bytes out and return those that come in; chip select is low meanwhile."""
        self._check_open()
        assert self._mode == 0, "a 74HC595 takes bits at the rising edge"
        assert type(data) is list, "spidev takes lists"
        if self.pin_factory.spi_errors:
            raise self.pin_factory.spi_errors.pop(0)
        self.pin_factory.transfers.append(bytes(data))
        self._select.state = False
        read = [self._exchange(byte) for byte in data]
        self._select.state = True
        return self.pin_factory.spi_answers.pop(0) if self.pin_factory.spi_answers else read

    def _exchange(self, byte: int) -> int:
        read = 0
        for place in range(7, -1, -1):
            self._mosi.state = byte >> place & 1
            read = read << 1 | int(self._miso.state)
            self._clock.state = True
            self._clock.state = False
        return read

    def _get_clock_mode(self) -> int:
        return self._mode

    def _set_clock_mode(self, value: int) -> None:
        self._mode = value

    def _get_rate(self) -> int:
        return self.pin_factory.spi_rate

    def _set_rate(self, value: int) -> None:
        self.pin_factory.spi_rate = value


class Chain(MockSPIDevice):
    """A chain of 74HC595 on a board: SRCLK at the clock, SER at MOSI, RCLK at chip select, QH' at MISO, /OE.

    /OE has a pull-up. What the chips power up with is random. Bit 8 * n + m of a mask is output QA + m of the
    chip that is the n-th from the Pi.
    """

    def __init__(
        self,
        board: Board,
        chips: int,
        *,
        seed: int = 0,
        device: int = 0,
        miso: bool | None = None,
        output_enable_pin: int = 25,
    ) -> None:
        """`miso` is the level of a MISO that QH' is not wired to."""
        super().__init__(CLOCK, MOSI, MISO, SELECT[device], pin_factory=board)
        self.select_pin.drive_high()  # the Pi pulls its chip selects up
        self._selected = False
        self._enable = board.pin(output_enable_pin)
        self._random, self._bits, self._miso = Random(seed), 8 * chips, miso
        self.shifted, self.latched = (self._random.getrandbits(self._bits) for _ in range(2))
        self.latches: list[int] = []  # what was latched, in order
        self.seen: list[int] = []  # what the coils saw of it
        self.noise_back = self.noise_out = 0  # next transfers with a wrong bit at MISO, at SER
        self._wrong_back = self._wrong_out = -1
        self._show()

    def coils(self) -> int:
        """Return the mask of coils that are on."""
        enabled = self._enable.function == "output" and not self._enable.state
        return self.latched if enabled else 0

    def output(self, chip: int, name: str) -> bool:
        """Return an output of the chip that is the n-th from the Pi, by its name in the data sheet."""
        return bool(
            self.coils() >> 8 * chip + ("QA", "QB", "QC", "QD", "QE", "QF", "QG", "QH").index(name) & 1
        )

    def on_select(self) -> None:
        selected = not self.select_pin.state
        if selected and not self._selected:
            self.on_start()
        elif self._selected and not selected:
            self.latched = self.shifted
            self.latches.append(self.latched)
            self.seen.append(self.coils())
        self._selected = selected

    def on_start(self) -> None:
        super().on_start()
        self._wrong_back = self._random.randrange(8) if self.noise_back else -1
        self._wrong_out = self._random.randrange(8) if self.noise_out else -1
        self.noise_back, self.noise_out = max(0, self.noise_back - 1), max(0, self.noise_out - 1)
        self._show()

    def on_clock(self) -> None:
        """Shift at each rising edge, whoever is selected: a 74HC595 has no chip select."""
        if self.clock_pin.state:
            bit = int(self.mosi_pin.state) ^ (self.rx_bit == self._wrong_out)
            self.shifted = (self.shifted << 1 | bit) & (1 << self._bits) - 1
            self.rx_bit += 1
            self._show()

    def _show(self) -> None:
        """Put QH' of the last chip on MISO."""
        bit = self.shifted >> self._bits - 1 if self._miso is None else self._miso
        if bit ^ (self.rx_bit == self._wrong_back):
            self.miso_pin.drive_high()
        else:
            self.miso_pin.drive_low()


class Reset(MockPin):
    """A pin with a pull-down that leads to /RESET of MCP23017: they are in reset while it is low."""

    def __init__(self, factory: MockFactory, info: Any) -> None:
        self.chips: tuple[Mcp23017, ...] = ()
        super().__init__(factory, info)

    def wire(self, chips: Iterable[Mcp23017]) -> None:
        """Lead to these chips."""
        self.chips = tuple(chips)
        self._spread()

    def _set_function(self, value: str) -> None:
        super()._set_function(value)
        self._spread()

    def _change_state(self, value: bool) -> bool:
        changed: bool = super()._change_state(value)
        self._spread()
        return changed

    def _spread(self) -> None:
        for chip in self.chips:
            chip.hold(not (self._function == "output" and self._state))


class Mcp23017:
    """The registers of an MCP23017 with IOCON.BANK = 0, as the data sheet has them; coils have pull-downs."""

    IODIRA, IOCON, IOCON_B, GPIOA, GPIOB, OLATA, OLATB, LAST = 0x00, 0x0A, 0x0B, 0x12, 0x13, 0x14, 0x15, 0x15

    def __init__(self, latch: int = 0, direction: int = 0xFFFF) -> None:
        """`latch` and `direction` are what another program has left there."""
        self.powered = True
        self._held = False
        self.reset()
        self._registers[self.OLATA : self.OLATB + 1] = latch.to_bytes(2, "little")
        self._registers[self.IODIRA : self.IODIRA + 2] = direction.to_bytes(2, "little")

    @property
    def answers(self) -> bool:
        """Tell whether it acknowledges its address."""
        return self.powered and not self._held

    def hold(self, held: bool) -> None:
        """Hold it in reset, or let it go."""
        self._held = held
        if held:
            self.reset()

    def reset(self) -> None:
        """Have what it has after power-up: all pins inputs, all latches zero."""
        self._registers = bytearray(b"\xff\xff" + bytes(self.LAST - 1))
        self._pointer = 0

    def coils(self) -> int:
        """Return the mask of coils that are on: pins that are outputs, and high."""
        return self._pair(self.OLATA) & ~self._pair(self.IODIRA) if self.answers else 0

    def take(self, content: bytes) -> Iterator[None]:
        """Take a message: a register's address and what is written from there on; yield after each byte."""
        self._pointer = content[0]
        for byte in content[1:]:
            register = self._pointer
            assert register not in (self.IOCON, self.IOCON_B), "IOCON.BANK would move all registers"
            if register in (self.GPIOA, self.GPIOB):  # what is written to a port goes to its latch
                register += self.OLATA - self.GPIOA
            self._registers[register] = byte
            self._advance()
            yield

    def give(self, length: int) -> bytes:
        """Return what the registers hold, from where the last message pointed to."""
        read = bytearray()
        for _ in range(length):
            ports = self.coils().to_bytes(2, "little")
            is_port = self._pointer in (self.GPIOA, self.GPIOB)
            read.append(ports[self._pointer - self.GPIOA] if is_port else self._registers[self._pointer])
            self._advance()
        return bytes(read)

    def _advance(self) -> None:
        self._pointer = 0 if self._pointer == self.LAST else self._pointer + 1

    def _pair(self, first: int) -> int:
        return int.from_bytes(self._registers[first : first + 2], "little")


class Message(NamedTuple):
    """One message of a transaction."""

    address: int
    content: bytes
    is_read: bool = False


class I2cBus:
    """A bus with chips on it, by address: what the kernel does for smbus2."""

    def __init__(self, chips: dict[int, Mcp23017], number: int = 1) -> None:
        self.chips, self.path = chips, f"/dev/i2c-{number}"
        self.missing: OSError | None = None  # what opening it raises
        self.funcs = I2cFunc.I2C | I2cFunc.SMBUS_EMUL
        self.transactions: list[tuple[Message, ...]] = []
        self.clocks = 0  # of SCL: 9 for each byte
        self.history: list[int] = []  # masks of the coils, after each byte
        self.descriptors: set[int] = set()
        self.error: OSError | None = None  # what all transactions raise: a bus that hangs

    def coils(self) -> int:
        """Return the mask of coils that are on: 16 a chip, in the order of the chips."""
        return sum(chip.coils() << 16 * place for place, chip in enumerate(self.chips.values()))

    def find(self, path: str) -> OSError | None:
        """Return what opening a file of /dev raises; None where it opens."""
        return self.missing if path == self.path else failure(errno.ENOENT)

    def ioctl(self, descriptor: int, request: int, argument: Any) -> int:
        """Do what the kernel does."""
        assert descriptor in self.descriptors, "the bus is not open"
        if request == I2C_FUNCS:
            argument.value = int(self.funcs)
            return 0
        assert request == I2C_RDWR, f"request {request:#x} is not known here"
        assert 1 <= argument.nmsgs <= 42, "the kernel takes 1..42 messages"
        messages = [argument.msgs[number] for number in range(argument.nmsgs)]
        self.transactions.append(
            tuple(
                Message(one.addr, bytes(one.buf[: one.len]), bool(one.flags & I2C_M_RD)) for one in messages
            )
        )
        if self.error is not None:
            raise self.error
        for one in messages:
            self._pass(one)
        return len(messages)

    def _pass(self, message: Any) -> None:
        self.clocks += 9
        chip = self.chips.get(message.addr)
        if chip is None or not chip.answers:
            raise failure(errno.EREMOTEIO)
        self.clocks += 9 * message.len
        if message.flags & I2C_M_RD:
            for place, byte in enumerate(chip.give(message.len)):
                message.buf[place] = byte
            return
        for _ in chip.take(bytes(message.buf[: message.len])):
            self.history.append(self.coils())


@contextmanager
def on_i2c(bus: I2cBus) -> Iterator[I2cBus]:
    """Have smbus2 find this bus, and no other, as long as this lasts; it must have been closed then."""
    real_close = os.close

    def close(descriptor: int) -> None:
        bus.descriptors.discard(descriptor)
        real_close(descriptor)

    with pytest.MonkeyPatch.context() as patch, devices(bus.find, bus.descriptors.add):
        patch.setattr("smbus2.smbus2.ioctl", bus.ioctl)
        patch.setattr(os, "close", close)
        yield bus
    assert not bus.descriptors, "the bus was left open"


@contextmanager
def devices(
    find: Callable[[str], OSError | None], opened: Callable[[int], object] = lambda _: None
) -> Iterator[None]:
    """Have all files of /dev raise what `find` returns when they are opened, or open where it is None."""
    real_open = os.open

    def open_(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if not str(path).startswith("/dev/"):
            return real_open(path, flags, *more, **named)
        if (error := find(str(path))) is not None:
            raise error
        descriptor = real_open(os.devnull, os.O_RDWR)
        opened(descriptor)
        return descriptor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_)
        yield


def failure(number: int) -> OSError:
    """Return the kernel's error of a number."""
    return OSError(number, os.strerror(number))
