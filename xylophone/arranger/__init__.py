"""Arranging: which notes of a song are struck, on which bars, how loud, and what was changed.

This is taste, not law: nothing is re-timed here, and no limit of a hammer is known except its
pitch. `arrange` is the door; docs/arranging.md states the rules and their costs.
"""

from __future__ import annotations

from .arrangement import NO_ROLE, Arrangement
from .arranger import arrange
from .changes import ChangeKind, Reason
from .quality import Cost, judge
from .thin import MERGE_WITHIN
from .weights import DEFAULT_PRESET, PRESETS, Weights, preset

__all__ = [
    "DEFAULT_PRESET",
    "MERGE_WITHIN",
    "NO_ROLE",
    "PRESETS",
    "Arrangement",
    "ChangeKind",
    "Cost",
    "Reason",
    "Weights",
    "arrange",
    "judge",
    "preset",
]
