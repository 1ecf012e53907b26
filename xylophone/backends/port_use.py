"""Who may open a serial port, who has it open, and which programs take ports that are not theirs.

Nothing here opens a port, which would reset what is behind it. What the system does not tell is None.
"""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

PROCESSES = Path("/proc")
"""Where Linux tells of its processes."""

MEDDLERS = {
    "ModemManager": (
        "it opens ports to look for modems behind them: sudo systemctl mask --now ModemManager, unless this "
        "machine has a modem; else the rule in docs/systemd/90-xylophone.rules"
    ),
    "brltty": (
        "it takes boards with a CH340 for braille displays, and their port vanishes: sudo apt remove brltty, "
        "unless somebody reads by one; then plug the board in again"
    ),
}
"""Program: what it does to ports unasked, and the remedy."""


def refusal_to(device: str) -> str | None:
    """Return why this user may not open a port, with the remedy; None where he may or nobody knows."""
    if os.name != "posix" or not os.path.exists(device):
        return None
    if os.access(device, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        return None
    status = os.stat(device)
    try:
        group, user = grp.getgrgid(status.st_gid), pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return remedy(status.st_mode, "root", [], "$USER")
    return remedy(status.st_mode, group.gr_name, group.gr_mem, user)


def remedy(rights: int, group: str, members: Sequence[str], user: str) -> str:
    """Return what a user has to do who may not open a port of a group, by its rights and the members."""
    if rights & 0o60 != 0o60 or group == "root":
        return "its rights are for others alone: let a udev rule give it to the group dialout"
    if user in members:
        return f"this login does not know yet that its user is in the group {group}: log out and in again"
    return f"this user is not in the group {group}: sudo usermod -aG {group} $USER, then log out and in again"


def holder_of(device: str, processes: Path = PROCESSES) -> str | None:
    """Return which other program has a port open, as 'minicom (process 312)'; None where none is seen.

    Of another user's programs only root sees what they have open.
    """
    place = os.path.realpath(device)
    for process in _processes(processes):
        if process.name != str(os.getpid()) and place in _opened(process):
            return f"{_name(process) or 'a program'} (process {process.name})"
    return None


def meddlers(processes: Path = PROCESSES) -> list[str]:
    """Return a line for each program that runs here and takes ports that are not its own."""
    running = {_name(process) for process in _processes(processes)}
    return [f"{name} runs here: {words}" for name, words in MEDDLERS.items() if name in running]


def _processes(processes: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (path for path in processes.iterdir() if path.name.isdigit())


def _opened(process: Path) -> set[str]:
    """Return the files that a process has open; none where it is another user's, or has ended."""
    files = set()
    with suppress(OSError):
        for number in os.listdir(process / "fd"):
            with suppress(OSError):
                files.add(os.readlink(process / "fd" / number))
    return files


def _name(process: Path) -> str:
    with suppress(OSError, ValueError):
        return (process / "comm").read_text().strip()
    return ""
