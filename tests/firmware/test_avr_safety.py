"""What ends a pulse when all goes wrong, on the emulated processor with the shipped image."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from firmware.emulated import ENABLE, PORTS, EmulatedBoard
from firmware.talk import CHANNELS, MS, Talk, milliseconds, strikes
from xylophone.link import messages as m

PORTA, PORTL = 0x22, 0x10B
TCCR0B = 0x45
STOP_WITHIN = 100
"""Cycles (6.25 us) from the last stop bit to all outputs low."""

Opener = Callable[[], EmulatedBoard]


def last_write(board: EmulatedBoard, since: int) -> int:
    """Return the cycle of the last change of an output after a cycle."""
    writes = board.port_writes()
    return int(writes["cycle"][(writes["cycle"] >= since) & (writes["port"] != ENABLE)].max())


@pytest.mark.parametrize("phase", range(0, 640, 16))
def test_raw_stop(emulated: EmulatedBoard, phase: int) -> None:
    """In the midst of a dense run, behind other bytes, at any moment: low within 100 cycles and for good."""
    talk = Talk(emulated)
    talk.begin()
    first = talk.clock + 100_000
    rows = [
        (first + 41 * step, step % CHANNELS, milliseconds(2) + 11 * step)
        for step in range(8 * CHANNELS)
        if step % CHANNELS < 20
    ]
    for begin in range(0, len(rows), 8):
        talk.send(m.StrikesMessage(strikes(rows[begin : begin + 8])))
    talk.run(int(talk.cycle(first + 41 * 60)) + phase)
    assert emulated.outputs()
    arrived = emulated.send(talk.frame(m.Sync(1)) + m.RAW_STOP)
    emulated.run(arrived + 100 * MS)
    assert emulated.outputs() == 0
    assert last_write(emulated, arrived) - arrived <= STOP_WITHIN
    status = talk.status()
    assert status.forced == 0
    talk.run(emulated.cycle + 10 * MS)
    reply = talk.ask(m.Sync(2))
    assert isinstance(reply, m.SyncReply)
    assert m.BoardFault(reply.fault) is m.BoardFault.STOPPED
    assert not reply.state & m.BoardState.ARMED


def test_after_a_stop_nothing_sounds_until_clear_and_arm(emulated: EmulatedBoard) -> None:
    talk = Talk(emulated)
    talk.begin()
    talk.run(emulated.send(m.RAW_STOP) + MS)
    talk.ask(m.StrikesMessage(strikes([(talk.clock + 40_000, 3, milliseconds(5))])))
    refused = talk.ask(m.Arm(talk.boot))
    assert isinstance(refused, m.Ack)
    assert m.BoardFault(refused.fault) is m.BoardFault.STOPPED
    talk.run(emulated.cycle + 60 * MS)
    assert len(emulated.channel_edges()) == 0
    talk.ask(m.Clear())
    talk.ask(m.Arm(talk.boot))
    talk.ask(m.StrikesMessage(strikes([(talk.clock + 40_000, 3, milliseconds(5))])))
    talk.run(emulated.cycle + 60 * MS)
    assert emulated.channel_edges()["channel"].tolist() == [3, 3]


@pytest.mark.parametrize(("port", "bit"), [(PORTA, 0), (PORTA, 7), (PORTL, 5)])
def test_an_output_that_sticks_is_switched_off(emulated: EmulatedBoard, port: int, bit: int) -> None:
    talk = Talk(emulated)
    talk.begin(longest_ms=25.0)
    begin = emulated.cycle
    emulated.poke(port, emulated.peek(port) | 1 << bit)
    emulated.run(begin + 60 * MS)
    assert emulated.outputs() == 0
    assert 24.9 <= (last_write(emulated, begin) - begin) / MS <= 26.0
    reply = talk.ask(m.Sync(2))
    assert isinstance(reply, m.SyncReply)
    assert m.BoardFault(reply.fault) is m.BoardFault.STUCK
    assert talk.status().forced >= 1


def test_the_longest_pulse_is_not_taken_for_a_stuck_output(emulated: EmulatedBoard) -> None:
    talk = Talk(emulated)
    talk.begin(longest_ms=25.0)
    first = talk.clock + 100_000
    rows = [(first + 80_001 * n, n % CHANNELS, milliseconds(25)) for n in range(20)]
    talk.play(strikes(rows))
    assert len(emulated.channel_edges()) == 40
    assert talk.status().forced == 0


def test_an_output_without_configuration_may_never_be_on(emulated: EmulatedBoard) -> None:
    emulated.run(20 * MS)
    begin = emulated.cycle
    emulated.poke(PORTA, 1)
    emulated.run(begin + 5 * MS)
    assert emulated.outputs() == 0
    assert last_write(emulated, begin) - begin <= 2 * MS


def test_a_silent_host_disarms_after_a_second(emulated: EmulatedBoard) -> None:
    """What was queued for later than that never sounds; what is on when the second is over ends normally."""
    talk = Talk(emulated)
    talk.begin()
    said = talk.send(m.Sync(1))
    clock = int((said - talk.zero) // 8)
    rows = [(clock + 2_000_000 - 10_000, 5, milliseconds(20)), (clock + 2_020_000, 6, milliseconds(5))]
    said = talk.send(m.StrikesMessage(strikes(rows)))
    emulated.run(said + 1100 * MS)
    edges = emulated.channel_edges()
    assert edges["channel"].tolist() == [5, 5]
    assert edges["cycle"][1] - edges["cycle"][0] == pytest.approx(20 * MS, abs=600)
    enable = emulated.port_writes()
    lowered = enable["cycle"][(enable["port"] == ENABLE) & (enable["value"] == 0)]
    assert 1000 <= (int(lowered[-1]) - said) / MS <= 1100
    assert int(edges["cycle"][1]) - int(lowered[-1]) <= 2 * MS  # it alternated until then
    reply = talk.ask(m.Sync(2))
    assert isinstance(reply, m.SyncReply)
    assert m.BoardFault(reply.fault) is m.BoardFault.SILENT
    assert not reply.state & m.BoardState.ARMED


@pytest.mark.parametrize("fault", ["main loop", "supervisor"])
def test_the_watchdog_switches_off_and_resets(emulated: EmulatedBoard, fault: str) -> None:
    talk = Talk(emulated)
    talk.begin(longest_ms=100.0)
    first = talk.clock + 40_000
    talk.send(m.StrikesMessage(strikes([(first, 2, milliseconds(100))])))
    talk.run(int(talk.cycle(first)) + MS)
    assert emulated.outputs() == 1 << 2
    begin = emulated.cycle
    if fault == "supervisor":
        emulated.poke(TCCR0B, 0)
        emulated.poke(PORTA, 4)
    else:
        emulated.hang()
    talk.run(begin + 700 * MS)
    assert emulated.outputs() == 0
    assert last_write(emulated, begin) - begin <= 131 * MS
    boots = [message for message in talk.heard if isinstance(message, m.Boot) and message.boot != talk.boot]
    assert boots, "no BOOT with another id after the reset"
    assert m.Cause(boots[-1].cause) & m.Cause.WATCHDOG


def test_nothing_is_driven_before_the_first_strike(emulated: EmulatedBoard) -> None:
    """From reset through greeting and arming; the master enable goes high with ARM, not before."""
    talk = Talk(emulated)
    before = emulated.port_writes()
    talk.begin()
    writes = emulated.port_writes()
    assert len(before) == 0
    assert set(writes["port"].tolist()) == {ENABLE}
    assert not set(PORTS) & set(writes["port"].tolist())


def test_disarming_lowers_the_master_enable_and_every_coil(emulated: EmulatedBoard) -> None:
    talk = Talk(emulated)
    talk.begin()
    first = talk.clock + 40_000
    talk.send(m.StrikesMessage(strikes([(first, n, milliseconds(20)) for n in range(8)])))
    talk.run(int(talk.cycle(first)) + 2 * MS)
    assert emulated.outputs() == 0xFF
    arrived = talk.send(m.Disarm())
    talk.run(arrived + 2 * MS)
    assert emulated.outputs() == 0
    enable = emulated.port_writes()
    assert int(enable["value"][enable["port"] == ENABLE][-1]) == 0


def rises(emulated: EmulatedBoard, since: int) -> list[int]:
    """The cycles at which the master enable goes high, each a trigger of the one-shot behind it."""
    writes = emulated.port_writes()
    enable = writes[(writes["port"] == ENABLE) & (writes["cycle"] >= since)]
    levels = enable["value"] >> 7 & 1
    return [int(cycle) for cycle in enable["cycle"][1:][(levels[1:] == 1) & (levels[:-1] == 0)]]


def test_the_master_enable_alternates_while_the_board_is_armed(emulated: EmulatedBoard) -> None:
    talk = Talk(emulated)
    talk.begin()
    begin = emulated.cycle
    talk.run(begin + 200 * MS)
    gaps = [after - before for before, after in pairwise(rises(emulated, begin))]
    assert len(gaps) >= 80
    assert max(gaps) <= 3 * MS
    arrived = talk.send(m.Disarm())
    talk.run(arrived + 2 * MS)
    stopped = emulated.cycle
    talk.run(stopped + 100 * MS)
    assert rises(emulated, stopped) == []


@pytest.mark.parametrize("fault", ["main loop", "supervisor"])
def test_the_master_enable_stands_still_when_the_board_does(emulated: EmulatedBoard, fault: str) -> None:
    """From the fault until the watchdog resets; then nothing is armed."""
    talk = Talk(emulated)
    talk.begin()
    talk.run(emulated.cycle + 20 * MS)
    begin = emulated.cycle
    if fault == "supervisor":
        emulated.poke(TCCR0B, 0)
    else:
        emulated.hang()
    emulated.run(begin + 700 * MS)
    assert all(cycle - begin <= 3 * MS for cycle in rises(emulated, begin))


def test_a_raw_stop_leaves_the_master_enable_low(emulated: EmulatedBoard) -> None:
    talk = Talk(emulated)
    talk.begin()
    talk.run(emulated.cycle + 20 * MS)
    begin = emulated.cycle
    emulated.send(m.RAW_STOP)
    talk.run(begin + 100 * MS)
    assert all(cycle - begin <= MS for cycle in rises(emulated, begin))
    writes = emulated.port_writes()
    assert int(writes["value"][writes["port"] == ENABLE][-1]) >> 7 & 1 == 0


def test_memory(emulated: EmulatedBoard) -> None:
    """The deepest stack of a busy second: all interrupts nested, both directions full."""
    talk = Talk(emulated)
    talk.begin()
    first, random = talk.clock + 500_000, np.random.default_rng(5)
    rows = sorted(
        (first + int(moment), channel, milliseconds(8))
        for turn in range(12)
        for channel, moment in enumerate(turn * 125_000 + random.integers(0, 60_000, CHANNELS))
    )
    talk.play(strikes(rows), flood=True)
    assert talk.status().fired == len(rows)
    assert emulated.stack_used() <= 512
