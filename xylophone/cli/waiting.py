"""Waiting for a board that is not plugged in, quietly and for as long as that takes."""

from __future__ import annotations

from collections.abc import Callable

from ..clock import Clock, SystemClock
from ..errors import BackendAbsent, BackendMissing
from .printing import warn

LOOK = 1.0
"""s between two looks for the board."""


def wait_for_board(perform: Callable[[Callable[[], None]], None], clock: Clock | None = None) -> None:
    """Call `perform` until no absent board ends it; it calls what it is given once the board has answered.

    A line tells when the waiting begins, another when it is over. Whatever else ends `perform` is raised.
    """
    clock = SystemClock() if clock is None else clock
    absent = doubted = False

    def came() -> None:
        nonlocal absent
        if absent:
            warn("the board is there")
        absent = False

    while True:
        try:
            return perform(came)
        except BackendAbsent as error:
            if not absent:
                warn(error, "waiting for the board: ")
            absent, doubted = True, False
        except BackendMissing:
            if not absent or doubted:
                raise
            doubted = True  # a port that has just come is not this user's yet: udev takes a moment
        clock.wait_until(clock.now() + LOOK)
