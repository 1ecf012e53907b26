"""A `systemctl` of one unit, whose owner is a plain one behind a door that opens and shuts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.plain_owner import owning

PROGRAM = """#!/bin/sh
cd "{folder}" || exit 1
echo "$*" >>asked
case " $* " in
*" --user "*) exit 1 ;;
*" show "*) echo LoadState=loaded; echo User={user}; echo WorkingDirectory={folder}
    if [ -e up ]; then echo ActiveState=active; else echo ActiveState=inactive; fi ;;
*" is-active "*) [ -e up ] ;;
*" stop "*) if [ -e denied ]; then echo "Access denied" >&2; exit 1; fi
    rm -f up; mv run/xylophone run/shut 2>/dev/null; exit 0 ;;
*" start "*) if grep -q "{fails}" xylophone.toml 2>/dev/null; then exit 1; fi
    touch up; if [ ! -e mute ]; then mv run/shut run/xylophone; fi ;;
esac
"""


@dataclass(frozen=True)
class Systemd:
    """What the unit was asked for, and whether its owner runs."""

    folder: Path

    @property
    def asked(self) -> list[str]:
        lines = (self.folder / "asked").read_text().splitlines()
        return [word for line in lines for word in line.split() if word in ("stop", "start")]

    @property
    def runs(self) -> bool:
        return (self.folder / "up").exists() and (self.folder / "run" / "xylophone" / "owner.sock").exists()


@contextmanager
def systemd(
    folder: Path, monkeypatch: pytest.MonkeyPatch, user: str = "root", fails: str = "fails"
) -> Iterator[Systemd]:
    """Have such a unit, which runs; one whose xylophone.toml says what `fails` does not start."""
    program = folder / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(folder=folder, user=user, fails=fails))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("XYLOPHONE_OWNER", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
    (folder / "up").touch()
    with owning(folder):
        (folder / "run" / "xylophone").mkdir()
        (folder / "run" / "owner.sock").rename(folder / "run" / "xylophone" / "owner.sock")
        yield Systemd(folder)
