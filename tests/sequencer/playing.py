"""Instruments, calibrations and strikes for tests of the sequencer: figures easy to reckon with."""

from __future__ import annotations

import numpy as np

from xylophone.calibration.values import Calibration, SupplyTerms, WarmthTerms
from xylophone.instrument import Instrument, build_instrument
from xylophone.tables import STRIKE, Priority, Rows

INSTRUMENT = build_instrument("song-bell", "zye1-0530")


def straight(instrument: Instrument = INSTRUMENT, **changes: object) -> Calibration:
    """Return curves that are straight lines: -20..0 dB is 8..16 ms of pulse and 24..16 ms of latency."""
    hammers = len(instrument)
    level = np.tile([-20.0, -10.0, 0.0], (hammers, 1))
    zero = np.zeros_like(level)
    values: dict[str, object] = {
        "kind": instrument.kind.name,
        "hammers": tuple(hammer.name for hammer in instrument.hammers),
        "level": level,
        "width": np.tile([0.008, 0.012, 0.016], (hammers, 1)),
        "latency": np.tile([0.024, 0.020, 0.016], (hammers, 1)),
        "width_loss": zero,
        "width_loss2": zero,
        "latency_loss": zero,
        "latency_loss2": zero,
        "width_rest": zero,
        "latency_rest": zero,
        "supply": SupplyTerms(),
        "warmth": WarmthTerms(),
    }
    return Calibration(**{**values, **changes})  # type: ignore[arg-type]


def sensitive(instrument: Instrument = INSTRUMENT) -> Calibration:
    """Return straight curves that sag, warm and rest."""
    shape = (len(instrument), 3)
    return straight(
        instrument,
        width_loss=np.full(shape, 0.015),
        latency_loss=np.full(shape, 0.020),
        width_rest=np.full(shape, 0.0003),
        latency_rest=np.full(shape, 0.003),
        rest_coupling=2.0,
        supply=SupplyTerms(per_ampere=0.008, lag=0.002, width_slope=-0.2, latency_slope=-0.5),
        warmth=WarmthTerms(per_second=0.9, time_constant=600.0, loss_per_kelvin=0.003),
    )


def strikes(*rows: tuple[float, int] | tuple[float, int, float] | tuple[float, int, float, int]) -> Rows:
    """Return a table of strikes from (time, hammer, velocity 64, priority inner)."""
    table = np.zeros(len(rows), STRIKE)
    for n, row in enumerate(rows):
        time, hammer, velocity, priority = (*row, *(64.0, Priority.INNER)[len(row) - 2 :])
        table[n] = (time, velocity, n, hammer, priority)
    return table
