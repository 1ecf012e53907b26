"""The player: plays arrangements on a backend, and does what it is told on the way."""

from __future__ import annotations

from .player import Player
from .snapshot import Snapshot
from .states import TRANSITIONS, PlayerState

__all__ = ["TRANSITIONS", "Player", "PlayerState", "Snapshot"]
