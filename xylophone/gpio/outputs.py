"""Outputs: what a mask is written to. One interface for shift registers, expanders and pins."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from ..wiring import Wiring


class OutputError(OSError):
    """Outputs that cannot be reached, or that do not do what they are told; one line with the remedy."""


class Output(Protocol):
    """All coils' outputs. Methods raise OSError where a bus fails; the outputs are unknown then.

    First `prepare`, while the hardware line may still be in any state, then `check`, with the line holding
    all outputs off, then `begin`, with the outputs enabled. `write` may follow.
    """

    def prepare(self) -> None:
        """Bring all outputs to off, as far as that can be done now."""

    def check(self) -> str:
        """Check the wiring; return in words what was found."""

    def begin(self) -> None:
        """Be ready for `write`, all outputs off."""

    def write(self, mask: int) -> None:
        """Set the outputs: bit n switches channel n, at one instant."""

    def refresh(self) -> int:
        """Write and verify what was written last; return how many faults of the hardware that has mended."""

    def close(self) -> None:
        """Switch all off and let go of the hardware."""


_MAKERS = {
    "595": ("shift_register", "ShiftRegister"),
    "mcp23017": ("expander", "Expander"),
    "pins": ("direct_pins", "DirectPins"),
    "null": ("null", "Null"),
}


def open_output(kind: str, wiring: Wiring, trace: str = "", factory: Any = None) -> Output:
    """Return the outputs of a kind of wiring; OSError or BackendError where they are not there.

    `factory` is gpiozero's pin factory, by default the machine's own; `trace` is where `null` writes.
    """
    module, name = _MAKERS[kind]
    make = getattr(import_module(f".{module}", __package__), name)
    output: Output = make(trace) if kind == "null" else make(wiring, factory)
    return output
