"""A host that plays in a process of its own, and what to kill of it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import forking
import programs
from xylophone.gpio.datagrams import is_stopped


def wait_for(what: Callable[[], bool], limit: float = programs.PATIENCE) -> bool:
    """Return True as soon as something is so, False after `limit` seconds."""
    end = time.monotonic() + limit
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


class Playing:
    """tests/gpio/host.py at work; `said` are its lines so far."""

    def __init__(
        self,
        url: str,
        environment: Mapping[str, str] | None = None,
        hammers: int = 30,
        wiring: Mapping[str, Any] | None = None,
        period: float = 0.025,
    ) -> None:
        """Start it, and wait until it plays; `period` is the s from strike to strike."""
        host = Path(__file__).with_name("host.py")
        words = [host, url, hammers, json.dumps(wiring or {}), period]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        if environment is None:
            self.host: forking.Fork | programs.Program = forking.Fork(words, env=os.environ, **pipes)
        else:  # what the loader reads, a fork has read
            command = [sys.executable, *map(str, words)]
            self.host = programs.Program(
                command,
                env=os.environ | dict(environment),
                preexec_fn=lambda: signal.signal(
                    signal.SIGHUP, signal.SIG_DFL
                ),  # also where nohup runs the tests
                **pipes,
            )
        self.said: list[dict[str, Any]] = []
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not wait_for(lambda: bool(self.hear()) or self.host.poll() is not None) or not self.said:
            self.host.end()
            raise AssertionError(f"the host did not start: {self.host.communicate()[1]}")
        self.pids = dict(
            zip(("host", "dispatcher", "watchdog"), self.said[0].get("processes", ()), strict=False)
        )

    def hear(self) -> list[dict[str, Any]]:
        """Return all that the host has said so far."""
        while not self._lines.empty():
            self.said.append(json.loads(self._lines.get()))
        return self.said

    def faults(self) -> list[str]:
        """Return the messages of faults and errors that the host has said; all of them once it has ended."""
        if self.has_ended("host"):
            self._reader.join(programs.PATIENCE)
        said = [line for line in self.hear()[1:] if "coils" not in line]
        return [line.get("fault") or line.get("error") or "" for line in said]

    def coils(self) -> str:
        """Return what the host, which has ended, has said that is known of the coils."""
        self._reader.join(programs.PATIENCE)
        return next(str(line["coils"]) for line in self.hear() if "coils" in line)

    def kill(self, who: str, number: signal.Signals) -> None:
        """Send a signal to 'host', 'dispatcher' or 'watchdog'."""
        os.kill(self.pids[who], number)

    def has_ended(self, who: str) -> bool:
        """Tell whether a process has gone."""
        if who == "host":
            return self.host.poll() is not None
        return not Path(f"/proc/{self.pids[who]}").exists() or _is_zombie(self.pids[who])

    def is_stopped(self, who: str) -> bool:
        """Tell whether a process stands still."""
        return is_stopped(self.pids[who])

    def end(self) -> None:
        """Leave nothing behind."""
        for process in self.pids.values():
            for number in (signal.SIGCONT, signal.SIGKILL):
                try:
                    os.kill(process, number)
                except ProcessLookupError:
                    break
        self.host.wait()
        self._reader.join(programs.PATIENCE)
        assert self.host.stderr is not None
        said = self.host.stderr.read()
        for pipe in (self.host.stdout, self.host.stderr):
            assert pipe is not None
            pipe.close()
        for trace in ("<frozen runpy>", "Exception ignored"):  # a child's: the host is no module that is run
            assert trace not in said, said

    def _read(self) -> None:
        assert self.host.stdout is not None
        for line in self.host.stdout:
            self._lines.put(line)


def _is_zombie(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
