"""The beginning of a playing, until its first pulses are handed over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Opening:
    """What begins with nothing before it: when it was asked for, what, from where, and when it may begin.

    `zero` is from when the record counts, if it does already.
    """

    asked: float
    piece: int
    start: float
    earliest: float
    zero: float | None
