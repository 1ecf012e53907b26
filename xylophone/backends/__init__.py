"""Backends: what delivers pulses to hammers, chosen by a URL.

`sim:` is the digital twin on a virtual clock, `sim:?realtime=1` the same in real time.
`serial:///dev/ttyACM0` is a board with its firmware, `serial:auto` the one that is known. `gpio:595`,
`gpio:mcp23017` and `gpio:pins` are outputs of a Raspberry Pi, `gpio:null` has none.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib import import_module

from ..clock import Clock
from ..config.values import SimulationSettings
from ..errors import BackendMissing
from ..instrument import Instrument
from ..wiring import Wiring
from .backend import Backend
from .contract import Fault, Report

__all__ = ["Backend", "Fault", "Report", "open_backend"]

Opener = Callable[..., Backend]

SCHEMES = {
    "sim": (".simulated", "open_simulated"),
    "serial": (".serial", "open_serial"),
    "gpio": (".gpio", "open_gpio"),
}
"""Module and function that open the URLs of a scheme; imported when they are asked for."""


def open_backend(
    url: str,
    instrument: Instrument,
    clock: Clock | None = None,
    wiring: Wiring | None = None,
    simulation: SimulationSettings | None = None,
) -> Backend:
    """Return the backend that a URL such as 'sim:?realtime=1&seed=3' names, ready for pulses.

    A `clock` takes the place of the backend's own where it has no hardware that keeps time; `wiring` says
    how a Raspberry Pi's outputs are wired, by default as docs/wiring.md shows; `simulation` says what a
    `sim:` URL leaves open. Raises BackendMissing for a scheme that does not exist, OptionError for an option
    that the backend does not have or whose value is out of bounds.

    >>> with open_backend("sim:", build_instrument()) as backend:
    ...     print(backend.name, backend.lookahead)
    sim 0.5
    """
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in SCHEMES:
        raise BackendMissing(f"unknown backend {url!r}: {_hint(scheme)}")
    module, name = SCHEMES[scheme]
    opener: Opener = getattr(import_module(module, __name__), name)
    own = {"gpio": (wiring,), "sim": (simulation,)}
    return opener(rest, instrument, clock, *own.get(scheme, ()))


def _hint(scheme: str) -> str:
    near = difflib.get_close_matches(scheme.lower(), SCHEMES, 1, 0.4)
    known = ", ".join(f"{name}:" for name in SCHEMES)
    return f"did you mean {near[0]}:? There is {known}" if near else f"there is {known}"
