"""Arranging: which notes of a song are struck, on which bars, how loud, and what was changed.

This is taste, not law: nothing is re-timed here, and no limit of a hammer is known except its
pitch. `arrange` is the door; docs/arranging.md states the rules and their costs.
"""

from __future__ import annotations

from .arrangement import ARRANGED, Arrangement
from .arranger import MERGE_WITHIN, arrange
from .changes import Change, Changes, Kind, Reason

__all__ = ["ARRANGED", "MERGE_WITHIN", "Arrangement", "Change", "Changes", "Kind", "Reason", "arrange"]
