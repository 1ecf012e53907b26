"""Whether a board that has answered can play an instrument."""

from __future__ import annotations

from ..instrument import MOST_CAPACITY, MOST_REFILL, Instrument
from .messages import PROTOCOL, TICK_RATE, WIDTH_TICKS, HelloReply

FLASH = "put this version's firmware on it: xylophone firmware flash"
LIMITS_REFUSED = (
    "the board does not take the limits of these hammers: it was flashed for others, which stand less, or "
    f"for another version; {FLASH}"
)


def unfit(board: HelloReply, instrument: Instrument) -> str | None:
    """Return one line for why a board cannot play an instrument, with the remedy; None when it can."""
    version = f"{board.version >> 8}.{board.version & 255}"
    if board.protocol != PROTOCOL:
        age = "older" if board.protocol < PROTOCOL else "newer"
        other = "" if age == "older" else ", or install a newer xylophone"
        return (
            f"the board has {age} firmware: version {version} speaks protocol {board.protocol}, "
            f"this program speaks {PROTOCOL}; {FLASH}{other}"
        )
    if board.tick_rate != TICK_RATE:
        return f"the board counts {board.tick_rate} ticks a second, not {TICK_RATE}; {FLASH}"
    return _too_few(board, instrument) or _too_long(board, instrument) or _too_hot(instrument)


def _too_few(board: HelloReply, instrument: Instrument) -> str | None:
    last = max(instrument.hammers, key=lambda hammer: hammer.channel)
    if last.channel < board.channels:
        return None
    return (
        f"hammer {last.name} is on channel {last.channel}, the board has channels 0..{board.channels - 1}: "
        "give it a channel of the board, or choose a layout with fewer bars"
    )


def _too_long(board: HelloReply, instrument: Instrument) -> str | None:
    slowest = max(instrument.hammers, key=lambda hammer: hammer.longest_pulse)
    limit = board.longest * WIDTH_TICKS / TICK_RATE
    if slowest.longest_pulse <= limit + 1e-9:
        return None
    return (
        f"hammer {slowest.name} has pulses of up to {1e3 * slowest.longest_pulse:g} ms, the board allows "
        f"{1e3 * limit:g} ms: lower its longest_pulse"
    )


def _too_hot(instrument: Instrument) -> str | None:
    for key, most, unit in (("refill", MOST_REFILL, " s a second"), ("capacity", MOST_CAPACITY, " s")):
        hottest = max(instrument.hammers, key=lambda hammer: getattr(hammer, key))
        value = getattr(hottest, key)
        if value > most:
            return (
                f"hammer {hottest.name} has a {key} of {value:g}{unit}, a board allows no coil more than "
                f"{most:g}: lower its {key}"
            )
    return None
