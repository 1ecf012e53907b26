"""Columns: arrays of one length, and how equal rows of them are brought together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..tables import Ints

MIX = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio (Knuth, The Art of Computer Programming 3, 6.4): spreads hashes evenly."""


def spread(code: Ints) -> Ints:
    """Spread codes over 64 bits, so that a sum of some tells which they were."""
    mixed = code.astype(np.uint64)
    for _ in range(3):
        mixed = (mixed + np.uint64(1)) * MIX
        mixed ^= mixed >> np.uint64(32)
    return mixed


def starts(*columns: npt.NDArray[np.generic]) -> Ints:
    """Return where runs of equal rows begin in columns of one length."""
    length = len(columns[0])
    if not length:
        return np.zeros(0, np.intp)
    new = np.zeros(length, np.bool_)
    new[0] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


def to_each(values: npt.NDArray[Any], first: Ints, length: int) -> npt.NDArray[Any]:
    """Return what each run has, by the places where runs begin, for each of the `length` rows."""
    return np.repeat(values, np.diff(first, append=length))


def by_group(group: Ints) -> Ints:
    """Return the order that brings equal groups together and keeps the order within each."""
    small = group.astype(np.uint16) if not len(group) or int(group.max()) < 1 << 16 else group
    return np.argsort(small, kind="stable")
