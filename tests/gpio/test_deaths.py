"""What switches the coils off: each row of the table in docs/wiring.md that software holds.

Here without wires: what was written, and whether the watchdog's line would have let it through, is in traces.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import forking
from gpio.playing import Playing, wait_for
from xylophone.gpio.host import LEAVING, OFF
from xylophone.gpio.null import read_trace

ASKED = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


class Bench:
    """A host that plays without wires, and the coils as they would be."""

    def __init__(self, folder: Path, period: float = 0.025) -> None:
        self._trace = folder / "writes"
        self.playing = Playing(f"gpio:null?trace={self._trace}", period=period)

    def masks(self) -> list[int]:
        return [mask for _, mask in read_trace(str(self._trace))]

    def line(self) -> list[int]:
        """What the hardware line was set to: 1 lets the outputs be on."""
        return [level for _, level in read_trace(f"{self._trace}.guard")]

    def is_off(self) -> bool:
        return self.masks()[-1] == 0 or self.line()[-1] == 0

    def play_on(self, masks: int = 20) -> None:
        """Wait until so many more masks were written, the last of which has a coil on."""
        count = len(self.masks()) + masks
        assert wait_for(lambda: len(self.masks()) >= count and self.masks()[-1] != 0)

    def stays_off(self) -> bool:
        """Tell whether the coils go off and all is over."""
        before = 0

        def settled() -> bool:
            nonlocal before
            count, before = before, len(self.masks())
            return self.is_off() and before == count

        return wait_for(settled)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    try:
        bench.play_on()
        yield bench
    finally:
        bench.playing.end()


@pytest.mark.parametrize("number", ASKED)
def test_a_host_that_is_asked_to_leave_switches_off_and_ends_all(bench, number):
    bench.playing.kill("host", number)
    assert bench.playing.host.wait() in (ASKED[number], -number)
    assert bench.masks()[-1] == 0
    assert bench.line()[-1] == 0
    assert wait_for(lambda: bench.playing.has_ended("dispatcher") and bench.playing.has_ended("watchdog"))


def test_an_exception_in_the_host_switches_off_and_ends_all(tmp_path):
    trace = tmp_path / "writes"
    program = f"""
import numpy as np
from xylophone import build_instrument, open_backend
from xylophone.tables import PULSE
with open_backend("gpio:null?trace={trace}", build_instrument()) as backend:
    backend.schedule(np.array([(backend.now() + 0.01, 0.02, 0, 3)], PULSE))
    while backend.report().notes["writes"] < 1:
        pass
    raise RuntimeError("in play")
