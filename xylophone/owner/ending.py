"""A stop that is asked of the owner from outside, and the end of one that does not hear it."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..backends.contract import Coils
from ..errors import BackendError, BackendMissing, FileError, XylophoneError
from ..running.lockfile import Owner, owner_of
from ..running.playing import ANSWER
from .client import OwnerClient, first_of, not_taken_in
from .doorway import held_by
from .latch import Latch
from .peers import Peer
from .places import doors

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


@dataclass(frozen=True)
class Asked:
    """An owner that was asked to stop: who it is, and where its latch lies.

    `coils` is what it has said of them, None where it has said nothing; `state` its own after the stop, None
    where it has not said that its latch is on, and `error` then says why.
    """

    peer: Peer
    folder: Path
    coils: str | None = None
    state: Mapping[str, Any] | None = None
    error: XylophoneError | None = None

    @property
    def heard(self) -> bool:
        """Whether it has said that the coils are off."""
        return self.coils is not None and self.coils != str(Coils.UNCONFIRMED)

    def kill(self) -> None:
        """End it at once; FileError where this user may not, nothing where it has ended."""
        if self.peer.pid < 2:
            raise FileError("the owner does not answer, and its process is not known here: end it by hand")
        try:
            with suppress(ProcessLookupError):
                _kill(self.peer.pid)
        except PermissionError:
            raise FileError(
                f"the owner, process {self.peer.pid}, does not answer, and only {self.peer.name} or root may "
                "end it: do this as one of them"
            ) from None

    def latch(self, who: str, when: datetime, why: str) -> None:
        """Put its latch on, and see to it that one that was started meanwhile knows; FileError."""
        Latch(self.folder).set(who, when, why)
        with suppress(XylophoneError):
            ask_to_stop(why)


def ask_to_stop(why: str, within: float = ANSWER) -> Asked | None:
    """Ask the owner that runs to stop; None where none runs, FileError where this user may not ask.

    Each of its lines is waited for `within` seconds until it has said that the coils are off.
    """
    states = {door.path: door.state for door in doors(os.environ)}  # where nothing else is known
    try:
        connection, place = first_of(list(states), within)
    except BackendMissing:
        return None
    holder = _holder(place)
    folder = states[place] if holder is None or holder.state is None else Path(holder.state)
    if connection is None:
        peer = Peer(holder.process if holder else 0, os.getuid(), os.getgid())
        return Asked(peer, folder, error=BackendError(not_taken_in(place)))
    asked = Asked(Peer.of(connection), folder)
    coils: list[str] = []
    try:
        with OwnerClient(connection, within) as owner:
            answer = owner.do("stop", within=within, early=lambda line: coils.extend(_coils(line)), why=why)
            coils.extend(_coils(answer))
            state = answer.get("state")
            if not isinstance(state, dict) or not _coils(answer):
                raise BackendError(f"{owner.whose} answers nothing that this program knows: look at it")
            return Asked(asked.peer, asked.folder, coils[-1], state)
    except XylophoneError as error:
        return Asked(asked.peer, asked.folder, coils[0] if coils else None, None, error)


def _coils(line: Mapping[str, Any]) -> list[str]:
    """Return what a line says of the coils, if it says anything."""
    said = line.get("coils")
    return [said] if isinstance(said, str) else []


def _holder(socket: Path) -> Owner | None:
    """Return what the owner at a socket has said of itself beside it; None where that cannot be known."""
    with suppress(OSError):
        return owner_of(held_by(socket))
    return None


def _kill(process: int) -> None:
    if hasattr(os, "pidfd_open"):
        handle = os.pidfd_open(process)
        try:
            signal.pidfd_send_signal(handle, KILL)
        finally:
            os.close(handle)
    else:
        os.kill(process, KILL)
