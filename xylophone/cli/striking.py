"""Striking hammers at once, without a song: planned as everything is, and watched until it has sounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..calibration.values import Calibration
from ..sequencer import Plan, Planner
from ..tables import STRIKE, Floats, Priority, Strikes, as_strikes, filled
from .stage import Stage

SETTLE = 1.0
"""s after the last strike: by then its bar has sounded and the board has told its count."""

STEP = 0.03
"""s between two looks at what the backend has met."""


def strike_in_turn(
    stage: Stage,
    calibration: Calibration,
    turns: Sequence[Sequence[int]],
    *,
    velocity: float,
    apart: float,
    began: Callable[[int], object] = lambda turn: None,
) -> Plan:
    """Strike the hammers (places in the instrument) of each turn together, turns `apart` seconds apart.

    Returns when the last has sounded; `began` is called with the number of each turn at its time. Faults
    are told as they come. What could not be struck is among the plan's `refused`.
    """
    backend = stage.backend
    planner = Planner(backend.instrument, calibration)
    times = backend.now() + planner.lead + 0.05 + apart * np.arange(len(turns))
    planner.add(
        strikes_at(
            time=np.repeat(times, [len(turn) for turn in turns]),
            hammer=[hammer for turn in turns for hammer in turn],
            velocity=velocity,
        )
    )
    plan = planner.finish()
    backend.schedule(plan.pulses)
    _watch(stage, times.tolist(), began)
    return plan


def strikes_at(time: Floats, hammer: Sequence[int], velocity: float) -> Strikes:
    """Return strikes of these hammers at these times, of no song."""
    of_none = filled(STRIKE, len(hammer), priority=Priority.MELODY, source=-1, velocity=velocity)
    of_none["time"], of_none["hammer"] = time, hammer
    return as_strikes(of_none)


def _watch(stage: Stage, times: Sequence[float], began: Callable[[int], object]) -> None:
    """Look on until the last strike has sounded; BackendError for a fault after which nothing more plays."""
    backend, begun, end = stage.backend, 0, float(times[-1]) + SETTLE
    while (now := backend.now()) < end:
        while begun < len(times) and times[begun] <= now:
            began(begun)
            begun += 1
        due = times[begun] if begun < len(times) else end
        backend.clock.wait_until(min(due, now + STEP))
        stage.attend()
