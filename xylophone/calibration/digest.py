"""By what one calibration is told from another."""

from __future__ import annotations

import hashlib
from dataclasses import fields

import numpy as np

from .values import Calibration


def digest(calibration: Calibration) -> str:
    """Return what two calibrations have in common if they are the same: a hash of all that they hold.

    >>> same = [calibration_for(build_instrument(), None) for _ in range(2)]
    >>> digest(same[0]) == digest(same[1])
    True
    """
    known = hashlib.sha256()
    for field in fields(calibration):
        value = getattr(calibration, field.name)
        known.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return known.hexdigest()
