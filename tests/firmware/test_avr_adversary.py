"""A host that means ill, on the emulated AVR with the shipped image; benchmarks/adversary.py goes on."""

from __future__ import annotations

import ctypes
import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from firmware.adversary import Found, Pattern, any_pattern, attack
from firmware.conftest import IMAGE
from firmware.emulated import EmulatedBoard
from firmware.talk import MS, Talk, milliseconds, strikes
from xylophone.instrument import KINDS, build_instrument
from xylophone.link import messages as m
from xylophone.link.limits import ceilings

WORST = json.loads(Path(__file__).with_name("worst_patterns.json").read_text(encoding="utf-8"))

TCCR0B = 0x45
RANDOM = 100
PIECES = 2
"""100 patterns at random in two tests."""


def harmless(found: Found) -> bool:
    """Whether no pulse outlasted its order, edges came when ordered, and loop and board were well."""
    return found.beyond_us <= 32 and found.astray_us <= 17 and found.slowest_us <= 1000 and not found.stuck


@pytest.mark.parametrize("row", WORST, ids=range(len(WORST)))
def test_the_worst_that_a_search_has_found(emulator: ctypes.CDLL, row: dict[str, object]) -> None:
    found = attack(emulator, IMAGE, Pattern.of(row))
    assert harmless(found), found
    assert found.fired


@pytest.mark.parametrize("piece", range(PIECES))
def test_patterns_at_random(emulator: ctypes.CDLL, piece: int) -> None:
    chance, fired = random.Random(piece), 0
    for _ in range(RANDOM // PIECES):
        pattern = any_pattern(chance)
        found = attack(emulator, IMAGE, pattern)
        assert harmless(found), (found, pattern.row())
        fired += found.fired
    assert fired > 5 * RANDOM / PIECES


def repeated(first: int, count: int, width: int, rest: int) -> np.ndarray:
    """Return strikes of three coils, back to back."""
    period = 4 * (width + rest)
    return strikes((first + n * period, channel, width) for n in range(count) for channel in range(3))


@pytest.mark.parametrize("longest_ms", [0.992, 1.0, 8.0, 24.992])
def test_back_to_back_at_the_least_rest_is_no_stuck_output(
    emulated: EmulatedBoard, longest_ms: float
) -> None:
    """Pulses as long as can be, and gaps that snapping makes shorter: every one is played."""
    talk = Talk(emulated)
    talk.begin(longest_ms=longest_ms)
    table = repeated(talk.clock + 60_000, 100, milliseconds(longest_ms), m.LEAST_REST_UNITS)
    talk.play(table, flood=True)
    status = talk.status()
    assert (status.fired, status.forced) == (300, 0)


@pytest.fixture
def kept(emulated: EmulatedBoard) -> Iterator[EmulatedBoard]:
    """A board that was flashed for the default hammers."""
    emulated.keep(m.CEILINGS_AT, ceilings(build_instrument()))
    return emulated


def test_a_board_keeps_the_ceilings_of_its_hammers(kept: EmulatedBoard) -> None:
    hello = Talk(kept).ask(m.Hello(7))
    assert isinstance(hello, m.HelloReply)
    assert hello.longest == milliseconds(1000 * KINDS["zye1-0530"].longest_pulse)


def test_a_board_that_knows_no_hammers_has_the_general_ceilings(emulated: EmulatedBoard) -> None:
    hello = Talk(emulated).ask(m.Hello(7))
    assert isinstance(hello, m.HelloReply)
    assert hello.longest == milliseconds(100)


def test_a_reset_does_not_cool_a_coil(emulated: EmulatedBoard) -> None:
    """110 ms of on-time: one pulse of 100 ms, a reset, and the second one is refused."""
    talk = Talk(emulated)
    talk.begin(longest_ms=100.0, capacity=220_000)
    talk.play(strikes([(talk.clock + 100_000, 5, milliseconds(100))]))
    emulated.run(emulated.cycle + 80 * MS)
    emulated.poke(TCCR0B, 0)  # the supervisor stands still: the watchdog resets
    talk.run(emulated.cycle + 700 * MS)
    boots = [message for message in talk.heard if isinstance(message, m.Boot) and message.boot != talk.boot]
    assert boots, "no BOOT with another id after the reset"
    again = Talk(emulated)
    again.begin(longest_ms=100.0, capacity=220_000)
    reply = again.ask(m.Sync(1))
    assert isinstance(reply, m.SyncReply)
    again.send(m.StrikesMessage(strikes([(reply.sent + 100_000, 5, milliseconds(100))])))
    again.run(emulated.cycle + 200 * MS)
    status = again.status()
    assert (status.fired, status.heat) == (0, 1)
