"""A backend of a maker's own, whole: what CONTRIBUTING says under "Add a backend", tried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from backends.toy_board import ToyBoard
from xylophone.backends import SCHEMES
from xylophone.backends.backend import Backend
from xylophone.backends.contract import Coils
from xylophone.clock import Clock, VirtualClock
from xylophone.errors import BackendError, BackendMissing
from xylophone.instrument import Instrument
from xylophone.tables import Pulses

FAR = 3600.0
"""s; as far ahead as the board's numbers reach."""


class ToyBackend(Backend):
    """A backend whose hammers are a ToyBoard's; use it from one thread."""

    name = "toy"
    lookahead = 0.5

    def __init__(self, instrument: Instrument, clock: Clock, board: ToyBoard) -> None:
        super().__init__(instrument, clock)
        self.board = board

    def _write(self, pulses: Pulses) -> None:
        for start, width, _, channel in pulses.tolist():
            self._say(f"pulse {self._delay(start)} {round(1e6 * width)} {channel}")

    def _cancel(self, after: float) -> None:
        self._say(f"cancel {self._delay(after)}")

    def _switch_off(self) -> None:
        self._say("off")

    def _confirm_off(self) -> Coils:
        return Coils.OFF if self._say("coils") == "0" else Coils.UNCONFIRMED

    def _let_go(self) -> None:
        self.board.close()

    def _say(self, line: str) -> str:
        try:
            return self.board.ask(line)
        except OSError as error:
            if not self._faults.over:
                words = f"the board does not answer ({error}): check its cable, then open the backend again"
                self._faults.add(self.now(), words, BackendError)
            return ""

    def _delay(self, time: float) -> int:
        return round(1e6 * min(max(0.0, time - self.now()), FAR))


def open_toy(rest: str, instrument: Instrument, clock: Clock | None = None) -> ToyBackend:
    """Return the backend that `toy:` names."""
    clock = VirtualClock() if clock is None else clock
    if rest or not isinstance(clock, VirtualClock):
        raise BackendMissing(f"toy:{rest}: there is one toy, on a virtual clock: give toy:")
    return ToyBackend(instrument, clock, ToyBoard(clock))


@contextmanager
def toys() -> Iterator[None]:
    """Have the scheme `toy:` in the table of backends while the block runs."""
    SCHEMES["toy"] = ("backends.toy", "open_toy")
    try:
        yield
    finally:
        del SCHEMES["toy"]
