"""The sequencer: strikes become coil pulses under the laws of the hammers.

Level gives pulse width, pulse width gives latency, and a pulse starts that much before the contact.
What is known beforehand is made up for: supply sag, coil warmth, rest. Recovery, supply current and
coil heat are limits; what cannot be played within them is re-timed as little as can be, or refused,
and either is reported.
"""

from __future__ import annotations

from .plan import Plan, PlanOptions, RefusedStrike
from .planner import Planner, sequence

__all__ = ["Plan", "PlanOptions", "Planner", "RefusedStrike", "sequence"]
