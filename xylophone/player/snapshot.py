"""Where the player is at a moment, for screens."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Engine
from .states import PlayerState
from .timeline import length


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where the player is, and how it plays; from a seek on at the place to which that leads."""

    state: PlayerState
    piece: int  # place in the queue, from 0
    pieces: int
    title: str
    position: float  # song time
    duration: float  # song time
    measure: int | None  # from 1; None, as the beat, in a song that keeps no beat
    beat: float | None
    tempo_bpm: float  # as played, speed included
    speed: float
    volume: float
    transpose: int
    loop: tuple[float, float] | None = None  # song time

    @classmethod
    def of(cls, engine: Engine, state: PlayerState, now: float) -> Snapshot:
        """Return where an engine is at a moment of backend time."""
        timeline, volume = engine.timeline, engine.volume
        if not timeline.laid:
            return cls(state, 0, 0, "", 0.0, 0.0, 1, 1.0, 0.0, timeline.speed, volume, 0)
        stretch, position = engine.heading(now)
        song = stretch.arrangement.song
        measure, beat = song.measure_at(position) if song.has_beat else (None, None)
        return cls(
            state=state,
            piece=stretch.piece,
            pieces=len(timeline.pieces),
            title=song.title,
            position=position,
            duration=length(stretch.arrangement),
            measure=measure,
            beat=beat,
            tempo_bpm=song.tempo_at(position) * timeline.speed,
            speed=timeline.speed,
            volume=volume,
            transpose=timeline.pieces[stretch.piece].transpose,
            loop=timeline.loop,
        )
