"""The player's states, and which command leads from which to which."""

from __future__ import annotations

from enum import StrEnum

from ..errors import PlayerError


class PlayerState(StrEnum):
    """What the player is doing."""

    IDLE = "idle"
    PLAYING = "playing"
    PAUSED = "paused"
    FAILED = "failed"


TRANSITIONS: dict[PlayerState, dict[str, PlayerState]] = {
    PlayerState.IDLE: {
        "play": PlayerState.PLAYING,
        "add": PlayerState.IDLE,
        "stop": PlayerState.IDLE,
        "speed": PlayerState.IDLE,
        "volume": PlayerState.IDLE,
        "loop": PlayerState.IDLE,
    },
    PlayerState.PLAYING: {
        "play": PlayerState.PLAYING,
        "add": PlayerState.PLAYING,
        "pause": PlayerState.PAUSED,
        "toggle": PlayerState.PAUSED,
        "stop": PlayerState.IDLE,
        "seek": PlayerState.PLAYING,
        "next": PlayerState.PLAYING,
        "previous": PlayerState.PLAYING,
        "speed": PlayerState.PLAYING,
        "transpose": PlayerState.PLAYING,
        "volume": PlayerState.PLAYING,
        "loop": PlayerState.PLAYING,
        "end": PlayerState.IDLE,
        "fail": PlayerState.FAILED,
    },
    PlayerState.PAUSED: {
        "play": PlayerState.PLAYING,
        "add": PlayerState.PAUSED,
        "resume": PlayerState.PLAYING,
        "toggle": PlayerState.PLAYING,
        "stop": PlayerState.IDLE,
        "seek": PlayerState.PAUSED,
        "next": PlayerState.PAUSED,
        "previous": PlayerState.PAUSED,
        "speed": PlayerState.PAUSED,
        "transpose": PlayerState.PAUSED,
        "volume": PlayerState.PAUSED,
        "loop": PlayerState.PAUSED,
        "end": PlayerState.IDLE,
        "fail": PlayerState.FAILED,
    },
    PlayerState.FAILED: {"stop": PlayerState.FAILED},
}
"""State: command: the state it leads to. `end` and `fail` are the player's own; docs/player.md."""


def follow(state: PlayerState, command: str) -> PlayerState:
    """Return the state that a command leads to; PlayerError where the state does not allow it."""
    allowed = TRANSITIONS[state]
    if command in allowed:
        return allowed[command]
    if state is PlayerState.FAILED:
        raise PlayerError(f"cannot {command} while {state}: open the backend again and make a new player")
    commands = ", ".join(name for name in allowed if name not in ("end", "fail"))
    raise PlayerError(f"cannot {command} while {state}: possible is {commands}")
