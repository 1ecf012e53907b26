"""A change killed at any system call: it runs under ptrace(2), stopped after each of them.

Between two calls nothing changes on the disk, and after most of them nothing has: so the process runs once,
to see after which of its calls the folder differs, and then it is killed after each of these.
`python killing.py NAME FOLDER` does so with a change of `changes.CHANGES` in copies of a folder. It prints as
JSON how many calls there were, after which the process was killed, after which of those what was left was
neither the state before nor the one after, and where the next change did not clear what was left.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from cuts.changes import CARELESS, CHANGES, DATABASE, UNDONE, Change

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_TRACEME, _SYSCALL, _SETOPTIONS = 0, 24, 0x4200
_SYSGOOD, _EXITKILL = 0x1, 0x100000
_AT_CALL = signal.SIGTRAP | 0x80


def ptrace(request: int, process: int, data: int = 0) -> None:
    """Ask the kernel; OSError where it does not let a process be traced."""
    if _libc.ptrace(request, process, None, data) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def traced(change: Change, folder: Path) -> Iterator[int]:
    """Do a change in a process that is stopped after each of its system calls, and yield how many there were.

    Whoever takes no more kills the process there.
    """
    process = os.fork()
    if not process:
        try:
            ptrace(_TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            change.act(folder)
        finally:
            os._exit(0)
    os.waitpid(process, 0)
    ptrace(_SETOPTIONS, process, _SYSGOOD | _EXITKILL)
    ended = False
    try:
        for stop in itertools.count():  # one as a call begins, one as it ends
            if stop % 2 == 0:
                yield stop // 2
            ptrace(_SYSCALL, process)
            _, status = os.waitpid(process, 0)
            ended = os.WIFEXITED(status)
            if ended:
                return
            assert os.WSTOPSIG(status) == _AT_CALL, status
    finally:
        if not ended:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return what a folder holds, by path; None for a folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def copy(folder: Path, name: str) -> Path:
    """Return a fresh copy of a folder, beside it."""
    to = folder.with_name(name)
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(folder, to))


def main(name: str, folder: str) -> None:
    """Try a change that is killed wherever that makes a difference, and print what came of it."""
    change, begin = (CHANGES | DATABASE | UNDONE | CARELESS)[name], Path(folder)
    done = copy(begin, "done")
    change.act(done)
    whole, files = [change.state(begin), change.state(done)], sorted(path.name for path in done.rglob("*"))
    differing, before = [], None
    for calls in traced(change, cut := copy(begin, "cut")):
        now = tree(cut)
        differing += [] if now == before else [calls]
        before = now
    lost, littered = [], []
    for number in differing:
        with closing(traced(change, cut := copy(begin, "cut"))) as running:
            next(itertools.islice(running, number, None))
        state = change.state(cut)
        lost += [] if state in whole else [number]
        if state == whole[0]:  # what was cut short is done again
            change.act(cut)
            if change.state(cut) != whole[1] or sorted(path.name for path in cut.rglob("*")) != files:
                littered.append(number)
    print(json.dumps({"calls": calls, "killed": differing, "lost": lost, "littered": littered}))


if __name__ == "__main__":
    main(*sys.argv[1:])
