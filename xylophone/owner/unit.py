"""The owner as a unit of systemd: whether it runs, for whom, and how it is stopped and started again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import FileError, XylophoneError
from .client import OwnerClient
from .places import OWNER_VARIABLE

NAME = "xylophone.service"

PATIENCE = 120.0
"""s that systemd may take to start or stop it; of itself it gives up after 90."""

ANSWER = 30.0
"""s in which an owner that was started answers at its socket."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit as a `command`, `systemctl`, has it: whether it `runs`, its user and its working folder."""

    command: tuple[str, ...]
    runs: bool
    user: str
    folder: Path

    @classmethod
    def read(cls, *command: str) -> Unit | None:
        """Return what a command says of the unit; None where there is none, or no systemd."""
        asked = [f"--property={name}" for name in ("LoadState", "ActiveState", "User", "WorkingDirectory")]
        ran = _run(*command, "show", NAME, *asked)
        said = dict(line.split("=", 1) for line in ran.stdout.splitlines() if "=" in line)
        if ran.returncode or said.get("LoadState") != "loaded":
            return None
        runs = said.get("ActiveState") not in ("inactive", "failed")
        folder = Path(said.get("WorkingDirectory", "").lstrip("!-") or "/")
        return cls(command, runs, said.get("User") or "root", folder)

    def stop(self) -> None:
        """Stop it, and what would start it again; FileError where this user may not."""
        ran = _run(*self.command, "--no-ask-password", "stop", NAME)
        if ran.returncode:
            why = (ran.stderr.strip().splitlines() or ["it goes on"])[0]
            raise FileError(f"cannot stop {NAME}, whose files would be replaced: {why}: do it with sudo")

    def start(self, answer: float = ANSWER) -> bool:
        """Start it unless it runs, and tell whether its owner answers within so many seconds."""
        if _run(*self.command, "is-active", NAME).returncode:
            _run(*self.command, "reset-failed", NAME)  # one that failed may have used up its starts
            if _run(*self.command, "--no-ask-password", "start", NAME).returncode:
                return False
        try:
            with OwnerClient.connect(wait=answer, within=answer) as owner:
                owner.do("state", within=answer)
        except XylophoneError:
            return False
        return True

    def act_for(self) -> None:
        """Go on as the unit's user and in its folder, for root; `systemctl` is still run as root then."""
        import pwd

        if os.geteuid() or self.user == "root":
            return
        who = pwd.getpwuid(int(self.user)) if self.user.isdecimal() else pwd.getpwnam(self.user)
        os.initgroups(who.pw_name, who.pw_gid)
        os.setegid(who.pw_gid)
        os.seteuid(who.pw_uid)
        for name in [name for name in os.environ if name.startswith("XDG_")]:
            del os.environ[name]
        os.environ["HOME"] = who.pw_dir
        with suppress(OSError):
            os.chdir(self.folder)


def own_unit() -> Unit | None:
    """Return the unit whose owner has this user's files, one that runs before others; None where none has.

    For root it is the system's, whoever its user is. XYLOPHONE_OWNER names an owner that is no such unit.
    """
    if os.environ.get(OWNER_VARIABLE) or not hasattr(os, "geteuid"):
        return None
    system = Unit.read("systemctl")
    if os.geteuid() == 0:
        return system
    ours = [system] if system is not None and system.user in _names() else []
    if not any(unit.runs for unit in ours) and (user := Unit.read("systemctl", "--user")) is not None:
        ours = [user, *ours] if user.runs else [*ours, user]
    return ours[0] if ours else None


@contextmanager
def silenced(unit: Unit | None, answer: float = ANSWER) -> Iterator[Callable[[], bool]]:
    """Have no owner while the block runs; gives what starts it again, and tells whether it answers.

    One that does not is stopped again. When the block ends, however it does, what ran before runs again.
    FileError where the unit may not be stopped or does not come back, and where an owner of this user's runs
    that is no unit.
    """
    if unit is None or not unit.runs:
        _check_nobody()
        yield lambda: True
        return
    up = False

    def comes_up() -> bool:
        nonlocal up
        try:
            up = unit.start(answer)
        finally:
            if not up:
                unit.stop()
        return up

    try:
        unit.stop()
        _check_nobody()
        yield comes_up
    finally:
        if not up and not unit.start(answer):
            raise FileError(f"{NAME} does not come back: see journalctl --unit {NAME}")


def _check_nobody() -> None:
    """Refuse to go on while an owner of this user's runs, which nobody could start again; FileError."""
    try:
        owner = OwnerClient.connect()
    except XylophoneError:
        return
    with owner:
        if hasattr(os, "geteuid") and owner.peer.uid == os.geteuid():
            raise FileError(
                f"{owner.whose} plays with what would be replaced: where it is the system's unit do this "
                "with sudo, else end it first, and start it again with: xylophone serve"
            )


def _names() -> set[str]:
    """Return how this user may be called in a unit."""
    import pwd

    number = os.geteuid()
    with suppress(KeyError):
        return {pwd.getpwuid(number).pw_name, str(number)}
    return {str(number)}


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command, as root where this process began as root; one that cannot be run has failed."""
    root = 0 if hasattr(os, "getuid") and os.getuid() == 0 != os.geteuid() else None
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, user=root)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))
