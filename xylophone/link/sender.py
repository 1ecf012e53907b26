"""Pulses of the host's book as frames of strikes, on the board's clock."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..tables import STRIKE_ON_WIRE, Ints, Pulses, WireStrikes, as_wire_strikes, filled, picked
from .book import Book
from .messages import STRIKES_IN_FRAME, WIDTH_RATE, StrikesMessage

ON_BOARD = 0.5
"""s before its start that a strike is sent: for so long may the host be without CPU."""


def next_frame(book: Book, now: float, to_clock: Callable[[float], float]) -> StrikesMessage | None:
    """Take up to 8 pulses that start within ON_BOARD out of a book's unsent ones; None when there are none.

    `to_clock` tells the board's clock, without wraps, at a host time.
    """
    waiting = book.unsent
    soon = int(np.searchsorted(waiting["start"][:STRIKES_IN_FRAME], now + ON_BOARD, "right"))
    due = picked(waiting, slice(soon))
    if not len(due):
        return None
    clocks = clocks_of(due, book, to_clock)
    book.sent(clocks)
    return StrikesMessage(on_wire(due, clocks))


def clocks_of(due: Pulses, book: Book, to_clock: Callable[[float], float]) -> Ints:
    """Return the ticks at which these pulses start, never before one that was sent.

    Pulses of one start get one tick, also when the clocks' fit has changed between two frames.
    """
    sent = len(book.clocks)
    last = int(book.clocks[-1]) if sent else None
    start = float(book.pulses["start"][sent - 1]) if sent else None
    clocks = []
    for each in due["start"].tolist():
        if last is None or each != start:
            clock = round(to_clock(each))
            last = clock if last is None else max(clock, last + 1)
            start = each
        clocks.append(last)
    return np.array(clocks, np.int64)


def on_wire(pulses: Pulses, clocks: Ints) -> WireStrikes:
    """Return strikes as the board takes them."""
    clock = (clocks & 0xFFFF_FFFF).astype(np.uint32)
    width = np.clip(np.round(pulses["width"] * WIDTH_RATE), 0, 0xFFFF)
    channel = pulses["channel"]
    return as_wire_strikes(filled(STRIKE_ON_WIRE, len(pulses), clock=clock, channel=channel, width=width))
