"""Outputs that are the Pi's own pins, one for each coil: at most as many as power up low."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from ..wiring import Wiring
from .outputs import OutputError
from .pi import library_errors, open_line, pin_factory, reaching


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
            for pin in self._pins:
                with reaching(f"GPIO{pin} cannot be had"):
                    high = self._factory.pin(pin).state
                self._devices.append(open_line(pin, self._factory, level=False))
                taken.callback(self._devices[-1].close)
                if high:
                    raise OutputError(
                        f"GPIO{pin} is high before anything drives it, so its coil is on after power-up: put "
                        "a pull-down of 10 kohm at the gate, or wire another pin"
                    )
            taken.pop_all()

    def check(self) -> str:
        """Tell what there is: pins cannot be read back behind their gates."""
        return f"{len(self._pins)} pins, GPIO{', '.join(map(str, self._pins))}"

    def begin(self) -> None:
        """Drive all low."""
        self._mask = (1 << len(self._pins)) - 1
        self.write(0)

    def write(self, mask: int) -> None:
        """Switch the pins that change, first those that go off."""
        for changed, level in ((self._mask & ~mask, False), (mask & ~self._mask, True)):
            while changed:
                place = (changed & -changed).bit_length() - 1
                changed &= changed - 1
                self._drive(place, level)
        self._mask = mask

    def refresh(self) -> int:
        """Do nothing: a pin keeps its level."""
        return 0

    def close(self) -> None:
        """Drive all low and let go of them."""
        for device in self._devices:
            device.off()
            device.close()
        self._devices.clear()

    def _drive(self, place: int, level: bool) -> None:
        try:
            self._devices[place].value = level
        except self._errors:
            with reaching(f"GPIO{self._pins[place]} cannot be written"):
                raise
