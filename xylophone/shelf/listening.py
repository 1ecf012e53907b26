"""What is heard of a song: since when, for how long, and whether to its end; with an owner and without.

A song is heard to its end if it sounds to its last moments, and came there by playing: who seeks to the end
has not heard it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..player import PlayerState, Snapshot

AT_ITS_END = 2.0
"""s, a quarter of a short song; who leaves so shortly before the end has heard it to the end, if half as much
sounded just before."""

LEAP = 1.0
"""s of song time; what is further from where the music goes by itself was sought."""


@dataclass
class Listening:
    """Follows one song from a backend time on: `look` at its beginning, and then now and then."""

    since: float
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0  # pauses left out
    _shot: Snapshot | None = None  # of the last look
    _on: float = 0.0  # s of song time that went on without a leap

    def look(self, shot: Snapshot, now: float) -> None:
        """See where the song is."""
        before, passed = self._shot or shot, now - self.since
        sounded = passed if shot.state is PlayerState.PLAYING else 0.0
        expected = min(shot.duration, before.position + sounded * shot.speed)
        step = shot.position - before.position
        self._on = self._on + step if abs(shot.position - expected) <= LEAP and step >= 0 else 0.0
        self.seconds += sounded
        self._shot, self.since = shot, now

    @property
    def finished(self) -> bool:
        """Whether it was heard to its end."""
        if self._shot is None:
            return False
        shot = self._shot
        last = min(AT_ITS_END * shot.speed, shot.duration / 4)
        return shot.duration - shot.position <= last and self._on >= last / 2
