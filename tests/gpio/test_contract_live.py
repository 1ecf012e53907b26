"""The contract again, through the real processes in real time: without wires, and on a Pi fake below them.

tests/backends/test_contract.py holds all of it on a virtual clock. Here a machine that stalls may make a
pulse too late to be played, which is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from gpio.fake_pi import FakePi
from gpio.playing import wait_for
from xylophone.backends import open_backend
from xylophone.backends.gpio import GpioBackend
from xylophone.errors import BackendError, OrderError, SafetyError
from xylophone.instrument import Instrument, build_instrument
from xylophone.tables import PULSE, Rows
from xylophone.wiring import HONEST_PINS, Wiring

WHOLE = build_instrument()
MASTER = 23
WIRING = Wiring(master_enable_pin=MASTER, pins=tuple(pin for pin in HONEST_PINS if pin != MASTER))
INSTRUMENT = Instrument(WHOLE.name, WHOLE.kind, WHOLE.hammers[: len(WIRING.pins)], WHOLE.supply_limit)
WIDTH, SOON = 0.013, 0.1


class Live:
    """A backend, and the coils behind it where there are some."""

    def __init__(self, kind: str, pi: FakePi) -> None:
        self.kind, self.pi = kind, pi
        self.backend: GpioBackend = open_backend(f"gpio:{kind}", INSTRUMENT, None, WIRING)

    def pulses(self, *rows: tuple[float, int]) -> Rows:
        """Return pulses of (s from soon on, channel)."""
        table = np.zeros(len(rows), PULSE)
        begin = self.backend.now() + SOON
        for place, (start, channel) in enumerate(rows):
            table[place] = (begin + start, WIDTH, place, channel)
        return table

    def done(self) -> int:
        """Return how many pulses were played, or are counted as late."""
        report = self.backend.report()
        return report.pulses + report.late

    def coils(self) -> int:
        return 0 if self.kind == "null" else self.pi.coils(self.kind)

    def is_enabled(self) -> bool:
        """Tell whether the master enable is on, or is not there."""
        return self.kind == "null" or self.pi.level(MASTER) == 1


@pytest.fixture
def live(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    pi = FakePi(tmp_path, pins=WIRING.pins if request.param == "pins" else ())
    for name, value in (pi.environment | {"GPIOZERO_PIN_FACTORY": "lgpio"}).items():
        monkeypatch.setenv(name, value)  # for the two processes; this one sees nothing of that Pi
    made = Live(request.param, pi)
    with made.backend:
        yield made
    assert made.coils() == 0


KINDS = cycle(("595", "mcp23017", "pins"))


def by_turns(test: Callable[[Live], None]) -> Callable[[Live], None]:
    """Run a test without wires and on the next of the three kinds of outputs."""
    return pytest.mark.parametrize("live", ["null", next(KINDS)], indirect=True)(test)


@by_turns
def test_pulses_are_played_and_counted(live: Live) -> None:
    live.backend.schedule(live.pulses((0.0, 0), (0.05, 1), (0.05, 2)))
    assert live.done() == 0
    assert wait_for(lambda: live.done() == 3)
    assert live.backend.poll() == () or live.backend.line.denied
    if live.kind != "null":
        masks = [mask for _, mask in live.pi.log(live.kind) if mask]
        assert {bit for mask in masks for bit in (1, 2, 4) if mask & bit} <= {1, 2, 4}
        assert masks


@by_turns
def test_order_and_limits_are_held(live: Live) -> None:
    first, second = live.pulses((0.2, 0)), live.pulses((0.0, 1))
    live.backend.schedule(first)
    with pytest.raises(OrderError):
        live.backend.schedule(second)
    long = live.pulses((0.3, 3))
    long["width"] = 0.05
    with pytest.raises(SafetyError, match="its longest is"):
        live.backend.schedule(long)
    assert wait_for(lambda: live.done() == 1)


@by_turns
def test_what_has_not_started_can_be_taken_back(live: Live) -> None:
    rows = live.pulses((0.0, 0), (5.0, 1), (6.0, 2))
    live.backend.schedule(rows[:1])
    live.backend.schedule(rows[1:])
    assert live.backend.cancel(float(rows["start"][1])) == 2
    live.backend.schedule(live.pulses((0.05, 3)))
    assert wait_for(lambda: live.done() == 2)
    assert live.backend.report().cancelled == 2


@by_turns
def test_silence_forgets_and_can_be_used_afterwards(live: Live) -> None:
    live.backend.schedule(live.pulses((1.0, 0), (2.0, 1)))
    live.backend.silence()
    assert live.coils() == 0
    live.backend.schedule(live.pulses((0.05, 2)))
    assert wait_for(lambda: live.done() == 1)
    assert live.backend.report().cancelled == 2


@by_turns
def test_stop_is_off_until_it_is_cleared(live: Live) -> None:
    live.backend.schedule(live.pulses((1.0, 0)))
    assert live.is_enabled()
    live.backend.stop()
    assert live.coils() == 0
    assert wait_for(lambda: live.kind == "null" or not live.is_enabled())
    with pytest.raises(SafetyError, match="call clear"):
        live.backend.schedule(live.pulses((0.0, 0)))
    live.backend.clear()
    live.backend.schedule(live.pulses((0.1, 0)))
    assert wait_for(lambda: live.done() == 1)
    assert wait_for(live.is_enabled)


@by_turns
def test_a_pulse_that_is_past_is_late(live: Live) -> None:
    late = live.pulses((0.0, 0))
    late["start"] -= 2 * SOON
    live.backend.schedule(late)
    report = live.backend.report()
    assert (report.pulses, report.late) == (0, 1)
    assert any("late and was not played" in fault.message for fault in live.backend.poll())


@by_turns
def test_closing_is_final(live: Live) -> None:
    live.backend.schedule(live.pulses((0.0, 0)))
    live.backend.close()
    live.backend.close()
    assert live.coils() == 0
    with pytest.raises(BackendError, match="closed"):
        live.backend.schedule(live.pulses((0.0, 0)))


@by_turns
def test_leaving_by_an_exception_ends_both_processes(live: Live) -> None:
    def play() -> None:
        with live.backend:
            live.backend.schedule(live.pulses((0.0, 0)))
            raise KeyError

    with pytest.raises(KeyError):
        play()
    assert live.coils() == 0
    assert not any(Path(f"/proc/{process}").exists() for process in live.backend.line.processes)
