"""The owner of the instrument, as commands meet it: asked, and what it says of its state in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..owner.client import OwnerClient
from ..words import clock_time, counted, lost_words

State = Mapping[str, Any]

RELEASE = "to let it play again: xylophone release"


def ask_owner(command: str, **arguments: Any) -> State:
    """Have the owner do a command; return the state that it leads to."""
    with OwnerClient.connect() as owner:
        state: State = owner.do(command, **arguments)["state"]
    return state


def in_a_line(state: State) -> str:
    """Return what an owner does, in a line.

    >>> in_a_line({"state": "idle", "song": None, "preparing": "Sakura", "message": None})
    'nothing plays, Sakura is being arranged'
    """
    kind, message = state["state"], state["message"]
    if kind == "opening":
        return "the backend is being opened"
    if kind == "stopped":
        return f"{stopped_words(state['stopped'])}; {RELEASE}"
    if kind == "failed" or state["song"] is None:
        words = "it has failed" if kind == "failed" else "nothing plays"
        words += f", {state['preparing']} is being arranged" if state["preparing"] else ""
        return f"{words}: {message}" if message else words
    doing = "playing" if kind == "playing" else "paused in"
    return f"{doing} {state['song']['title']}, {place(state)}, {loudness(state)}"


def loudness(state: State) -> str:
    """Return how loud it plays, which is not known while the backend is not open."""
    return f"volume {state['volume']:g}" if "volume" in state else "volume not known: the backend is not open"


def place(state: State) -> str:
    """Return where in its song an owner is: '1:15 of 3:20'."""
    return f"{clock_time(state['position'])} of {clock_time(state['song']['duration'])}"


def stopped_words(stopped: Mapping[str, str] | None) -> str:
    """Return who has stopped everything, when and why, as far as that is known."""
    who, when, why = (stopped or {}).get("who"), (stopped or {}).get("when"), (stopped or {}).get("why")
    by = f" by {who}" if who else ""
    at = f" at {when}" if when else ""
    return f"stopped{by}{at}{f': {why}' if why else ''}"


def rows(state: State) -> list[tuple[str, str]]:
    """Return what there is to say of an owner's state, each with its name."""
    found = [("state", in_a_line(state))]
    if state["song"] is not None:
        beat = "" if state["measure"] is None else f"measure {state['measure']}, beat {state['beat']:.3g}; "
        shift = f", transposed by {state['transpose']:+d}" if state["transpose"] else ""
        found.append(("music", f"{beat}{state['tempo_bpm']:.4g} bpm, speed {state['speed']:.3g}{shift}"))
    queue, ends = state["queue"], {"repeat": "then anew", "finish": "ends after this song"}
    more = [words for name, words in ends.items() if state[name]]
    if state.get("until") is not None and "at" in state:
        left = state["until"] - state["at"]
        more.append(f"for {clock_time(left)} more" if left > 0 else ends["finish"])
    coming = [f"{queue['count']} to come", *([f"next {queue['next']}"] if queue["next"] else []), *more]
    found += [("queue", ", ".join(coming)), ("backend", state.get("backend", "not open"))]
    return [*found, ("strikes", _strikes(state))] if "struck" in state else found


def _strikes(state: State) -> str:
    """Return how many strikes were played since the backend was opened, and which were not."""
    faults = counted(state["faults"], "fault") if state["faults"] else ""
    played = f"{state['struck']:,} played"
    return "; ".join(filter(None, (played, lost_words(state["not_struck"]), faults)))
