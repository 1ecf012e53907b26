"""A session without ears: a fixed plan is played while something else records it."""

from __future__ import annotations

from collections.abc import Callable

from ..backends.backend import Backend
from ..calibration.values import Calibration
from ..tables import Trials, joined
from .auto_session import LEAD, SETTLE, STEP, Progress, reference_of
from .evidence import fundamentals_of
from .rounds import blind_rounds, trials_of
from .trials import pulses_of

ROUNDS = 5
"""Rounds of a plan of which nobody hears how it goes: some of their pulses will be too short."""

QUIET = 3.0
"""s before the first strike, so that the recorder can be started, and after the last."""


def play_blind(backend: Backend, default: Calibration, told: Callable[[Progress], object]) -> Trials:
    """Play the plan to its end and return its trials (dtype TRIAL).

    BackendError for a fatal fault, TuningError for bars that could not be told apart.
    """
    fundamentals_of(backend.instrument)
    begin, parts = backend.now() + QUIET + LEAD, []
    reference = reference_of(backend.instrument, default)
    for number, turns in enumerate(blind_rounds(backend.instrument, default, ROUNDS)):
        trials = trials_of(turns, begin, reference, number)
        begin = float(trials["start"][-1]) + SETTLE
        parts.append(trials)
    whole = joined(parts)
    first, end = backend.now(), begin + QUIET
    backend.schedule(pulses_of(whole, backend.instrument))
    while (now := backend.now()) < end:
        backend.clock.wait_until(min(end, now + STEP))
        for fault in backend.poll():
            fault.require_more()
        told(Progress(now - first, end - first, "playing the plan"))
    return whole
