"""What a chord is at the outputs of each kind, counted on mocked hardware."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gpio.chips import Board, Chain, I2cBus, Mcp23017, Reset, on_i2c
from gpio.mocked import KINDS
from xylophone.clock import VirtualClock
from xylophone.gpio.expander import Expander
from xylophone.gpio.guards import LineGuard
from xylophone.gpio.shift_register import ShiftRegister
from xylophone.instrument import build_instrument
from xylophone.tables import PULSE
from xylophone.wiring import Wiring

CHORD = (0, 4, 7, 12, 16)
"""Channels: on pins too, and on both MCP23017."""

MASK = sum(1 << channel for channel in CHORD)


class Chord(NamedTuple):
    """Masks that the dispatcher writes, transfers or transactions on the bus, and chips that take part."""

    masks: int
    transfers: int
    chips: int


def transfers_of_a_chord(kind: str) -> Chord:
    """Strike a chord, and count; pins have no bus."""
    if kind == "595":
        return Chord(_masks(kind), _shifted(), 4)
    return Chord(_masks(kind), *_transacted()) if kind == "mcp23017" else Chord(_masks(kind), 0, 0)


def _masks(kind: str) -> int:
    clock, rows = VirtualClock(), np.zeros(len(CHORD), PULSE)
    rows["start"], rows["width"], rows["channel"] = 0.1, 0.01, CHORD
    with KINDS[kind](build_instrument(), clock) as (backend, coils), backend:
        backend.schedule(rows)
        clock.wait_until(0.105)
        assert coils() == MASK
        return int(backend.report().notes["writes"])


def _shifted() -> int:
    board = Board()
    chain, line, outputs = Chain(board, 4), LineGuard(25, True, board), ShiftRegister(Wiring(), board)
    outputs.prepare()
    line.claim()
    line.allow()
    outputs.begin()
    board.transfers.clear()
    outputs.write(MASK)
    assert chain.coils() == MASK
    return len(board.transfers)


def _transacted() -> tuple[int, int]:
    board, chips = Board(), {0x20: Mcp23017(), 0x21: Mcp23017()}
    bus = I2cBus(chips)
    board.pin(24, pin_class=Reset).wire(chips.values())
    line = LineGuard(24, False, board)
    with on_i2c(bus):
        line.claim()
        line.allow()
        outputs = Expander(Wiring())
        outputs.begin()
        bus.transactions.clear()
        outputs.write(MASK)
        done = (len(bus.transactions), len(bus.transactions[0]))
        assert bus.coils() == MASK
        outputs.close()
    return done
