"""What the channels were set to when each note was struck: loudness and program."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .columns import Bytes, Ticks
from .notes import Controls

VOLUME, EXPRESSION, RESET = 7, 11, 121
"""Controllers of General MIDI; RESET puts expression back to 127 (MMA RP-015) and leaves volume alone."""

PLAIN_VOLUME, PLAIN_EXPRESSION = 100, 127
"""What a channel is set to before it is told otherwise (General MIDI)."""

Rows = npt.NDArray[np.intp]


def settings(
    tick: Ticks, order: Rows, channel: Bytes, controls: Controls
) -> tuple[npt.NDArray[np.float32], Bytes]:
    """Return for each note the factor on its velocity (volume / 100 x expression / 127) and its program.

    `tick` and `channel` are the notes' in the order of time, `order` their rows in the order of the file.
    A control holds from its tick on for all tracks, since a channel is one voice of a synthesizer; at
    equal ticks the order of the file decides.
    """
    factor = np.ones(len(tick), np.float32)
    program = np.zeros(len(tick), np.uint8)
    if not len(controls.tick) or not len(tick):
        return factor, program
    by_time = np.argsort(controls.tick, kind="stable")
    controls = controls.where(by_time)
    place = _places(tick, order, controls)
    controlled = controls.status & 15
    for number in np.flatnonzero(np.bincount(controlled, minlength=16)):
        own = np.flatnonzero(controlled == number)
        notes = np.flatnonzero(channel == number)
        since = np.searchsorted(place[own], notes, "right")
        status, first, second = (column[own] for column in controls[2:])
        program[notes] = _held(np.where(status >= 0xC0, first, 255), 255, 0)[since]
        controller = np.where(status < 0xC0, first, 255)
        volume = _held(np.where(controller == VOLUME, second, 255), 255, PLAIN_VOLUME)
        told = np.where(controller == EXPRESSION, second, 255)
        told[controller == RESET] = PLAIN_EXPRESSION
        expression = _held(told, 255, PLAIN_EXPRESSION)
        loud = (volume / np.float32(PLAIN_VOLUME)) * (expression / np.float32(PLAIN_EXPRESSION))
        factor[notes] = loud[since]
    return factor, program


def _places(tick: Ticks, order: Rows, controls: Controls) -> Rows:
    """Return for each control how many notes are struck before it; controls are in the order of time."""
    left = np.searchsorted(tick, controls.tick, "left")
    right = np.searchsorted(tick, controls.tick, "right")
    if not (left < right).any():
        return left
    total = len(tick) + 1
    same = np.searchsorted(tick, tick, "left") * total + order
    # Only at a tick at which notes begin does the order of the file decide.
    return np.where(left < right, np.searchsorted(same, left * total + controls.after), left)


def _held(values: Bytes, none: int, start: int) -> Bytes:
    """Return what is in force before the first value and after each, where `none` changes nothing."""
    told = np.concatenate((np.array([start], np.uint8), values.astype(np.uint8)))
    last = np.maximum.accumulate(np.where(told != none, np.arange(len(told)), 0))
    return told[last]
