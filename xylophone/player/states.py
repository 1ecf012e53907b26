"""The player's states, and which command leads from which to which."""

from __future__ import annotations

from enum import StrEnum

from ..errors import PlayerError, SafetyError


class PlayerState(StrEnum):
    """What the player is doing; `stopped` is after an emergency."""

    IDLE = "idle"
    PLAYING = "playing"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"


_IDLE, _PLAYING, _PAUSED, _STOPPED, _FAILED = PlayerState

_LEADS_TO = {
    "play": (_PLAYING, _PLAYING, _PLAYING, None, None),
    "add": (_IDLE, _PLAYING, _PAUSED, None, None),
    "pause": (None, _PAUSED, None, None, None),
    "resume": (None, None, _PLAYING, None, None),
    "toggle": (None, _PAUSED, _PLAYING, None, None),
    "stop": (_IDLE, _IDLE, _IDLE, _STOPPED, _FAILED),
    "emergency": (_STOPPED, _STOPPED, _STOPPED, _STOPPED, _FAILED),
    "release": (None, None, None, _IDLE, None),
    "strike": (_IDLE, None, _PAUSED, None, None),
    "hush": (_IDLE, None, _PAUSED, None, None),
    "seek": (None, _PLAYING, _PAUSED, None, None),
    "next": (None, _PLAYING, _PAUSED, None, None),
    "previous": (None, _PLAYING, _PAUSED, None, None),
    "speed": (_IDLE, _PLAYING, _PAUSED, _STOPPED, None),
    "transpose": (None, _PLAYING, _PAUSED, None, None),
    "volume": (_IDLE, _PLAYING, _PAUSED, _STOPPED, None),
    "loop": (_IDLE, _PLAYING, _PAUSED, None, None),
    "end": (None, _IDLE, _IDLE, None, None),
    "halt": (_STOPPED, _STOPPED, _STOPPED, None, None),
    "fail": (None, _FAILED, _FAILED, None, None),
}
"""Command: where it leads to from each state; None where it is not allowed. The table of docs/player.md."""

TRANSITIONS = {
    state: {command: new for command, leads in _LEADS_TO.items() if (new := leads[place])}
    for place, state in enumerate(PlayerState)
}
"""State: command: the state it leads to. `end`, `halt` and `fail` are the player's own."""


STILL = (PlayerState.IDLE, PlayerState.PAUSED)
"""States in which strikes may be asked for one by one."""

OWN = ("end", "halt", "fail")
"""What the player does by itself."""


def follow(state: PlayerState, command: str) -> PlayerState:
    """Return the state that a command leads to; PlayerError where the state does not allow it.

    SafetyError where an emergency stop is on.
    """
    allowed = TRANSITIONS[state]
    if command in allowed:
        return allowed[command]
    if state is PlayerState.FAILED:
        raise PlayerError(f"cannot {command} while {state}: open the backend again and make a new player")
    if state is PlayerState.STOPPED:
        raise SafetyError(f"cannot {command}: an emergency stop is on: release it first")
    commands = ", ".join(name for name in allowed if name not in OWN)
    raise PlayerError(f"cannot {command} while {state}: possible is {commands}")
