"""Host, dispatcher and watchdog with the real gpiozero, lgpio and smbus2, on a Pi that is fake below them.

What counts is which coils are on, by the physics of chips and pins, after whatever happens to a process.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpio.fake_pi import FakePi
from gpio.playing import Playing, wait_for
from xylophone.wiring import HONEST_PINS

KINDS = ("595", "mcp23017", "pins")
HAMMERS = {"595": 30, "mcp23017": 30, "pins": len(HONEST_PINS)}
LINES = {"595": (25, 1), "mcp23017": (24, 0)}
"""The hardware line of a kind, and its level when all is off."""


class Stand:
    """A Pi, and a host that plays on it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.pi = FakePi(folder, pins=HONEST_PINS if kind == "pins" else ())
        self.playing: Playing | None = None

    def start(self, hammers: int = 0, **wiring: Any) -> Playing:
        self.playing = Playing(
            f"gpio:{self.kind}", self.pi.environment, hammers or HAMMERS[self.kind], wiring
        )
        return self.playing

    def coils(self) -> int:
        return self.pi.coils(self.kind)

    def play_on(self, changes: int = 20) -> None:
        """Wait until the coils have changed so often, and one is on."""
        count = self.pi.state.logged + changes
        assert wait_for(lambda: self.pi.state.logged >= count and self.coils() != 0), self.playing.faults()

    def goes_off(self) -> bool:
        """Tell whether all coils go off and stay so."""
        before = -1

        def settled() -> bool:
            nonlocal before
            count, before = before, self.pi.state.logged
            return self.coils() == 0 and count == before

        return wait_for(settled)


@pytest.fixture(params=KINDS)
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    stand = Stand(request.param, tmp_path)
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


def test_coils_go_on_one_after_the_other_and_none_before_the_first(playing: Stand) -> None:
    """The host strikes channels 0, 1, 2, ...; what 74HC595 power up with never gets through.

    On a machine that stalls, a strike may be left out as too late.
    """
    masks = [mask for _, mask in playing.pi.log(playing.kind)][:20]
    struck = [mask.bit_length() - 1 for mask in masks[::2]]
    assert len(struck) == 10
    assert masks[::2] == [1 << channel for channel in struck]
    assert masks[1::2] == [0] * 10
    assert struck == sorted(struck)
    assert struck[0] < 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.parametrize("who", ["host", "dispatcher", "watchdog"])
def test_no_end_of_a_process_leaves_a_coil_on(playing: Stand, who: str, number: signal.Signals) -> None:
    assert playing.playing is not None
    playing.playing.kill(who, number)
    assert wait_for(lambda: all(playing.playing.has_ended(one) for one in ("host", "dispatcher", "watchdog")))
    assert playing.coils() == 0
    if playing.kind in LINES and who != "watchdog":
        line, off = LINES[playing.kind]
        assert playing.pi.level(line) in (None, off)


@pytest.mark.parametrize("who", ["host", "dispatcher", "watchdog"])
def test_no_process_that_was_stopped_leaves_a_coil_on(playing: Stand, who: str) -> None:
    assert playing.playing is not None
    playing.playing.kill(who, signal.SIGSTOP)
    assert wait_for(lambda: playing.playing.is_stopped(who))
    assert playing.goes_off()


KILL, STOP = signal.SIGKILL, signal.SIGSTOP


@pytest.mark.parametrize(
    "deaths",
    [
        {"watchdog": KILL, "dispatcher": KILL},
        {"dispatcher": KILL, "watchdog": KILL},
        {"watchdog": STOP, "dispatcher": KILL},
        {"watchdog": STOP, "dispatcher": STOP},
        {"dispatcher": STOP, "watchdog": KILL},
        {"watchdog": STOP, "dispatcher": STOP, "host": signal.SIGTERM},
    ],
    ids=lambda deaths: " ".join(f"{who}-{number.name}" for who, number in deaths.items()),
)
def test_without_dispatcher_and_watchdog_the_host_switches_off(
    playing: Stand, deaths: dict[str, signal.Signals]
) -> None:
    assert playing.playing is not None
    for who, number in deaths.items():
        playing.playing.kill(who, number)
    assert playing.playing.host.wait(20) in (1, 143)
    assert playing.coils() == 0
    assert not any("SWITCH" in words for words in playing.playing.faults())


@pytest.mark.parametrize("number", [KILL, STOP])
@pytest.mark.parametrize("who", ["dispatcher", "watchdog"])
def test_without_host_and_another_the_third_switches_off(
    playing: Stand, who: str, number: signal.Signals
) -> None:
    assert playing.playing is not None
    for one in ("host", who):
        playing.playing.kill(one, number)
    assert playing.goes_off()
    rest = ({"host", "dispatcher", "watchdog"} - {"host", who}).pop()
    assert number == STOP or wait_for(lambda: playing.playing.has_ended(rest))


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


def test_the_next_start_is_not_kept_from_its_pins_by_one_that_was_killed(playing: Stand) -> None:
    assert playing.playing is not None
    playing.playing.kill("dispatcher", signal.SIGSTOP)
    playing.playing.kill("host", signal.SIGKILL)
    assert wait_for(lambda: playing.playing.has_ended("dispatcher") and playing.playing.has_ended("watchdog"))
    playing.playing.end()
    playing.start()
    playing.play_on()


def test_on_one_core_the_watchdog_lets_the_dispatcher_end(one_core: None, playing: Stand) -> None:
    assert playing.playing is not None
    playing.playing.kill("dispatcher", STOP)
    playing.playing.kill("host", KILL)
    assert wait_for(lambda: playing.playing.has_ended("dispatcher") and playing.playing.has_ended("watchdog"))
