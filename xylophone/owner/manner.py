"""In which manner an owner plays what begins. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Manner:
    """How what begins is played: speed, volume as the player has it, silence between songs, rolled chords.

    None for the last two: as the player has them.
    """

    speed: float = 1.0
    volume: float = 1.0
    gap: float | None = None
    roll: bool | None = None