"""
    ran = forking.run(["-c", program], env=os.environ, capture_output=True, text=True)
    assert "RuntimeError: in play" in ran.stderr
    assert 1 << 3 in [mask for _, mask in read_trace(str(trace))]
    assert read_trace(str(trace))[-1][1] == 0
    assert read_trace(f"{trace}.guard")[-1][1] == 0


def test_a_host_that_is_killed_takes_both_with_it_and_all_is_off(bench):
    bench.playing.kill("host", signal.SIGKILL)
    assert wait_for(lambda: bench.playing.has_ended("dispatcher") and bench.playing.has_ended("watchdog"))
    assert bench.masks()[-1] == 0
    assert bench.line()[-1] == 0


def test_a_host_that_is_stopped_is_silent_and_can_go_on(bench):
    bench.playing.kill("host", signal.SIGSTOP)
    assert wait_for(lambda: bench.playing.is_stopped("host"))
    assert bench.stays_off()
    bench.playing.kill("host", signal.SIGCONT)
    bench.play_on()
    assert wait_for(lambda: any("this program was stopped" in fault for fault in bench.playing.faults()))


def test_a_dispatcher_that_is_killed_is_cut_off_and_said(bench):
    bench.playing.kill("dispatcher", signal.SIGKILL)
    assert wait_for(lambda: bench.line()[-1] == 0)
    assert bench.playing.host.wait() == 1
    assert "the dispatcher ended (signal 9)" in bench.playing.faults()[-1]
    assert wait_for(lambda: bench.playing.has_ended("watchdog"))


def test_a_dispatcher_that_is_stopped_is_cut_off_and_goes_on_when_it_is_continued(bench):
    bench.playing.kill("dispatcher", signal.SIGSTOP)
    assert wait_for(lambda: bench.line()[-1] == 0)
    bench.playing.kill("dispatcher", signal.SIGCONT)
    assert wait_for(lambda: bench.playing.host.poll() is not None or bench.line()[-1] == 1)
    if bench.playing.host.poll() is None:
        bench.play_on()
        assert wait_for(lambda: any("on duty again" in fault for fault in bench.playing.faults()))
    assert any("the dispatcher was stopped" in fault for fault in bench.playing.faults())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_dispatcher_that_is_asked_to_leave_switches_off(bench, number):
    bench.playing.kill("dispatcher", number)
    assert bench.playing.host.wait() == 1
    assert bench.masks()[-1] == 0
    assert bench.line()[-1] == 0
    assert "asked to end by a signal" in bench.playing.faults()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_without_its_watchdog_the_dispatcher_writes_zeros_and_stops(bench, number):
    bench.playing.kill("watchdog", number)
    assert bench.playing.host.wait() == 1
    assert bench.masks()[-1] == 0
    assert "the watchdog has ended" in bench.playing.faults()[-1]
    assert wait_for(lambda: bench.playing.has_ended("dispatcher"))


def test_with_a_watchdog_that_is_stopped_the_dispatcher_writes_zeros_and_stops(bench):
    bench.playing.kill("watchdog", signal.SIGSTOP)
    assert bench.stays_off()
    assert bench.playing.host.wait() == 1
    assert bench.masks()[-1] == 0
    assert "the watchdog was stopped" in bench.playing.faults()[-1]


def test_a_watchdog_that_is_stopped_in_a_pause_lets_no_coil_go_on(tmp_path):
    bench = Bench(tmp_path, period=0.4)
    try:
        assert wait_for(lambda: any(bench.masks()) and bench.masks()[-1] == 0)
        bench.playing.kill("watchdog", signal.SIGSTOP)
        strikes, begin = sum(map(bool, bench.masks())), time.monotonic()
        assert bench.playing.host.wait() == 1
        assert sum(map(bool, bench.masks())) == strikes
        assert "the watchdog was stopped" in bench.playing.faults()[-1]
        assert time.monotonic() - begin < LEAVING
    finally:
        bench.playing.end()


def test_a_dispatcher_that_stays_stopped_is_told_by_its_watchdog(bench):
    bench.playing.kill("dispatcher", signal.SIGSTOP)
    assert wait_for(lambda: bool(bench.playing.faults()))
    assert bench.playing.faults() == ["the dispatcher was stopped: the watchdog has switched all outputs off"]


@pytest.mark.parametrize("first", ["dispatcher", "watchdog"])
def test_where_both_are_killed_the_host_takes_the_line(bench, first):
    bench.playing.kill(first, signal.SIGKILL)
    bench.playing.kill("watchdog" if first == "dispatcher" else "dispatcher", signal.SIGKILL)
    assert bench.playing.host.wait() == 1
    assert bench.is_off()
    assert bench.line()[-1] == 0


def test_where_both_are_stopped_the_host_takes_the_line(bench):
    for who in ("watchdog", "dispatcher"):
        bench.playing.kill(who, signal.SIGSTOP)
    assert bench.playing.host.wait() == 1
    assert bench.line()[-1] == 0
    # a dispatcher that has seen the watchdog stand still before it stood still itself has told so
    assert re.match(
        "(dispatcher and watchdog were|the watchdog was) stopped: all outputs are off",
        bench.playing.faults()[-1],
    )


def test_a_watchdog_that_does_not_answer_is_not_said_to_have_switched_off(tmp_path):
    """The dispatcher stands still and so does the watchdog, before the host asks for silence."""
    program = f"""
import os, signal
from xylophone import build_instrument, open_backend
with open_backend("gpio:null?trace={tmp_path / "writes"}", build_instrument()) as backend:
    for process in backend.line.processes:
        os.kill(process, signal.SIGSTOP)
    backend.silence()
    print([fault.message for fault in backend.poll()])
"""
    ran = forking.run(["-c", program], env=os.environ, capture_output=True, text=True)
    assert ran.stdout == f"['the dispatcher does not answer: {OFF}']\n"
    assert read_trace(f"{tmp_path / 'writes'}.guard")[-1][1] == 0


def test_the_true_reason_is_raised_by_what_is_asked_next(tmp_path):
    program = f"""
import os, signal, time
from xylophone import build_instrument, open_backend
from xylophone.errors import BackendError
with open_backend("gpio:null?trace={tmp_path / "writes"}", build_instrument()) as backend:
    os.kill(backend.line.processes[0], signal.SIGTERM)
    time.sleep(0.2)
    try:
        backend.cancel(0.0)
    except BackendError as error:
        print(error)
"""
    ran = forking.run(["-c", program], env=os.environ, capture_output=True, text=True)
    assert "asked to end by a signal" in ran.stdout
