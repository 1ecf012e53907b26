"""What an owner plays, as its lines tell it: where the music is, and which bars light up. Pure."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ..owner.placed import playing_of, snapshot_of
from ..player import PlayerState, Snapshot
from .screen import GLOW, shade


class Mirror:
    """Follows an owner of so many hammers. Times are the owner's; from any thread."""

    def __init__(self, hammers: int) -> None:
        self._hammers = hammers
        self._strikes: list[tuple[float, int, float]] = []  # contact, hammer, coil on
        self._lock = threading.Lock()
        self.state: Mapping[str, Any] = {}

    def see(self, state: Mapping[str, Any]) -> bool:
        """Take a state in; tell whether it is no older than what is known."""
        newer = bool(state.get("at", 1e18) >= self.state.get("at", 0.0))
        if newer:
            self.state = state
        return newer

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take in what will be struck, or what was taken back of it."""
        with self._lock:
            if event["event"] == "ahead":
                self._strikes += [(contact, hammer, on) for contact, hammer, _, on in event["strikes"]]
            else:
                self._strikes = [row for row in self._strikes if row[2] < event["from"]]

    def shades(self, now: float) -> list[str]:
        """Return a style for each bar at a moment: '' where it is dark."""
        shades, struck = [""] * self._hammers, [-1e9] * self._hammers
        with self._lock:
            self._strikes = [row for row in self._strikes if row[0] > now - GLOW]
            for contact, hammer, _ in self._strikes:
                if contact <= now:
                    struck[hammer] = max(struck[hammer], contact)
        for hammer, contact in enumerate(struck):
            shades[hammer] = shade(now - contact)
        return shades

    @property
    def playing(self) -> PlayerState:
        """What the owner does."""
        return playing_of(self.state)

    def snapshot(self, now: float) -> Snapshot:
        """Return where the music is at a moment; `piece` is the number of its entry."""
        return snapshot_of(self.state, now)
