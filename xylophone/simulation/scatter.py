"""Chance: how single strikes of one hammer differ, reproducible whatever the order of asking."""

from __future__ import annotations

import numpy as np

from ..tables import Floats, Ints


def scatter(seed: int, channels: Ints, numbers: Ints) -> tuple[Floats, Floats]:
    """Return two standard normal deviates for the n-th pulse of each channel.

    They depend on seed, channel and number alone (a counter-based generator, Philox; Salmon et al.
    2011), turned to normal by Box and Muller's formula. `numbers` are consecutive on each channel.
    """
    first, second = np.empty(len(channels)), np.empty(len(channels))
    for channel in np.unique(channels):
        rows = np.flatnonzero(channels == channel)
        begin, end = int(numbers[rows].min()), int(numbers[rows].max()) + 1
        stream = np.random.Philox(key=[seed, int(channel)], counter=begin)
        words = stream.random_raw(4 * (end - begin)).reshape(-1, 4)[numbers[rows] - begin, :2]
        uniform = ((words >> np.uint64(11)) + 0.5) * 2.0**-53
        radius = np.sqrt(-2.0 * np.log(uniform[:, 0]))
        angle = 2.0 * np.pi * uniform[:, 1]
        first[rows], second[rows] = radius * np.cos(angle), radius * np.sin(angle)
    return first, second
