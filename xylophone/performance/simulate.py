"""Simulated performances: an arrangement played on the digital twin, in a blink, and measured."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..arranger import Arrangement
from ..calibration.file import read_calibration, write_calibration
from ..calibration.values import CURVES, Calibration
from ..errors import CalibrationError, FileError
from ..sequencer import Plan, PlanOptions, sequence
from ..simulation import bench
from ..simulation.bench import measure
from ..simulation.hammers import Twin
from ..strikes import strikes_of
from .performance import Performance


def simulate(
    arrangement: Arrangement,
    calibration: Calibration | None = None,
    *,
    twin: Twin | None = None,
    options: PlanOptions | None = None,
    speed: float = 1.0,
    volume: float = 1.0,
) -> Performance:
    """Play an arrangement on simulated hammers and return what was heard beside what was planned.

    `twin` is the simulated instrument, by default the one of seed 0 with ordinary tolerances and
    scatter; it is reset first. Without a calibration its hammers are measured on the bench, so that the plan
    knows them as well as can be. Times of the performance are song time divided by `speed`.

    >>> instrument = build_instrument()
    >>> fitted = arrange(load_song(find_song("sakura")), instrument)
    >>> round(1000 * simulate(fitted, calibration_for(instrument, None)).summary()["timing_error"]["p95"])
    3
    """
    twin = twin or Twin(arrangement.instrument)
    strikes = strikes_of(arrangement.notes, speed=speed, volume=volume)
    plan = sequence(strikes, arrangement.instrument, calibration or measure(twin), options)
    return perform(plan, twin, arrangement.song.title)


def perform(plan: Plan, twin: Twin, title: str = "") -> Performance:
    """Play a plan on simulated hammers that are cold and rested."""
    twin.reset()
    outcome = twin.play(plan.pulses)
    return Performance.of(
        plan,
        outcome.hits,
        peak_current=outcome.peak_current,
        hottest_coil_c=float(outcome.temperatures.max()),
        title=title,
        seed=twin.chance.seed,
    )


def measured(twin: Twin, folder: Path | None = None) -> Calibration:
    """Return what the bench measures of a twin's hammers, before anything was out of order.

    With a folder the result is kept there, to the digits of a calibration file, and measured once for
    each set of hammers; where it cannot be written, it is measured each time.
    """
    twin = twin.whole
    if folder is None:
        return measure(twin)
    path = folder / f"bench-{_mark(twin)}.toml"
    try:
        return read_calibration(path)
    except (FileError, CalibrationError):  # not there yet, or spoiled
        found = measure(twin)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_calibration(path, found)
    except OSError:
        return found
    return read_calibration(path)


def _mark(twin: Twin) -> str:
    """Return a name for a set of hammers and the model that moves them."""
    mark = hashlib.sha256(f"{twin.instrument} {twin.setting}".encode())
    mark.update(twin.hammers.tobytes())
    for source in sorted(Path(bench.__file__).parent.glob("*.py")):
        mark.update(source.read_bytes())
    return mark.hexdigest()[:24]


def constant_latency(calibration: Calibration) -> Calibration:
    """Return what players without a model of their hammers know: loudness of a pulse, one latency for all.

    The latency is the mean over the common scale; sag, warmth and rest are unknown.
    """
    nothing = np.zeros_like(calibration.level)
    unknown = {key: nothing for key in CURVES if "_" in key}
    latency = np.full_like(nothing, calibration.latency.mean())
    return replace(calibration, **{**unknown, "latency": latency})  # type: ignore[arg-type]
