"""Outputs that are the Pi's own pins, one for each coil: at most as many as power up low."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from ..wiring import Wiring
from .outputs import OutputError
from .pi import library_errors, open_line, pin_factory, pin_taken


class DirectPins:
    """gpiozero OutputDevices; see Output for the order of calls. There is no line that disables them."""

    def __init__(self, wiring: Wiring, factory: Any = None) -> None:
        """Take nothing yet: `prepare` does."""
        self._factory = factory or pin_factory()
        self._errors = library_errors()
        self._pins = wiring.pins
        self._devices: list[Any] = []
        self._mask = 0

    def prepare(self) -> None:
        """Take all pins and drive them low; OutputError where one is pulled high, or somebody else's."""
        if self._devices:
            self.begin()
            return
        with ExitStack() as taken:
            taken.callback(self.close)
            for pin in self._pins:
                self._devices.append(self._take(pin))
            taken.pop_all()

    def check(self) -> str:
        """Tell what there is: pins cannot be read back behind their gates."""
        return f"{len(self._pins)} pins, GPIO{', '.join(map(str, self._pins))}"

    def begin(self) -> None:
        """Drive all low."""
        self._mask = (1 << len(self._pins)) - 1
        self.write(0)

    def write(self, mask: int) -> None:
        """Switch the pins that change, first those that go off; one that fails keeps no other one on."""
        off, on = self._mask & ~mask, mask & ~self._mask
        self._mask |= mask
        failures = [error for place in _places(off) if (error := self._failure(place, False))]
        if not failures:
            failures = [error for place in _places(on) if (error := self._failure(place, True))]
        if failures:
            raise failures[0]
        self._mask = mask

    def refresh(self) -> int:
        """Do nothing: a pin keeps its level."""
        return 0

    def close(self) -> None:
        """Drive all low and let go of them."""
        with ExitStack() as ends:
            for device in self._devices:
                ends.callback(device.close)
            self._devices, devices = [], self._devices
            for device in devices:
                ends.callback(device.off)

    def _take(self, pin: int) -> Any:
        try:
            high = self._factory.pin(pin).state
        except self._errors as error:
            raise pin_taken(pin, error) from error
        if high:
            raise OutputError(
                f"GPIO{pin} is high before anything drives it, so its coil is on after power-up: put "
                "a pull-down of 10 kohm at the gate, or wire another pin"
            )
        return open_line(pin, self._factory, level=False)

    def _failure(self, place: int, level: bool) -> OutputError | None:
        """Drive a pin; return what kept it from that."""
        try:
            self._devices[place].value = level
        except self._errors as error:
            return OutputError(
                f"GPIO{self._pins[place]} cannot be written: {error}; end the program that has taken it"
            )
        return None


def _places(mask: int) -> Iterator[int]:
    """Yield the numbers of the bits that are set."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1
