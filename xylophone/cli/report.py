"""`xylophone doctor --report`: what the first owner of real hardware can send back.

Figures and versions only, each chosen here: no text that a user, a machine or a file has given is in it, so
no name, path, address or serial number can be.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .. import __version__
from ..backends.backend import Backend
from ..backends.serial import SerialBackend
from ..config import Settings
from ..instrument import LAYOUTS
from ..link.messages import TICK_RATE, BoardType, HelloReply
from ..wiring import KINDS
from .findings import Finding

LIBRARIES = ("numpy", "pyserial", "gpiozero", "lgpio", "smbus2", "sounddevice")


def machine() -> dict[str, Any]:
    """Return what this program runs on: versions, and a Raspberry Pi's revision code where it is one."""
    return {
        "xylophone": __version__,
        "python": platform.python_version(),
        "bits": sys.maxsize.bit_length() + 1,
        "system": platform.system(),
        "kernel": [int(part) for part in platform.release().split("-")[0].split(".") if part.isdigit()],
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "pi_revision": _pi_revision(),
        "libraries": {name: version for name in LIBRARIES if (version := _version(name)) is not None},
    }


def instrument(found: Settings) -> dict[str, Any]:
    """Return the figures of the instrument in force."""
    own = found.instrument
    return {
        "layout": own.name if own.name in LAYOUTS else "own",
        "hammers": len(own),
        "channels": [hammer.channel for hammer in own.hammers],
        "volts": own.kind.voltage,
        "amperes": own.kind.current,
        "supply_limit": own.supply_limit,
        "largest_chord": own.largest_chord,
        "tuned": found.calibration is not None,
    }


def backend(opened: Backend) -> dict[str, Any]:
    """Return what a backend has counted so far, and what its board is."""
    return {
        **asdict(opened.report()),
        "coils": opened.coils.name,
        "board": _board(opened.identity) if isinstance(opened, SerialBackend) else None,
    }


def report_text(found: Settings, findings: Iterable[Finding], opened: dict[str, Any] | None) -> str:
    """Return the report as JSON: machine, instrument, backend (None where none opened) and findings."""
    scheme, _, rest = found.backend.partition(":")
    kind = rest.partition("?")[0]
    content = {
        "machine": machine(),
        "instrument": instrument(found),
        "url": f"gpio:{kind}" if scheme == "gpio" and kind in KINDS else f"{scheme}:",
        "backend": opened,
        "findings": [[finding.level, finding.subject] for finding in findings],
    }
    return json.dumps(content, indent=1) + "\n"


def _board(said: HelloReply) -> dict[str, Any]:
    """Return what a board says of itself, but for the numbers of its start and of this conversation."""
    return {
        "kind": BoardType(said.board).name if said.board in list(BoardType) else said.board,
        "firmware": f"{said.version >> 8}.{said.version & 255}",
        "protocol": said.protocol,
        "channels": said.channels,
        "ticks_a_second": said.tick_rate or TICK_RATE,
        "queue": said.slots,
        "cause_of_start": said.cause,
    }


def _pi_revision() -> str | None:
    """Return the revision code of a Raspberry Pi, which its model has in common; None elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return None
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("Revision")]
    return found[0] if found and found[0].isalnum() else None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
