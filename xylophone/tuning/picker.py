"""Onsets: the sample at which a hit begins, in a window where one is expected.

What rings already, and the room's steady noise, can be foretold from what was just heard: a linear
prediction fitted on the moments before the window says what comes next, and what it did not foresee is
new. A blow is something new at once, at all frequencies. The split of the prediction's error into a
quiet part and a loud one that is most likely by Akaike's criterion is the onset (the autoregressive AIC
picker of seismology: Sleeman & van Eck 1999, Maeda 1985).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..tables import Floats

ORDER = 96
"""Coefficients of the prediction: two a mode that rings, of thirty steel bars at once, and some for noise."""

MEMORY = 0.05
"""s of sound before the window from which the prediction is learnt."""

SHORT = 0.001
"""s over which the error's energy is summed to find where it jumps."""

FIRST = 0.05
"""An onset is where the energy first reaches this part (-13 dB) of its greatest in the window."""

BEFORE, AFTER = 0.004, 0.0012
"""s around that place in which the split is looked for."""

LEAST_RISE = 9.0
"""dB by which the error must rise above what it was, or nothing is heard."""

_MARGIN = 6  # frames that each part has at least
_RIDGE = 1e-7  # of the energy, so that a pure tone can be foretold too


def pick(sound: Floats, sample_rate: int, begin: int, end: int) -> int | None:
    """Return the frame in begin..end of a mono sound at which a hit begins, None where nothing new is heard.

    There must be MEMORY seconds of sound before `begin`; a window too near to the sound's ends has none.
    """
    memory, short = round(MEMORY * sample_rate), round(SHORT * sample_rate)
    end = min(end, len(sound) - short)
    if begin - memory < 0 or end - begin < short:
        return None
    filter_ = prediction_error(sound[begin - memory : begin])
    first = begin - memory // 2
    error = np.convolve(sound[first - ORDER : end + short], filter_)[ORDER : ORDER + end + short - first]
    energy = np.concatenate(([0.0], np.cumsum(error * error)))
    energy = (energy[short:] - energy[:-short]) / short
    quiet = float(np.median(energy[: begin - first])) + 1e-30
    window = energy[begin - first : end - first]
    most = float(window.max())
    if 10.0 * np.log10(most / quiet + 1e-30) < LEAST_RISE:
        return None
    reached = np.flatnonzero(window >= max(FIRST * most, quiet * 4.0))
    near = begin - first + (int(reached[0]) if len(reached) else int(np.argmax(window))) + short - 1
    low = max(0, near - round(BEFORE * sample_rate))
    high = min(len(error), near + round(AFTER * sample_rate))
    return first + low + split(error[low:high])


def prediction_error(sound: Floats) -> Floats:
    """Return the filter (ORDER + 1 coefficients, the first 1) that leaves what a prediction does not foresee.

    By the autocorrelation method, windowed (Makhoul 1975).
    """
    shaped = (sound - sound.mean()) * _window(len(sound))
    lags = np.correlate(np.concatenate((shaped, np.zeros(ORDER))), shaped, "valid")
    if not lags[0] > 0:
        return np.concatenate(([1.0], np.zeros(ORDER)))
    place = np.arange(ORDER)
    matrix = lags[np.abs(place[:, None] - place)]
    matrix[place, place] += _RIDGE * lags[0]
    return np.concatenate(([1.0], -np.linalg.solve(matrix, lags[1:])))


@cache
def _window(count: int) -> Floats:
    return np.hanning(count)


def split(error: Floats) -> int:
    """Return the place at which two parts of different variance meet, most likely by Akaike's criterion."""
    count = len(error)
    if count < 2 * _MARGIN + 1:
        return 0
    total = np.cumsum(error * error)
    place = np.arange(_MARGIN, count - _MARGIN)
    left = total[place - 1] / place
    right = (total[-1] - total[place - 1]) / (count - place)
    criterion = place * np.log(left + 1e-30) + (count - place) * np.log(right + 1e-30)
    return _MARGIN + int(np.argmin(criterion))
