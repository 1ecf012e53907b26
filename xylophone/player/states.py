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


_IDLE, _PLAYING, _PAUSED, _FAILED = PlayerState

_LEADS_TO = {
    "play": (_PLAYING, _PLAYING, _PLAYING, None),
    "add": (_IDLE, _PLAYING, _PAUSED, None),
    "pause": (None, _PAUSED, None, None),
    "resume": (None, None, _PLAYING, None),
    "toggle": (None, _PAUSED, _PLAYING, None),
    "stop": (_IDLE, _IDLE, _IDLE, _FAILED),
    "seek": (None, _PLAYING, _PAUSED, None),
    "next": (None, _PLAYING, _PAUSED, None),
    "previous": (None, _PLAYING, _PAUSED, None),
    "speed": (_IDLE, _PLAYING, _PAUSED, None),
    "transpose": (None, _PLAYING, _PAUSED, None),
    "volume": (_IDLE, _PLAYING, _PAUSED, None),
    "loop": (_IDLE, _PLAYING, _PAUSED, None),
    "end": (None, _IDLE, _IDLE, None),
    "fail": (None, _FAILED, _FAILED, None),
}
"""Command: where it leads to from each state; None where it is not allowed. The table of docs/player.md."""

TRANSITIONS = {
    state: {command: new for command, leads in _LEADS_TO.items() if (new := leads[place])}
    for place, state in enumerate(PlayerState)
}
"""State: command: the state it leads to. `end` and `fail` are the player's own."""


def follow(state: PlayerState, command: str) -> PlayerState:
    """Return the state that a command leads to; PlayerError where the state does not allow it."""
    allowed = TRANSITIONS[state]
    if command in allowed:
        return allowed[command]
    if state is PlayerState.FAILED:
        raise PlayerError(f"cannot {command} while {state}: open the backend again and make a new player")
    commands = ", ".join(name for name in allowed if name not in ("end", "fail"))
    raise PlayerError(f"cannot {command} while {state}: possible is {commands}")
