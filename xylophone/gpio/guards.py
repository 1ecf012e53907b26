"""Guards: the hardware line by which the watchdog switches all outputs off, whatever the dispatcher does."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic, sleep
from typing import Any, TypeVar

from ..wiring import Wiring
from .null import Trace
from .outputs import OutputError
from .pi import open_line, pin_factory

PATIENCE = 1.0
"""s that a process which was killed is given to let go of its pins."""

Taken = TypeVar("Taken")


class Guard:
    """What switches off. `severs` tells that it does so without ending the dispatcher, which can go on."""

    severs = True

    def claim(self) -> None:
        """Take the line and switch off with it; OutputError where that cannot be."""

    def allow(self) -> None:
        """Let the outputs be on."""

    def cut(self) -> None:
        """Switch all outputs off."""
        raise NotImplementedError

    def rest(self, resting: bool) -> None:
        """Open the relay, if there is one, while nothing is to play; else close it again."""


class LineGuard(Guard):
    """A pin: /OE of the 74HC595, which is off while high, or one that is off while low.

    That is /RESET of the MCP23017, and the master enable.
    """

    def __init__(self, pin: int, off: bool, factory: Any = None) -> None:
        self._pin, self._off = pin, off
        self._factory = factory or pin_factory()
        self._line: Any = None

    def claim(self) -> None:
        """Take the pin. lgpio makes it low for an instant first: the outputs must be zero before."""
        if self._line is None:
            self._line = open_line(self._pin, self._factory, self._off)

    def allow(self) -> None:
        """Let the outputs be on."""
        self._line.value = not self._off

    def cut(self) -> None:
        """Switch all outputs off."""
        if self._line is not None:
            self._line.value = self._off


class MasterEnable(Guard):
    """A guard, and the relay in the supply of all coils, which is on only while the guard allows."""

    def __init__(self, guard: Guard, pin: int, factory: Any = None) -> None:
        self._guard, self._relay = guard, LineGuard(pin, False, factory)
        self.severs = guard.severs

    def claim(self) -> None:
        """Take both lines, off, each also where the other cannot be had."""
        try:
            self._relay.claim()
        finally:
            self._guard.claim()

    def allow(self) -> None:
        """Close the relay, then let the outputs be on: no contact closes on a coil that is on."""
        self._relay.allow()
        self._guard.allow()

    def cut(self) -> None:
        """Open the relay and switch all outputs off, each also where the other fails."""
        try:
            self._relay.cut()
        finally:
            self._guard.cut()

    def rest(self, resting: bool) -> None:
        """Open the relay, or close it again."""
        (self._relay.cut if resting else self._relay.allow)()


class PinsGuard(Guard):
    """The coils' own pins, the dispatcher's until it has been ended."""

    severs = False

    def __init__(self, pins: tuple[int, ...], end: Callable[[], None], factory: Any = None) -> None:
        self._pins, self._end = pins, end
        self._factory = factory or pin_factory()
        self._taken: list[Any] = []  # gpiozero lets go of what nobody holds

    def cut(self) -> None:
        """End the dispatcher, take its pins and drive them low; OutputError where one stays out of reach."""
        self._end()
        for pin in self._pins[len(self._taken) :]:
            self._taken.append(patiently(partial(open_line, pin, self._factory, level=False)))


class NullGuard(Guard):
    """No line: with a trace, it is noted when the outputs would have been off (0) or allowed (1)."""

    def __init__(self, trace: str = "") -> None:
        self._trace = Trace(f"{trace}.guard") if trace else None

    def claim(self) -> None:
        """Switch off what there is not."""
        self.cut()

    def allow(self) -> None:
        """Note it."""
        if self._trace is not None:
            self._trace.add(1)

    def cut(self) -> None:
        """Note it."""
        if self._trace is not None:
            self._trace.add(0)


def take(guard: Guard, claim: Callable[[], None]) -> None:
    """Switch off in the place of a watchdog: also with what is had where `claim` does not get all."""
    try:
        claim()
    finally:
        guard.cut()


def open_guard(kind: str, wiring: Wiring, end: Callable[[], None], trace: str = "") -> Guard:
    """Return the guard of a kind of wiring; `end` kills the dispatcher, where there is no line."""
    guard = _guard(kind, wiring, end, trace)
    pin = None if kind == "null" else wiring.master_enable_pin
    return guard if pin is None else MasterEnable(guard, pin)


def _guard(kind: str, wiring: Wiring, end: Callable[[], None], trace: str) -> Guard:
    if kind == "595":
        return LineGuard(wiring.output_enable_pin, off=True)
    if kind == "mcp23017":
        return LineGuard(wiring.reset_pin, off=False)
    if kind == "pins":
        return PinsGuard(wiring.pins, end)
    return NullGuard(trace)


def ender(handle: int) -> Callable[[], None]:
    """Return what kills the process of a pidfd: never another that has got its number since."""

    def end() -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)

    return end


def patiently(take: Callable[[], Taken]) -> Taken:
    """Return what `take` does, tried again while a process that was killed still has the pin."""
    limit = monotonic() + PATIENCE
    while True:
        try:
            return take()
        except OutputError:
            if monotonic() > limit:
                raise
            sleep(0.001)  # the kernel takes the pins from it, soon
