"""A dispatcher in the process of the tests, on a virtual clock, in the place of the two that play."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from xylophone.clock import VirtualClock
from xylophone.gpio.coil_limits import SECOND, Limits
from xylophone.gpio.datagrams import Said
from xylophone.gpio.dispatcher import Dispatcher, Switching
from xylophone.gpio.guards import Guard
from xylophone.gpio.log import Count, Log
from xylophone.gpio.outputs import Output


class InProcess:
    """What `Processes` is to its host, with a dispatcher in this process that nobody watches.

    `trouble` is what keeps the outputs from being known to be off, '' for nothing.
    """

    def __init__(self, output: Output, guard: Guard, limits: Limits, clock: VirtualClock) -> None:
        self._output, self._guard, self._clock = output, guard, clock
        self.log = Log()
        self._dispatcher = Dispatcher(limits, output.write, self.log)
        self._said: list[Said] = []
        self.denied: list[str] = []
        self.trouble = ""
        output.prepare()
        guard.claim()
        self.found = output.check()
        self._allow()

    def send(self, pulses: Iterable[Switching]) -> None:
        """Hand pulses over."""
        self._dispatcher.take(pulses)
        self._await_edge()

    def cancel(self, after: int) -> int:
        """Take back what starts at or after a time; return how many."""
        return self._dispatcher.cancel(after)

    def silence(self) -> None:
        """Have all outputs off."""
        self._try(lambda: self._dispatcher.silence(self._now()))

    def hold(self) -> None:
        """Switch off by the hardware line, for as long as `release` is not called."""
        self._guard.cut()
        self._dispatcher.forget(self._now())
        self._held = True

    def release(self) -> None:
        """Let the outputs be on again."""
        if self._held:
            self._output.prepare()
            self._allow()

    def listen(self) -> list[Said]:
        """Return what was told since the last call."""
        said, self._said = self._said, []
        return said

    def close(self) -> None:
        """Switch off and let go of the outputs."""
        self._guard.cut()
        self._dispatcher.forget(self._now())
        self._try(self._output.close)

    def _allow(self) -> None:
        self._guard.allow()
        self._output.begin()
        self._held = False

    def _now(self) -> int:
        return round(self._clock.now() * SECOND)

    def _await_edge(self) -> None:
        due = self._dispatcher.due()
        if due is not None:
            self._clock.at(max(self._clock.now(), due / SECOND), self._turn)

    def _turn(self) -> None:
        self._try(lambda: self._dispatcher.turn(self._now()))
        self._await_edge()

    def _try(self, reach: Callable[[], object]) -> None:
        """Reach for the outputs; where they fail, switch off by the hardware line and say so."""
        try:
            reach()
        except OSError as error:
            self._guard.cut()
            self._dispatcher.forget(self._now())
            self.log.add(Count.ERRORS)
            self._said.append(Said(f"the outputs failed and were switched off: {error}", True))
