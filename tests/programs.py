"""Programs that tests start: none outlasts its test, and none is waited for without an end.

A test that has failed leaves its programs running, or standing still; waiting for those would never end.
So whoever starts one takes `Program` and `run` in place of the standard library's, which a test holds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from types import TracebackType
from typing import Any

from xylophone.gpio.datagrams import is_stopped

PATIENCE = 120.0
"""s that a program is given to end, or to do what is waited for: long, since machines can be busy."""


class Program(subprocess.Popen):  # type: ignore[type-arg]
    """A program; the end of its `with` block waits for it, and a block that fails ends it."""

    def wait(self, timeout: float | None = PATIENCE) -> int:
        return super().wait(timeout)

    def communicate(self, input: Any = None, timeout: float | None = PATIENCE) -> tuple[Any, Any]:
        return super().communicate(input, timeout)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self.end()
            super().__exit__(kind, error, trace)
        finally:
            self.end()

    def end(self) -> None:
        """End it at once, if it still runs or stands still."""
        if self.poll() is None:
            for number in (signal.SIGCONT, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    self.send_signal(number)
            self.wait()


def run(command: Any, *, input: Any = None, timeout: float = PATIENCE, **options: Any) -> Any:
    """Run a program to its end, as subprocess.run does, but not for ever."""
    check, capture = options.pop("check", False), options.pop("capture_output", False)
    if capture:
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        options["stdin"] = subprocess.PIPE
    with Program(command, **options) as program:
        out, err = program.communicate(input, timeout)
    done = subprocess.CompletedProcess(command, program.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def stand_still(process: int) -> None:
    """Stop a process, and wait until it stands still: until then it may still take another signal."""
    os.kill(process, signal.SIGSTOP)
    end = time.monotonic() + PATIENCE
    while not is_stopped(process):
        assert time.monotonic() < end, f"process {process} does not stop"
        time.sleep(0.001)
