"""What a host says of its coils when it ends, whatever has died before: it is true."""

from __future__ import annotations

import os
import signal

import pytest

from gpio.playing import wait_for
from gpio.test_on_a_pi import KINDS, LINES, Stand, kind, model, playing, stand
from xylophone.wiring import HONEST_PINS

__all__ = ["kind", "model", "playing", "stand"]  # fixtures

KILL, STOP, TERM = signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM

DEATHS: list[dict[str, signal.Signals]] = [
    {"host": TERM},
    {"host": signal.SIGUSR1},
    {"dispatcher": KILL},
    {"dispatcher": KILL, "watchdog": KILL},
    {"watchdog": STOP, "dispatcher": STOP},
    {"watchdog": STOP, "host": TERM},
]


def named(deaths: dict[str, signal.Signals]) -> str:
    return " ".join(f"{who}-{number.name}" for who, number in deaths.items())


@pytest.mark.parametrize(
    ("deaths", "kind"),
    [(deaths, KINDS[(row + turn) % 3]) for row, deaths in enumerate(DEATHS) for turn in range(2)],
    ids=lambda value: named(value) if isinstance(value, dict) else value,
)
def test_coils_that_are_said_to_be_off_are(playing: Stand, deaths: dict[str, signal.Signals]) -> None:
    """Each with two of the three kinds of outputs."""
    host = playing.playing
    assert host is not None
    for who, number in deaths.items():
        host.kill(who, number)
    assert wait_for(lambda: host.has_ended("host"))
    assert (host.coils(), playing.coils()) == ("OFF", 0)


def test_where_nobody_can_switch_off_nobody_says_so(playing: Stand) -> None:
    host = playing.playing
    assert host is not None
    for who in ("watchdog", "dispatcher"):
        host.kill(who, STOP)
    line = LINES[playing.kind][0] if playing.kind in LINES else HONEST_PINS[0]
    playing.pi.state.owner[line] = os.getpid()  # another program has got hold of it
    assert wait_for(lambda: host.has_ended("host"))
    assert host.coils() == "UNCONFIRMED"
    assert any("SWITCH THE SUPPLY OF THE COILS OFF" in words for words in host.faults())
