"""Where the player is at a moment, for screens."""

from __future__ import annotations

from dataclasses import dataclass

from .states import State


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where the player is, and how it plays."""

    state: State
    piece: int  # place in the queue, from 0
    pieces: int
    title: str
    position: float  # song time
    duration: float  # song time
    measure: int
    beat: float
    tempo_bpm: float  # as played, speed included
    speed: float
    volume: float
    transpose: int
