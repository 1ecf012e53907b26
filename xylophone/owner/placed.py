"""Where the music is, as the owner tells it and as a client reads it: one home for the keys of both. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..player import PlayerState, Snapshot
from ..strikes import percent_of, volume_of
from .queue import Entry

AS_THEY_ARE = ("position", "measure", "beat", "tempo_bpm", "transpose")
"""Keys of the state that a snapshot has by the same name."""

NOWHERE = Snapshot(PlayerState.IDLE, 0, 0, "", 0.0, 0.0, None, None, 0.0, 1.0, 0.0, 0)


def manner_of(shot: Snapshot) -> dict[str, Any]:
    """Return what is told of how it plays, whether anything does or not."""
    return {"speed": shot.speed, "volume": round(percent_of(shot.volume))}


def place_of(shot: Snapshot, entry: Entry) -> dict[str, Any]:
    """Return what is told of a song of the queue that plays: which it is, and where."""
    song = {"entry": entry.number, "title": entry.title, "path": entry.song["path"]}
    return {
        "song": {**song, "duration": shot.duration},
        **{key: getattr(shot, key) for key in AS_THEY_ARE},
        "loop": None if shot.loop is None else list(shot.loop),
    }


def playing_of(state: Mapping[str, Any]) -> PlayerState:
    """Return what an owner does by its state; idle where its backend is being opened."""
    word = state.get("state", "idle")
    return PlayerState(word) if word in list(PlayerState) else PlayerState.IDLE


def snapshot_of(state: Mapping[str, Any], now: float) -> Snapshot:
    """Return where the music of a state is at a moment of the owner's time; `piece` is its entry's number."""
    song, playing = state.get("song"), playing_of(state)
    if song is None:
        return NOWHERE
    passed = (now - state["at"]) * state["speed"] if playing is PlayerState.PLAYING else 0.0
    loop = state.get("loop")
    return Snapshot(
        **{key: state[key] for key in AS_THEY_ARE if key != "position"},
        state=playing,
        piece=song["entry"],
        pieces=1,
        title=song["title"],
        position=min(song["duration"], state["position"] + max(0.0, passed)),
        duration=song["duration"],
        speed=state["speed"],
        volume=volume_of(state["volume"]),
        loop=None if loop is None else (loop[0], loop[1]),
    )
