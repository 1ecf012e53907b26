"""The GPIO backend on a virtual clock, each kind of outputs on mocked hardware that decodes its bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gpio.chips import Board, Chain, I2cBus, Mcp23017, Reset, on_i2c
from gpio.in_process import InProcess
from xylophone.backends.gpio import GpioBackend
from xylophone.clock import VirtualClock
from xylophone.gpio.coil_limits import Limits
from xylophone.gpio.direct_pins import DirectPins
from xylophone.gpio.expander import Expander
from xylophone.gpio.guards import Guard, LineGuard, NullGuard
from xylophone.gpio.outputs import Output
from xylophone.gpio.shift_register import ShiftRegister
from xylophone.instrument import Instrument
from xylophone.wiring import Wiring

Coils = Callable[[], int]
"""The mask of coils that are on by physics."""


def backend_on(output: Output, guard: Guard, instrument: Instrument, clock: VirtualClock) -> GpioBackend:
    """Return a backend over outputs and a guard in this process."""
    return GpioBackend(instrument, InProcess(output, guard, Limits.of(instrument), clock), clock)


@contextmanager
def shift_register(instrument: Instrument, clock: VirtualClock) -> Iterator[tuple[GpioBackend, Coils]]:
    """Four 74HC595."""
    board = Board()
    chain = Chain(board, 4)
    yield (
        backend_on(ShiftRegister(Wiring(), board), LineGuard(25, True, board), instrument, clock),
        chain.coils,
    )


@contextmanager
def expander(instrument: Instrument, clock: VirtualClock) -> Iterator[tuple[GpioBackend, Coils]]:
    """Two MCP23017."""
    board, chips = Board(), {0x20: Mcp23017(), 0x21: Mcp23017()}
    bus = I2cBus(chips)
    board.pin(24, pin_class=Reset).wire(chips.values())
    with on_i2c(bus):
        yield backend_on(Expander(Wiring()), LineGuard(24, False, board), instrument, clock), bus.coils


@contextmanager
def pins(instrument: Instrument, clock: VirtualClock) -> Iterator[tuple[GpioBackend, Coils]]:
    """The Pi's own pins, for the channels that there are pins for."""
    board, wiring = Board(), Wiring()

    def coils() -> int:
        return sum(1 << place for place, pin in enumerate(wiring.pins) if board.level(pin))

    yield backend_on(DirectPins(wiring, board), NullGuard(), instrument, clock), coils


KINDS = {"595": shift_register, "mcp23017": expander, "pins": pins}
