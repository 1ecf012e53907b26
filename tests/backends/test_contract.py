"""What every backend keeps to, and the clock that tests own. A new backend joins BACKENDS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest

from backends.serial_world import World
from backends.toy import toys
from gpio.mocked import KINDS, backend_on
from xylophone.backends import SCHEMES, open_backend
from xylophone.backends.backend import Backend
from xylophone.backends.contract import Coils
from xylophone.backends.serial import SerialBackend
from xylophone.clock import VirtualClock
from xylophone.errors import BackendError, OptionError, OrderError, SafetyError
from xylophone.gpio.guards import NullGuard
from xylophone.gpio.null import Null
from xylophone.instrument import Instrument, build_instrument
from xylophone.tables import PULSE, STRIKE, Rows

INSTRUMENT = build_instrument()
WIDTH = 0.013

Opener = Callable[[Instrument, VirtualClock], AbstractContextManager[Backend]]


def simulated(instrument: Instrument, clock: VirtualClock) -> AbstractContextManager[Backend]:
    """Open the simulated backend on a virtual clock."""
    return open_backend("sim:?scatter=0", instrument, clock)


def on_a_board(instrument: Instrument, clock: VirtualClock) -> AbstractContextManager[Backend]:
    """Open the serial backend over the real core of the firmware; left out where it cannot be built."""
    return SerialBackend(instrument, World(clock=clock).connect, clock)


def without_wires(instrument: Instrument, clock: VirtualClock) -> AbstractContextManager[Backend]:
    """Open the GPIO backend with outputs that are nowhere."""
    return backend_on(Null(), NullGuard(), instrument, clock)


def with_outputs(kind: str) -> Opener:
    """Open the GPIO backend on mocked hardware, where all coils must be off at the end."""

    @contextmanager
    def opened(instrument: Instrument, clock: VirtualClock) -> Iterator[Backend]:
        with KINDS[kind](instrument, clock) as (backend, coils):
            try:
                with backend:
                    yield backend
            finally:
                assert coils() == 0

    return opened


@contextmanager
def on_a_toy(instrument: Instrument, clock: VirtualClock) -> Iterator[Backend]:
    """Open the backend that a maker wrote, where all coils must be off at the end."""
    with toys():
        opened = open_backend("toy:", instrument, clock)
    try:
        with opened:
            yield opened
    finally:
        assert not opened.board.coils


BACKENDS: dict[str, Opener] = {
    "sim": simulated,
    "toy": on_a_toy,
    "serial": on_a_board,
    "gpio:null": without_wires,
    **{f"gpio:{kind}": with_outputs(kind) for kind in KINDS},
}
"""Backends that are held to the contract, all on a virtual clock."""


NOTICE = {"sim": 0.0, "toy": 0.0, "serial": 0.005, "gpio": 0.0}
"""s from handing a pulse over to its start that a backend needs to play it: hardware has a line between."""

REST = {"sim": 0.0, "toy": 0.0, "serial": 0.024, "gpio": 0.024}
"""s that a coil must be off before it goes on again: a board insists on half of what recovery leaves."""

BEFORE = 5.0
"""s that a backend is given to open; its clock comes by 0 when it is ready."""


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with BACKENDS[request.param](INSTRUMENT, VirtualClock(-BEFORE)) as opened:
        wait(opened, 0.0)
        yield opened


def pulses(*rows: tuple[float, float, int]) -> Rows:
    """Return a table of (start, width, channel)."""
    table = np.zeros(len(rows), PULSE)
    for number, (start, width, channel) in enumerate(rows):
        table[number] = (start, width, number, channel)
    return table


def wait(backend: Backend, until: float) -> None:
    """Let the time pass."""
    backend.clock.wait_until(until)


def test_every_backend_is_held_to_the_contract():
    assert {name.partition(":")[0] for name in BACKENDS} == {*SCHEMES, "toy"}


def test_its_time_is_its_clock(backend):
    wait(backend, 1.25)
    assert backend.now() == 1.25
    assert backend.lookahead > 0


def test_pulses_that_have_ended_are_counted(backend):
    backend.schedule(pulses((0.1, WIDTH, 0), (0.2, WIDTH, 1), (0.2, WIDTH, 2)))
    assert backend.report().pulses == 0
    wait(backend, 0.205)
    assert backend.report().pulses == 1
    wait(backend, 0.3)
    assert backend.report().pulses == 3
    assert backend.report().late == 0


def test_nothing_may_start_before_what_is_scheduled(backend):
    backend.schedule(pulses((0.5, WIDTH, 0)))
    with pytest.raises(
        OrderError, match=r"pulse at 0\.400000 s starts before one already scheduled \(0\.500"
    ):
        backend.schedule(pulses((0.4, WIDTH, 1)))
    backend.schedule(pulses((0.5, WIDTH, 1)))
    wait(backend, 1.0)
    assert backend.report().pulses == 2


def test_a_table_out_of_order_is_refused_whole(backend):
    with pytest.raises(OrderError):
        backend.schedule(pulses((0.1, WIDTH, 0), (0.3, WIDTH, 1), (0.2, WIDTH, 2)))
    wait(backend, 1.0)
    assert backend.report().pulses == 0
    assert backend.report().refused == {"order": 3}


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ((0.1, 0.05, 3), SafetyError, r"pulse of 50\.000 ms for hammer A#4: its longest is 22 ms; shorten"),
        ((0.1, float("nan"), 3), BackendError, "start must be a number and width above 0"),
        ((0.1, 0.0, 3), BackendError, "start must be a number and width above 0"),
        ((float("inf"), WIDTH, 3), BackendError, "start must be a number"),
        ((0.1, WIDTH, 30), BackendError, r"channel 30 has no hammer: .*\(0\.\.29\)"),
    ],
)
def test_a_pulse_that_must_not_be_is_refused_with_all_that_came_with_it(backend, row, error, message):
    with pytest.raises(error, match=message):
        backend.schedule(pulses((0.05, WIDTH, 0), row))
    wait(backend, 1.0)
    assert backend.report().pulses == 0
    assert sum(backend.report().refused.values()) == 2


def test_a_coil_is_never_on_twice(backend):
    with pytest.raises(SafetyError, match=r"hammer G4: its coil is on until 0\.113000 s"):
        backend.schedule(pulses((0.1, WIDTH, 0), (0.11, WIDTH, 0)))
    backend.schedule(pulses((0.1, WIDTH, 0)))
    with pytest.raises(SafetyError, match="hammer G4"):
        backend.schedule(pulses((0.112, WIDTH, 0)))
    backend.schedule(pulses((0.1 + WIDTH + REST[backend.name], WIDTH, 0)))
    wait(backend, 1.0)
    assert backend.report().pulses == 2


def test_a_table_of_something_else_is_a_type_error(backend):
    with pytest.raises(TypeError, match="dtype PULSE"):
        backend.schedule(np.zeros(1, STRIKE))


def test_no_pulses_are_fine(backend):
    backend.schedule(pulses())
    assert backend.report().pulses == 0


def test_a_late_pulse_is_counted_reported_and_not_played(backend):
    wait(backend, 1.0)
    backend.schedule(pulses((0.98, WIDTH, 0), (0.99, WIDTH, 1), (1.0 + NOTICE[backend.name], WIDTH, 2)))
    wait(backend, 2.0)
    report = backend.report()
    assert (report.pulses, report.late) == (1, 2)
    assert report.latest == pytest.approx(0.02)
    faults = backend.poll()
    assert [fault.time for fault in faults] == [1.0]
    assert "2 pulses came up to 20.0 ms late and were not played" in faults[0].message
    assert not faults[0].fatal
    assert backend.poll() == ()


def test_cancel_takes_back_what_has_not_started_and_the_order_mark(backend):
    backend.schedule(pulses((0.1, WIDTH, 0), (0.2, WIDTH, 1), (0.3, WIDTH, 2)))
    wait(backend, 0.105)
    assert backend.cancel(0.2) == 2
    backend.schedule(pulses((0.15, WIDTH, 3), (0.2, WIDTH, 1)))
    wait(backend, 1.0)
    assert backend.report().pulses == 3
    assert backend.report().cancelled == 2


def test_cancel_leaves_what_is_running_and_what_starts_sooner(backend):
    backend.schedule(pulses((0.1, WIDTH, 0), (0.2, WIDTH, 1), (0.3, WIDTH, 2)))
    wait(backend, 0.105)
    assert backend.cancel(0.0) == 2
    assert backend.cancel(0.0) == 0
    with pytest.raises(SafetyError, match="G4"):
        backend.schedule(pulses((0.11, WIDTH, 0)))
    wait(backend, 1.0)
    assert backend.report().pulses == 1


def test_silence_cuts_what_runs_forgets_the_rest_and_can_be_used_afterwards(backend):
    backend.schedule(pulses((0.1, WIDTH, 0), (0.2, WIDTH, 1)))
    wait(backend, 0.105)
    backend.silence()
    backend.silence()
    backend.schedule(pulses((0.106 + 2 * NOTICE[backend.name] + REST[backend.name], WIDTH, 0)))
    wait(backend, 1.0)
    assert backend.report().pulses == 1
    assert backend.report().cancelled == 1
    assert backend.report().notes["cut"] == 1


def test_stop_refuses_everything_until_it_is_cleared(backend):
    backend.schedule(pulses((0.1, WIDTH, 0)))
    backend.stop()
    backend.stop()
    with pytest.raises(SafetyError, match="emergency stop is on: call clear"):
        backend.schedule(pulses((0.2, WIDTH, 0)))
    backend.clear()
    backend.schedule(pulses((0.2, WIDTH, 0)))
    wait(backend, 1.0)
    assert backend.report().pulses == 1


def test_closing_silences_and_is_final(backend):
    backend.schedule(pulses((0.1, WIDTH, 0)))
    backend.close()
    backend.close()
    backend.silence()
    wait(backend, 1.0)
    assert backend.report().pulses == 0
    with pytest.raises(BackendError, match="closed"):
        backend.schedule(pulses((2.0, WIDTH, 0)))


def test_it_says_whether_its_coils_are_off(backend):
    assert backend.coils is Coils.UNCONFIRMED
    for off in (backend.silence, backend.stop, backend.close):
        backend.schedule(pulses((backend.now() + 0.2, WIDTH, 0)))
        assert backend.coils is Coils.UNCONFIRMED
        off()
        assert backend.coils is Coils.OFF
        backend.clear()


@pytest.mark.parametrize("opener", BACKENDS.values(), ids=BACKENDS)
def test_leaving_by_an_exception_silences(opener):
    clock, left = VirtualClock(-BEFORE), []

    def play() -> None:
        with opener(INSTRUMENT, clock) as opened:
            left.append(opened)
            wait(opened, 0.0)
            opened.schedule(pulses((0.1, WIDTH, 0)))
            raise KeyError

    with pytest.raises(KeyError):
        play()
    clock.wait_until(1.0)
    assert left[0].report().pulses == 0


class TestVirtualClock:
    def test_only_waiting_moves_it(self):
        clock = VirtualClock(5.0)
        assert (clock.now(), clock.now()) == (5.0, 5.0)
        clock.wait_until(6.5)
        assert clock.now() == 6.5

    def test_a_moment_that_is_past_is_not_waited_for(self):
        clock = VirtualClock(5.0)
        clock.wait_until(1.0)
        assert clock.now() == 5.0

    def test_calls_come_in_order_of_time_and_those_of_one_moment_as_they_were_asked_for(self):
        clock, seen = VirtualClock(), []
        for name, moment in (("c", 2.0), ("a", 1.0), ("b", 1.0), ("late", 9.0)):
            clock.at(moment, lambda name=name: seen.append((name, clock.now())))
        clock.wait_until(3.0)
        assert seen == [("a", 1.0), ("b", 1.0), ("c", 2.0)]
        assert clock.now() == 3.0

    def test_wake_ends_a_wait_where_it_happens_or_the_next(self):
        clock = VirtualClock()
        clock.at(1.0, clock.wake)
        clock.wait_until(5.0)
        assert clock.now() == 1.0
        clock.wake()
        clock.wait_until(5.0)
        assert clock.now() == 1.0
        clock.wait_until(5.0)
        assert clock.now() == 5.0

    def test_what_cannot_be_is_an_error(self):
        clock = VirtualClock(2.0)
        with pytest.raises(OptionError, match=r"time 1\.0 s is past"):
            clock.at(1.0, clock.wake)
        with pytest.raises(OptionError, match="cannot wait until inf"):
            clock.wait_until(float("inf"))
