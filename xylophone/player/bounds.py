"""Within what a player can be told something, and the words for what lies outside."""

from __future__ import annotations

import math

from ..arranger import Arrangement
from ..config.values import SPEEDS, VOLUMES
from ..errors import OptionError
from .timeline import length

TRANSPOSITION = 48
SHORTEST_LOOP = 0.1
"""s of song time."""

MARGINS = (0.002, 0.5)
"""s that planning and handing over a direct strike may take."""

IN_PLAY = (0.0, VOLUMES[1])
"""Bounds of the volume in play: at 0 nothing is struck, and the music goes on."""

GAPS = (0.0, 86_400.0)
"""s of silence between two pieces."""


def check_transposition(semitones: int) -> None:
    """Raise OptionError for more than four octaves."""
    if abs(semitones) > TRANSPOSITION:
        raise OptionError(
            f"transposition {semitones} is out of range: give -{TRANSPOSITION}..{TRANSPOSITION} semitones"
        )


def loop_of(begin: float | None, end: float | None, last: float) -> tuple[float, float]:
    """Return a part of a piece that ends at `last`, None for its ends; OptionError where that is no part."""
    loop = (0.0 if begin is None else begin, last if end is None else end)
    if not 0 <= loop[0] < loop[1] <= last or loop[1] - loop[0] < SHORTEST_LOOP:
        raise OptionError(
            f"loop {loop[0]:g}..{loop[1]:g} s does not fit: "
            f"give two positions within 0..{last:.2f} s, {SHORTEST_LOOP:g} s apart"
        )
    return loop


def loop_points(piece: Arrangement, start: float) -> tuple[float, float] | None:
    """Return from where to where a piece begun at `start` repeats as its file means it; None for all."""
    if piece.song.loop is None:
        return None
    begin, end = piece.song.loop[0], min(piece.song.loop[1], piece.song.duration)
    return (begin, end) if end - begin >= SHORTEST_LOOP and start < end else None


def check_position(position: float, piece: Arrangement) -> None:
    """Raise OptionError for a song time that is not in a piece."""
    if not 0 <= position <= length(piece):
        raise OptionError(f"position {position:g} s is outside the song: give 0..{length(piece):.2f} s")


def check_manner(speed: float | None, volume: float | None, gap: float | None) -> None:
    """Raise OptionError for what is given and out of bounds."""
    for name, value, bounds in (("speed", speed, SPEEDS), ("volume", volume, IN_PLAY), ("gap", gap, GAPS)):
        if value is not None:
            within(name, value, bounds)


def check_moment(moment: float | None, now: float) -> None:
    """Raise OptionError for a backend time, where one is given, that is past."""
    if moment is not None and not (math.isfinite(moment) and moment >= now):
        raise OptionError(f"time {moment:g} s is past, or none: give a backend time from {now:.3f} s on")


def factor_of(name: str, factor: float) -> float:
    """Return a factor by which something shall change; OptionError unless it is above 0."""
    if not (math.isfinite(factor) and factor > 0):
        raise OptionError(f"cannot change the {name} {factor} times: give a factor above 0")
    return factor


def clamped(value: float, bounds: tuple[float, float]) -> float:
    """Return the nearest value within bounds."""
    return min(bounds[1], max(bounds[0], value))


def scaled_volume(volume: float, factor: float) -> float:
    """Return a volume times a factor, within its bounds; silence ends, at the softest, by one above 1."""
    return 0.0 if volume == 0 and factor <= 1 else clamped(volume * factor, VOLUMES)


def within(name: str, value: float, bounds: tuple[float, float]) -> float:
    """Return a value; OptionError where it is not within bounds."""
    if not (math.isfinite(value) and bounds[0] <= value <= bounds[1]):
        raise OptionError(f"{name} {value:g} is out of range: give {bounds[0]:g}..{bounds[1]:g}")
    return value
