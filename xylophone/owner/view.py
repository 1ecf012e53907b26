"""How everything is with an owner, as clients are told it: docs/service.md has the keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..player import Player, PlayerState
from ..player.ahead import Ahead
from .core import Core
from .feed import SOUNDING, Remark
from .placed import manner_of, place_of
from .queue import Entry

PLACES = 4
"""Decimal places of the times that are told of strikes."""


def state_of(core: Core) -> dict[str, Any]:
    """Return how everything is; the caller holds the core's lock."""
    queue = core.queue
    following = queue.next()
    state: dict[str, Any] = {
        "state": word_of(core),
        "backend": core.url,
        "song": None,
        "repeat": queue.repeat,
        "finish": queue.finish,
        "queue": {"count": len(queue.to_come), "next": None if following is None else following.title},
        "preparing": None if core.beginning is None else core.beginning.entry.title,
        "until": core.term.ends,
        "stopped": None if core.stopped is None else asdict(core.stopped),
        "message": None if core.trouble is None else str(core.trouble),
        "kind": None if core.trouble is None else type(core.trouble).__name__,
    }
    return state if core.player is None else state | as_played(core, core.player)


def word_of(core: Core) -> str:
    """Return the state in one word."""
    if core.stopped is not None:
        return str(PlayerState.STOPPED)
    if core.player is None:
        return "opening" if core.trouble is None else str(PlayerState.FAILED)
    return str(core.player.state)


def as_played(core: Core, player: Player) -> dict[str, Any]:
    """Return what is played, where it is, and how."""
    shot, entry = player.snapshot(), core.sounding
    state: dict[str, Any] = {
        "at": player.backend.now(),
        **manner_of(shot),
        "faults": player.faults_met,
        "struck": core.struck,
        "not_struck": dict(player.refusals + core.lost),
    }
    if shot.state not in SOUNDING or entry is None:
        return state | {"coils": str(player.backend.coils)}
    return state | place_of(shot, entry)


def rows_of(core: Core, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return what is told of entries of the queue."""
    over = {entry.number for entry in core.queue.over}
    return [row_of(core, entry, entry.number in over) for entry in entries]


def row_of(core: Core, entry: Entry, over: bool) -> dict[str, Any]:
    """Return what is told of an entry; `over` says that its turn has come."""
    row = {"entry": entry.number, "title": entry.title, "path": entry.song["path"]}
    if entry.trouble:
        return row | {"state": "left out", "why": entry.trouble}
    sounding = core.player is not None and core.player.state in SOUNDING
    if entry is core.sounding and sounding:
        return row | {"state": "playing"}
    if core.is_ready(entry):
        return row | {"state": "ready"}
    begins = core.beginning is not None and core.beginning.entry is entry
    return row | {"state": "played" if over and not begins else "waiting"}


def remark_of(remark: Remark) -> dict[str, Any]:
    """Return what is told of an entry as it was made ready."""
    return {
        "entry": remark.entry.number,
        "lines": list(remark.lines),
        "left_out": remark.left_out,
        "kind": remark.kind,
    }


def strikes_in(ahead: Ahead) -> list[list[float]]:
    """Return what was handed over, as [contact, hammer, level in dB, coil on]; backend time.

    When a coil goes on is told to the last bit: what is taken back `from` a moment parts them exactly so.
    """
    rows = ahead.rows
    contact = (rows["time"] + rows["moved"]).round(PLACES).tolist()
    level, start = rows["level"].round(1).tolist(), rows["start"].tolist()
    return [list(each) for each in zip(contact, rows["hammer"].tolist(), level, start, strict=True)]
