"""What a session has to tell, each kind of news a class; `str` of most is one line with cause and remedy."""

from __future__ import annotations

from dataclasses import dataclass

from ..words import counted
from .messages import BoardFault, Cause

CAUSES = {
    Cause.WATCHDOG: "its firmware had hung and its watchdog ended that",
    Cause.POWER_ON: "its power had failed: check its USB cable and supply",
    Cause.BROWN_OUT: "its supply dipped: check the 5 V supply, and that the coils have a supply of their own",
    Cause.EXTERNAL: (
        "its reset line was pulled: the reset button, another program that opened the port, or coil noise"
    ),
}
"""Why a board has started, the most telling first."""

UNTOLD = (
    "its reset line was pulled or its supply dipped, which it cannot tell apart: the reset button, another "
    "program that opened the port, coil noise; or the 5 V supply, from which no coil may be fed"
)
"""What is left where a bootloader has cleared what the processor knew."""


def cause_of(cause: int) -> str:
    """Return why a board started, in words, with the remedy."""
    return next((words for flag, words in CAUSES.items() if cause & flag), UNTOLD)


@dataclass(frozen=True, slots=True)
class News:
    """Something that the one who plays should know."""


@dataclass(frozen=True, slots=True)
class Reset(News):
    """The board has started anew in play."""

    cause: int  # of Cause

    def __str__(self) -> str:
        return f"the board has reset: {cause_of(self.cause)}"


@dataclass(frozen=True, slots=True)
class Resumed(News):
    """The board is there again and armed."""

    lost: int  # pulses that were in its queue, or due while it was away

    def __str__(self) -> str:
        return (
            f"the board is back, playing on; {counted(self.lost, 'pulse was', 'pulses were')} "
            "not played meanwhile"
        )


@dataclass(frozen=True, slots=True)
class StrikesRefused(News):
    """The board refused strikes for a reason of its own."""

    reason: str  # of messages.REFUSALS
    count: int

    def __str__(self) -> str:
        return f"the board refused {counted(self.count, 'strike')}, {REASONS[self.reason]}"


@dataclass(frozen=True, slots=True)
class StrikesLate(News):
    """Strikes could not start in time and were not played; whoever tells it sums up many."""

    count: int
    by: float  # s, at most
    cause: str


@dataclass(frozen=True, slots=True)
class BoardStopped(News):
    """The board has stopped by itself, for a fault."""

    fault: int  # of BoardFault

    def __str__(self) -> str:
        return FAULTS[BoardFault(self.fault)]


@dataclass(frozen=True, slots=True)
class LinkLost(News):
    """Nothing valid has come for too long."""

    silent: float  # s

    def __str__(self) -> str:
        return (
            f"nothing has been heard from the board for {self.silent:.1f} s: check its USB cable and keep "
            "it away from the coils' wires; trying again"
        )


@dataclass(frozen=True, slots=True)
class WaitsLong(News):
    """A bootloader may have the board, and cannot be told to leave."""

    silent: float  # s that nothing is said

    def __str__(self) -> str:
        return (
            f"saying nothing for {self.silent:g} s, in case the board has reset and its bootloader listens: "
            "over this kind of port that is the only way out, a port of this machine takes 1.5 s"
        )


@dataclass(frozen=True, slots=True)
class Unfit(News):
    """This board, or what is behind the port, cannot play this instrument."""

    message: str

    def __str__(self) -> str:
        return self.message


REASONS = {
    "channel": "channel not configured: close and open the backend again",
    "width": "pulse too long or too short: check the hammers' limits in the configuration",
    "order": "out of order: this is a defect of the program, please report it",
    "early": "too far ahead: this is a defect of the program, please report it",
    "rest": "coil not off for long enough: raise the hammer's recovery",
    "heat": "coil too hot: play softer or slower, or raise the hammer's capacity if its coil stands it",
    "overload": "too many coils on at once: raise supply_limit if the supply stands it",
}
"""Why a board refused, and the remedy."""

LINK_BUSY = "the machine is too busy, or the link is disturbed"

FAULTS = {
    BoardFault.STOPPED: "the board was stopped in an emergency: call clear() to play on",
    BoardFault.STUCK: (
        "an output was on for too long and the board has switched all off: check the drivers, "
        "then open the backend again"
    ),
    BoardFault.SILENT: (
        "the board heard nothing for 1 s and switched off: the machine was too busy or asleep, "
        "or the cable has bad contact; arming again"
    ),
    BoardFault.CONFIG: "the board has lost its configuration: open the backend again",
}
"""Why a board has stopped, and the remedy."""
