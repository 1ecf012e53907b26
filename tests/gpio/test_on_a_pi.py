"""Host, dispatcher and watchdog with the real gpiozero, lgpio and smbus2, on a Pi that is fake below them.

What counts is which coils are on, by the physics of chips and pins, after whatever happens to a process, and
that the master enable is off then. The model of the Pi says which chip its pins are on, and the kernel what
becomes of them when a process has died.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import pytest

from gpio.fake_pi import MODELS, FakePi
from gpio.playing import Playing, wait_for
from xylophone.wiring import HONEST_PINS

KINDS = ("595", "mcp23017", "pins")
MASTER = 23
"""GPIO of the master enable."""

PINS = tuple(pin for pin in HONEST_PINS if pin != MASTER)
HAMMERS = {"595": 30, "mcp23017": 30, "pins": len(PINS)}
LINES = {"595": (25, 1), "mcp23017": (24, 0)}
"""The hardware line of a kind, and its level when all is off."""


class Stand:
    """A Pi, and a host that plays on it."""

    def __init__(self, kind: str, folder: Path, model: str) -> None:
        self.kind = kind
        self.pi = FakePi(folder, pins=PINS if kind == "pins" else (), model=model)
        self.playing: Playing | None = None

    def start(self) -> Playing:
        wiring = {"master_enable_pin": MASTER, "pins": PINS}
        self.playing = Playing(f"gpio:{self.kind}", self.pi.environment, HAMMERS[self.kind], wiring)
        return self.playing

    def coils(self) -> int:
        return self.pi.coils(self.kind)

    def play_on(self, changes: int = 20) -> None:
        """Wait until the coils have changed so often, and one is on: the master enable is then."""
        count = self.pi.state.logged + changes
        assert wait_for(lambda: self.pi.state.logged >= count and self.coils() != 0), self.playing.faults()
        assert self.pi.level(MASTER) == 1

    def is_off(self) -> bool:
        """Tell whether all coils are off, and the master enable."""
        return self.coils() == 0 and not self.pi.level(MASTER)

    def goes_off(self) -> bool:
        """Tell whether all coils and the master enable go off, and stay so."""
        before = -1

        def settled() -> bool:
            nonlocal before
            count, before = before, self.pi.state.logged
            return self.is_off() and count == before

        return wait_for(settled)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model() -> str:
    """The Pi; tests that depend on which it is have a parameter of this name."""
    return "4"


@pytest.fixture
def stand(kind: str, model: str, tmp_path: Path) -> Iterator[Stand]:
    stand = Stand(kind, tmp_path, model)
    try:
        yield stand
    finally:
        if stand.playing is not None:
            stand.playing.end()


@pytest.fixture
def playing(stand: Stand) -> Stand:
    stand.start()
    stand.play_on()
    return stand


PLAYERS = ("host", "dispatcher", "watchdog")
KERNELS = ("4", "5-mainline")


@pytest.mark.parametrize(("model", "kind"), list(zip(MODELS, cycle(KINDS), strict=False)))
def test_coils_go_on_one_after_the_other_and_none_before_the_first(playing: Stand) -> None:
    """The host strikes channels 0, 1, 2, ...; what 74HC595 power up with never gets through.

    On a machine that stalls, a strike may be left out as too late, or follow the one before it at once.
    """
    masks = [mask for _, mask in playing.pi.log(playing.kind)][:20]
    struck = [mask.bit_length() - 1 for mask in masks if mask]
    assert len(struck) >= 10
    assert [mask for mask in masks if mask] == [1 << channel for channel in struck]
    assert struck == sorted(set(struck))
    assert struck[0] < 3


def ended(playing: Stand, who: str, number: signal.Signals) -> None:
    """End a process, and assert what any end has to leave behind."""
    assert playing.playing is not None
    playing.playing.kill(who, number)
    assert wait_for(lambda: all(playing.playing.has_ended(one) for one in PLAYERS))
    assert playing.is_off()
    if playing.kind in LINES:
        line, off = LINES[playing.kind]
        assert playing.pi.level(line) in (None, off)


@pytest.mark.parametrize(
    ("who", "kind", "model"),
    [(who, kind, KERNELS[(a + b) % 2]) for a, who in enumerate(PLAYERS) for b, kind in enumerate(KINDS)],
)
def test_no_process_that_is_killed_leaves_a_coil_on(playing: Stand, who: str) -> None:
    """Each process with each kind of outputs, on the two kernels by turns."""
    ended(playing, who, signal.SIGKILL)


@pytest.mark.parametrize(("who", "kind"), list(zip(PLAYERS, KINDS, strict=True)))
def test_no_end_of_a_process_leaves_a_coil_on(playing: Stand, who: str) -> None:
    """Here when it is asked to leave; each with one kind of outputs."""
    ended(playing, who, signal.SIGTERM)


@pytest.mark.parametrize("who", PLAYERS)
def test_no_process_that_was_stopped_leaves_a_coil_on(playing: Stand, who: str) -> None:
    assert playing.playing is not None
    playing.playing.kill(who, signal.SIGSTOP)
    assert wait_for(lambda: playing.playing.is_stopped(who))
    assert playing.goes_off()


KILL, STOP = signal.SIGKILL, signal.SIGSTOP


DEATHS = (
    {"watchdog": KILL, "dispatcher": KILL},
    {"dispatcher": KILL, "watchdog": KILL},
    {"watchdog": STOP, "dispatcher": KILL},
    {"watchdog": STOP, "dispatcher": STOP},
    {"dispatcher": STOP, "watchdog": KILL},
    {"watchdog": STOP, "dispatcher": STOP, "host": signal.SIGTERM},
)
TWO_DEATHS = tuple(
    ({"host": number, who: number}) for number in (KILL, STOP) for who in ("dispatcher", "watchdog")
)


def by_turns(deaths: tuple[dict[str, signal.Signals], ...]) -> pytest.MarkDecorator:
    """Give each of them one of the three kinds of outputs and one of the two kernels, by turns."""
    ids = [" ".join(f"{who}-{number.name}" for who, number in one.items()) for one in deaths]
    turns = zip(deaths, cycle(KINDS), cycle(KERNELS), strict=False)
    return pytest.mark.parametrize(("deaths", "kind", "model"), list(turns), ids=ids)


@by_turns(DEATHS)
def test_without_dispatcher_and_watchdog_the_host_switches_off(
    playing: Stand, deaths: dict[str, signal.Signals]
) -> None:
    assert playing.playing is not None
    for who, number in deaths.items():
        playing.playing.kill(who, number)
    assert playing.playing.host.wait() in (1, 143)
    assert playing.is_off()
    assert not any("SWITCH" in words for words in playing.playing.faults())


@by_turns(TWO_DEATHS)
def test_without_host_and_another_the_third_switches_off(
    playing: Stand, deaths: dict[str, signal.Signals]
) -> None:
    assert playing.playing is not None
    for who, number in deaths.items():
        playing.playing.kill(who, number)
    assert playing.goes_off()
    rest = ({"host", "dispatcher", "watchdog"} - set(deaths)).pop()
    assert STOP in deaths.values() or wait_for(lambda: playing.playing.has_ended(rest))


@pytest.mark.parametrize("kind", ["595"])
@pytest.mark.parametrize("who", ["dispatcher", "watchdog"])
def test_a_process_that_is_asked_again_and_again_while_it_leaves_prints_nothing(
    playing: Stand, who: str
) -> None:
    """As after SIGSTOP, SIGCONT and SIGINT of a dispatcher; that nothing is printed is seen at the end."""
    assert playing.playing is not None
    with suppress(ProcessLookupError):
        while not playing.playing.has_ended(who):
            playing.playing.kill(who, signal.SIGINT)
    assert playing.goes_off()


@pytest.mark.parametrize("kind", ["mcp23017"])
def test_why_a_dispatcher_stands_still_is_said_while_it_does(playing: Stand) -> None:
    assert playing.playing is not None
    playing.playing.kill("dispatcher", STOP)
    assert wait_for(lambda: bool(playing.playing.faults()))
    assert playing.playing.faults()[0].startswith("the dispatcher was stopped: ")
    assert playing.goes_off()


@pytest.fixture
def one_core() -> Iterator[None]:
    """Have one core only, for all that is started meanwhile too: as a Pi Zero has."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.parametrize("kind", ["mcp23017", "pins"])
def test_the_next_start_is_not_kept_from_its_pins_by_one_that_was_killed(playing: Stand) -> None:
    assert playing.playing is not None
    playing.playing.kill("dispatcher", signal.SIGSTOP)
    playing.playing.kill("host", signal.SIGKILL)
    assert wait_for(lambda: playing.playing.has_ended("dispatcher") and playing.playing.has_ended("watchdog"))
    playing.playing.end()
    playing.start()
    playing.play_on()


@pytest.mark.parametrize("kind", ["595"])
def test_on_one_core_the_watchdog_lets_the_dispatcher_end(one_core: None, playing: Stand) -> None:
    assert playing.playing is not None
    playing.playing.kill("dispatcher", STOP)
    playing.playing.kill("host", KILL)
    assert wait_for(lambda: playing.playing.has_ended("dispatcher") and playing.playing.has_ended("watchdog"))
