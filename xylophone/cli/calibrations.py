"""Which calibration is in force: a file's, that of simulated hammers' bench, or the kind's default."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..calibration.file import calibration_for
from ..calibration.values import Calibration
from ..clock import VirtualClock
from ..config import Settings, cache_folder
from .screen import busy
from .stage import simulated

if TYPE_CHECKING:
    from ..simulation.hammers import Twin


def calibration_of(found: Settings, twin: Twin | None) -> Calibration:
    """Return the calibration in force; simulated hammers that nobody tuned are measured on the bench."""
    if found.calibration is None and twin is not None:
        from ..performance.simulate import measured  # the physics, which no board needs

        return measured(twin, cache_folder())
    return calibration_for(found.instrument, found.calibration)


def untuned(found: Settings) -> Calibration:
    """Return what hammers that nobody tuned play by: their bench's curves where they are simulated, else
    the default curves of their kind."""
    twin = simulated(found, VirtualClock()).twin if found.backend.startswith("sim:") else None
    with busy("measuring the simulated hammers", quiet=twin is None):
        return calibration_of(replace(found, calibration=None), twin)


def in_force(found: Settings) -> Calibration:
    """Return the calibration by which the backend in force plays."""
    return untuned(found) if found.calibration is None else calibration_of(found, None)
