"""`xylophone serve` as a process: what reaches the outputs, whatever ends it or its worker."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import forking
from gpio.playing import wait_for
from owner.held import song
from xylophone.errors import FileError
from xylophone.gpio.null import read_trace
from xylophone.owner.client import OwnerClient

LONG = 2400
"""Beats of a song that outlasts its test."""


class Served:
    """An owner whose outputs are in a trace, and a client of it."""

    def __init__(self, folder: Path, stderr: int = subprocess.DEVNULL) -> None:
        kinds = ("CONFIG", "STATE", "CACHE", "DATA", "RUNTIME")
        homes = {f"XDG_{kind}_{'DIR' if kind == 'RUNTIME' else 'HOME'}": str(folder) for kind in kinds}
        door, self._trace = folder / "owner.sock", str(folder / "trace")
        words = ["serve", "--mute", "--backend", f"gpio:null?trace={self._trace}"]
        own = {**os.environ, **homes, "XYLOPHONE_OWNER": str(door)}
        pipes = {"stdout": subprocess.PIPE, "stderr": stderr}
        self.process = forking.Fork(words, env=own, cwd=folder, **pipes)
        assert self.process.stdout is not None
        assert self.process.stdout.readline()  # it listens
        self.client = OwnerClient.connect(door)
        assert wait_for(lambda: self.state()["state"] == "idle")

    def state(self) -> Any:
        return self.client.do("state")["state"]

    def strikes_on(self) -> bool:
        """Wait until one more strike is over and a coil is on again."""
        before = len(read_trace(self._trace))
        return wait_for(lambda: len(read_trace(self._trace)) > before + 2 and not self.is_off())

    def is_off(self) -> bool:
        return read_trace(self._trace)[-1][1] == 0 or self.is_shut()

    def is_shut(self) -> bool:
        """Tell whether the hardware line lets no output be on: so it is not between two strikes."""
        return read_trace(f"{self._trace}.guard")[-1][1] == 0

    def worker(self) -> int | None:
        """Return the process that makes songs ready, None while there is none."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        for child in (int(word) for listed in tasks for word in listed.read_text().split()):
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                return child
        return None

    def entry(self, number: int) -> Any:
        return self.client.do("queue", first=number)["entries"][0]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    owner = Served(tmp_path)
    with owner.process, owner.client:
        yield owner
        owner.process.end()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)])
def test_whatever_ends_it_in_play_all_coils_go_off(
    served: Served, tmp_path: Path, number: int, code: int
) -> None:
    served.client.do("play", songs=[song(tmp_path, "long", LONG)])
    assert served.strikes_on()
    served.process.send_signal(number)
    assert served.process.wait() == code
    assert wait_for(served.is_shut)


def test_a_worker_that_is_killed_costs_no_song_and_no_strike(served: Served, tmp_path: Path) -> None:
    served.client.do("play", songs=[song(tmp_path, "long", LONG)])
    worker = served.worker()
    assert worker is not None
    os.kill(worker, signal.SIGSTOP)  # so that it is surely at it when it dies
    (added,) = served.client.do("add", songs=[song(tmp_path, "added")])["entries"]
    assert wait_for(lambda: served.state()["struck"] > 2)
    os.kill(worker, signal.SIGKILL)
    assert wait_for(lambda: served.entry(added)["state"] == "ready")
    assert served.strikes_on()
    assert (served.state()["state"], served.state()["not_struck"]) == ("playing", {})


def test_a_stop_that_no_disk_takes_is_a_stop_and_says_so(served: Served, tmp_path: Path) -> None:
    served.client.do("play", songs=[song(tmp_path, "long", LONG)])
    assert served.strikes_on()
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (0, 0))
    early: list[dict[str, Any]] = []
    with pytest.raises(FileError, match="stopped, but a restart would not know of it: "):
        served.client.do("stop", early=early.append)
    assert early[0]["coils"] == "all coils are off"
    assert served.is_off()
    assert served.state()["state"] == "stopped"


def test_a_screen_that_takes_nothing_holds_no_music_up(tmp_path: Path) -> None:
    """As after Ctrl-S: what is to be said waits, and a stop is done as ever."""
    owner = Served(tmp_path, subprocess.PIPE)
    with owner.process, owner.client:
        fcntl.fcntl(owner.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        for number in range(40):
            with pytest.raises(FileError, match="there is no such file"):
                owner.client.do("play", songs=[{"path": f"/{'nowhere' * 30}{number}.mid"}])
        owner.client.do("play", songs=[song(tmp_path, "long", LONG)])
        assert owner.strikes_on()
        assert owner.client.do("stop")["coils"] == "all coils are off"
        os.kill(owner.process.pid, signal.SIGKILL)
