"""The current that pulses meet of others which overlap them: for any number at once, for a few one by one."""

from __future__ import annotations

import numpy as np

from ..tables import Floats

FEW = 24
"""Up to so many pulses are met one by one: an array of so few costs more than its numbers."""


def current_met(
    start: Floats, end: Floats, current: Floats, lag: float, slopes: tuple[float, float], since: int = 0
) -> Floats:
    """Return the mean current in A, (2, n - since), that each pulse from number `since` on meets.

    A current counts from `lag` after its start to its end; the mean over the pulse met has the weight
    1 + slope (2 u - 1), u from 0 at its start to 1 at its end.
    """
    order = start.argsort()
    if len(start) > FEW:
        result = np.empty((2, len(start)))
        result[:, order] = _of_many(start[order], end[order], current[order], lag, slopes)
        return result[:, since:]
    places = order.tolist()
    on, off, amperes = (column[order].tolist() for column in (start, end, current))
    wanted = [place >= since for place in places]
    found = _of_few(on, off, amperes, wanted, lag, slopes)
    columns = [found[place] for place in order.argsort().tolist()[since:]]
    return np.array(columns).reshape(-1, 2).T


def _of_many(start: Floats, end: Floats, current: Floats, lag: float, slopes: tuple[float, float]) -> Floats:
    """Return what all pulses meet, which are sorted by start.

    Every pair of overlapping pulses is met once: the n-th neighbours of all are compared at once, for
    n = 1, 2, ... while any overlap.
    """
    met = np.zeros((2, len(start)))
    left = np.arange(max(0, len(start) - 1))
    near = 1
    while len(left := left[start[left + near] < end[left]]):
        sides = [(rows, start[rows], end[rows], current[rows]) for rows in (left, left + near)]
        finish = np.minimum(sides[0][2], sides[1][2])
        for (mine, on, off, _), (_, other_on, _, amperes) in (sides, sides[::-1]):
            begin = np.maximum(on, other_on + lag)
            span = off - on
            share = amperes * np.maximum(0.0, finish - begin) / span
            place = (begin + finish - 2 * on) / span - 1.0  # -1 at its start .. 1 at its end
            for losses, slope in zip(met, slopes, strict=True):
                losses[mine] += share * (1.0 + slope * place)
        near += 1
        left = left[left < len(start) - near]
    return met


def _of_few(
    start: list[float],
    end: list[float],
    current: list[float],
    wanted: list[bool],
    lag: float,
    slopes: tuple[float, float],
) -> list[tuple[float, float]]:
    """Return what each pulse meets, for those that are wanted; the sums in the order of `_of_many`."""
    met = [(0.0, 0.0)] * len(start)
    pairs = [(row, row + 1) for row in range(len(start) - 1) if start[row + 1] < end[row]]
    while pairs:
        for mine, other in (*pairs, *[(right, left) for left, right in pairs]):
            if wanted[mine]:
                on, off, begin, finish = start[mine], end[mine], start[other] + lag, end[other]
                begin, finish = (on if on > begin else begin), (off if off < finish else finish)
                if finish > begin:
                    share = current[other] * (finish - begin) / (off - on)
                    place = (begin + finish - 2 * on) / (off - on) - 1.0
                    first, second = met[mine]
                    first += share * (1.0 + slopes[0] * place)
                    met[mine] = first, second + share * (1.0 + slopes[1] * place)
        nearer = [(left, right + 1) for left, right in pairs if right + 1 < len(start)]
        pairs = [(left, right) for left, right in nearer if start[right] < end[left]]
    return met
