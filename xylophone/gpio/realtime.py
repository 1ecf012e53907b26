"""What makes a process punctual: priority, memory that stays, exact sleep, no garbage collection."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress

DISPATCHER, WATCHDOG = 40, 41
"""SCHED_FIFO priorities: below the kernel's interrupt threads (50), the watchdog above what it watches."""

OWNER = 30
"""Priority of the thread that plans what these two switch: below both."""

_PR_SET_TIMERSLACK = 29
_MCL_CURRENT, _MCL_FUTURE = 1, 2


def be_punctual(priority: int) -> list[str]:
    """Ask the system for all of it; return in words what it does not permit."""
    gc.collect()
    gc.freeze()
    gc.disable()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    denied = []
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except PermissionError:
        denied.append("real-time priority")
    _keep_cores_awake()
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE) != 0:
        denied.append("locked memory")
    return denied


def hurry() -> bool:
    """Give the calling thread real-time priority; tell whether that is permitted.

    Threads and processes that it starts have none.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(OWNER))
    except PermissionError:
        return False
    return True


def _keep_cores_awake() -> None:
    """Ask the kernel to wake cores at once, if it lets us: out of deep sleep that takes ms on some machines.

    The request holds as long as the file is open, so it is left open until the process ends.
    """
    with suppress(OSError):  # a help beyond priority, which most machines do not need
        os.write(os.open("/dev/cpu_dma_latency", os.O_WRONLY), bytes(4))
