"""What ends in an owner when a client leaves that has asked for it to end then."""

from __future__ import annotations

from ..errors import PlayerError
from .attached import Attached
from .beginning import Beginning
from .core import Core
from .peers import Peer
from .queue import Queue


def leave(core: Core, who: Peer) -> None:
    """End what a client has asked for that is attached to it; the caller holds the core's lock."""
    before = None if core.beginning is None else core.beginning.before
    if before is not None:
        gone, heard = _taken_out(before.attached, before.queue, who), core.sounding
        if heard is not None and heard.number in gone:
            core.hush()
    own = _taken_out(core.attached, core.queue, who)
    entry = core.present
    if entry is None or entry.number not in own:
        return
    core.queue.repeat = False
    if (following := core.queue.next()) is not None:
        core.begin(Beginning(following))
        return
    core.give_up(PlayerError("its client has left before it began"))
    if before is None:
        core.hush()


def _taken_out(attached: Attached, queue: Queue, who: Peer) -> set[int]:
    """Take what goes with a client out of what is to come; return all the entries that do."""
    own = attached.leave(who)
    queue.remove(entry.number for entry in queue.to_come if entry.number in own)
    return own
