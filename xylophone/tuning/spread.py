"""Spread: by how much values scatter, when some of them may be far out."""

from __future__ import annotations

import numpy as np

from ..tables import Floats


def robust(away: Floats) -> float:
    """Return the standard deviation of values about 0, by their median size, whatever the outliers."""
    return 1.4826 * float(np.median(np.abs(away)))


def pooled(seen: float, count: float, before: float, counts: float) -> float:
    """Return a standard deviation seen of `count` values, and one known `before` that stands for `counts`."""
    return float(np.sqrt((count * seen**2 + counts * before**2) / (count + counts)))
