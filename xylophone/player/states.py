"""The player's states, and which command leads from which to which."""

from __future__ import annotations

from enum import StrEnum

from ..errors import PlayerError


class State(StrEnum):
    """What the player is doing."""

    IDLE = "idle"
    PLAYING = "playing"
    PAUSED = "paused"
    FAILED = "failed"


TRANSITIONS: dict[State, dict[str, State]] = {
    State.IDLE: {
        "play": State.PLAYING,
        "add": State.IDLE,
        "stop": State.IDLE,
        "speed": State.IDLE,
        "volume": State.IDLE,
        "loop": State.IDLE,
    },
    State.PLAYING: {
        "play": State.PLAYING,
        "add": State.PLAYING,
        "pause": State.PAUSED,
        "toggle": State.PAUSED,
        "stop": State.IDLE,
        "seek": State.PLAYING,
        "next": State.PLAYING,
        "previous": State.PLAYING,
        "speed": State.PLAYING,
        "transpose": State.PLAYING,
        "volume": State.PLAYING,
        "loop": State.PLAYING,
        "end": State.IDLE,
        "fail": State.FAILED,
    },
    State.PAUSED: {
        "play": State.PLAYING,
        "add": State.PAUSED,
        "resume": State.PLAYING,
        "toggle": State.PLAYING,
        "stop": State.IDLE,
        "seek": State.PAUSED,
        "next": State.PAUSED,
        "previous": State.PAUSED,
        "speed": State.PAUSED,
        "transpose": State.PAUSED,
        "volume": State.PAUSED,
        "loop": State.PAUSED,
        "end": State.IDLE,
        "fail": State.FAILED,
    },
    State.FAILED: {"stop": State.FAILED},
}
"""State: command: the state it leads to. `end` and `fail` are the player's own; docs/player.md."""


def follow(state: State, command: str) -> State:
    """Return the state that a command leads to; PlayerError where the state does not allow it."""
    allowed = TRANSITIONS[state]
    if command in allowed:
        return allowed[command]
    if state is State.FAILED:
        raise PlayerError(f"cannot {command} while {state}: open the backend again and make a new player")
    commands = ", ".join(name for name in allowed if name not in ("end", "fail"))
    raise PlayerError(f"cannot {command} while {state}: possible is {commands}")
