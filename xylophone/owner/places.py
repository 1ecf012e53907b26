"""Where the owner's socket is, and where it keeps what must outlast it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ..config.places import state_folder, temporary_folder

OWNER_VARIABLE = "XYLOPHONE_OWNER"
"""Names the socket, for who has several: only there it is put, and looked for."""

SOCKET_NAME = "owner.sock"

SYSTEM = Path("/run/xylophone")
"""Where a system's unit has it (RuntimeDirectory=xylophone)."""

SYSTEM_STATE = Path("/var/lib/xylophone")
"""What such a unit keeps (StateDirectory=xylophone)."""


@dataclass(frozen=True, slots=True)
class Door:
    """A socket's place: its path, whether a group may use it, and where its owner keeps the latch.

    A place that was `named` lies in a folder that is somebody's own affair, and is left as it is.
    """

    path: Path
    shared: bool
    state: Path
    named: bool = False


def own_door(environ: Mapping[str, str]) -> Door:
    """Return where an owner that begins puts its socket.

    The first of: XYLOPHONE_OWNER, the RuntimeDirectory of systemd's unit, the user's runtime folder, the
    user's folder among temporary files.
    """
    given_state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    state = Path(given_state or state_folder())
    if named := environ.get(OWNER_VARIABLE):
        return Door(Path(named), False, state if given_state else _state_of(named), named=True)
    if given := environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
        return Door(Path(given, SOCKET_NAME), given == str(SYSTEM), state)
    return Door(_user_folder(environ) / SOCKET_NAME, False, state)


def doors(environ: Mapping[str, str]) -> list[Door]:
    """Return where an owner is looked for, the system's first."""
    if named := environ.get(OWNER_VARIABLE):
        return [Door(Path(named), False, _state_of(named), named=True)]
    system = Door(SYSTEM / SOCKET_NAME, True, SYSTEM_STATE)
    folders = dict.fromkeys([_user_folder(environ), temporary_folder()])
    return [system, *(Door(folder / SOCKET_NAME, False, state_folder()) for folder in folders)]


def _state_of(named: str) -> Path:
    """Return where the owner at a socket that was named keeps its own: who has several has a latch for each.

    However a path to the socket is written, it is the same.
    """
    path = os.path.realpath(named)
    return state_folder() / "owners" / sha256(os.fsencode(path)).hexdigest()[:16]


def _user_folder(environ: Mapping[str, str]) -> Path:
    """Return the user's runtime folder, also for a login that was not told of it; else a temporary one."""
    named = environ.get("XDG_RUNTIME_DIR", "")
    if not os.path.isabs(named) and hasattr(os, "getuid"):
        named = f"/run/user/{os.getuid()}"
    return Path(named, "xylophone") if os.path.isdir(named) else temporary_folder()
