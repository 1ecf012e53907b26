"""A reset in play, behind a bootloader that takes any byte for a session: told, and played on soon."""

from __future__ import annotations

import os
import socket
import termios

import numpy as np
import pytest

from backends.serial_world import FIRST_TICK, World, pulses, scale
from xylophone.backends.contract import Report
from xylophone.backends.serial_port import SerialPort
from xylophone.link.bootloader import BOOTLOADER_BAUD
from xylophone.link.messages import BAUD, Cause

WITH_BOOTLOADER, WITHOUT = 1.5, 1.0
"""s from a reset to the first strike that sounds again, at most."""

STEP = 0.02
"""s between two strikes."""


def played(world: World, moments: list[float], end: float) -> tuple[list[float], list[str], Report]:
    """Play a run with a reset at each moment.

    Return s from each to the next strike that sounds, what was told, and the report.
    """
    firsts = []
    with world.open() as backend:
        backend.schedule(scale(0.1, int((end - 1.0) / STEP), STEP, 0.005))
        for moment, after in zip(moments, [*moments[1:], end], strict=True):
            backend.clock.wait_until(moment)
            world.reset(Cause.EXTERNAL)
            backend.clock.wait_until(after)
            on = world.board.pulses()["on"]
            assert len(on), f"nothing sounds after the reset at {moment}"
            ago = float(world.board.clock_at(moment)) - FIRST_TICK
            firsts.append((float(on[0]) - FIRST_TICK - ago) / world.board.rate)
        faults = backend.poll()
        report = backend.report()
    assert not any(fault.fatal for fault in faults)
    return firsts, [fault.message for fault in faults], report


@pytest.mark.parametrize(("bootloader", "limit"), [(True, WITH_BOOTLOADER), (False, WITHOUT)])
@pytest.mark.parametrize("phase", [0.0, 0.5])
def test_whatever_moment_a_reset_falls_on_it_is_told_and_strikes_sound_again_soon(bootloader, limit, phase):
    """Moments 13.013 ms apart, over all between two questions, and over the bytes of a frame."""
    moments = (1.0 + (1.8 + 0.013013) * (np.arange(6) + phase)).tolist()
    world = World(bootloader=bootloader)
    firsts, told, report = played(world, moments, moments[-1] + 2.0)
    assert max(firsts) <= limit
    assert sum("the board has reset: its reset line was pulled" in line for line in told) == 6
    assert sum("the board is back, playing on" in line for line in told) == 6
    assert len(told) == 12
    assert report.notes["resets"] == 6
    assert report.notes["reconnects"] == 0
    assert report.notes["lost"] <= 6 * limit / STEP


@pytest.mark.parametrize("byte", range(0, 60, 13))
def test_within_a_frame_on_the_line_too(byte):
    """A frame of 8 strikes is on the line just then: the bootloader listens from the middle of a byte on."""
    chords = [(0.1 + 0.1 * n, 0.005, (8 * n + each) % 30) for n in range(30) for each in range(8)]
    world = World()
    with world.open() as backend:
        backend.schedule(pulses(*chords))
        backend.clock.wait_until(1.0)
        while len(world.wires[-1].last[1]) < 60:
            backend.clock.wait_until(backend.now() + 0.001)
        moment = world.wires[-1].last[0] + (byte + 0.37) * 40e-6
        world.clock.at(moment, world.reset)
        backend.clock.wait_until(3.3)
        on = world.board.pulses()["on"]
        assert len(on)
        assert world.board.clock_at(moment + WITH_BOOTLOADER) >= on[0]
        assert backend.report().notes["resets"] == 1


@pytest.mark.parametrize(
    ("cause", "bootloader", "words"),
    [
        (Cause.WATCHDOG, True, "its firmware had hung"),
        (Cause.EXTERNAL, True, "its reset line was pulled or its supply dipped"),
        (Cause.BROWN_OUT, True, "its reset line was pulled or its supply dipped"),
        (Cause.BROWN_OUT, False, "its supply dipped: check the 5 V supply"),
        (Cause.EXTERNAL, False, "its reset line was pulled: the reset button"),
        (Cause.POWER_ON, False, "its power had failed"),
    ],
)
def test_the_cause_is_told_as_far_as_it_is_known(cause, bootloader, words):
    world = World(bootloader=bootloader)
    with world.open() as backend:
        backend.schedule(scale(0.1, 80))
        backend.clock.wait_until(1.0)
        before = len(world.board.struck())
        world.reset(cause)
        backend.clock.wait_until(6.0)
        reset, back = [fault.message for fault in backend.poll()]
        report = backend.report()
    assert f"the board has reset: {words}" in reset
    assert f"playing on; {report.notes['lost']:g} pulses were not played" in back
    after = world.board.struck()
    assert after == [n % 30 for n in range(80 - len(after), 80)]
    assert report.pulses + report.late == 80
    assert abs(report.pulses - before - len(after)) <= 3  # those since the board told its count
    assert report.late == report.notes["lost"] < 20


@pytest.mark.parametrize("deaf", ["answers are lost", "nothing gets through"])
@pytest.mark.parametrize("begin", np.arange(1.0, 1.15, 0.052).round(3).tolist())
def test_a_board_that_does_not_answer_for_0_4_s_plays_every_strike_all_the_same(deaf, begin):
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 150, STEP, 0.005))
        backend.clock.wait_until(begin)
        world.to_host.open = False
        world.to_board.open = deaf == "answers are lost"
        backend.clock.wait_until(begin + 0.4)
        world.to_board.open = world.to_host.open = True
        backend.clock.wait_until(4.0)
        report = backend.report()
        assert backend.poll() == ()
    assert report.pulses == len(world.board.struck()) == 150
    assert (report.late, report.refused, report.notes["resets"]) == (0, {}, 0)


def test_a_port_of_one_baud_rate_takes_the_bootloader_s_patience_and_says_so():
    world = World(fixed_baud=True)
    firsts, told, report = played(world, [1.0], 8.5)
    assert WITH_BOOTLOADER < firsts[0] < 7.0
    assert any("saying nothing for 5.5 s, in case the board has reset" in line for line in told)
    assert any("the board has reset: its reset line was pulled or" in line for line in told)
    assert report.notes["resets"] == 1
    assert report.notes["reconnects"] == 0


def test_over_a_port_of_one_baud_rate_a_board_without_bootloader_is_soon_back():
    world = World(bootloader=False, fixed_baud=True)
    firsts, told, _ = played(world, [1.0], 3.0)
    assert firsts[0] < WITHOUT
    assert not any("saying nothing" in line for line in told)


def test_a_bootloader_that_was_woken_while_the_port_was_opened_is_left():
    world = World()
    world.clock.at(-4.8, lambda: world.wires[-1].write(b"AT\r"))
    with world.open() as backend:
        assert backend.now() == 0.0
        assert world.board.armed


def test_over_a_port_of_one_baud_rate_it_is_waited_for_at_the_opening_too():
    world = World(fixed_baud=True)
    world.clock.at(-4.8, lambda: world.wires[-1].write(b"AT\r"))
    with world.open() as backend:
        assert backend.now() < 12.0 - 5.0
        assert world.board.armed


@pytest.mark.parametrize("later", [0.0, 0.013, 0.027, 0.041])
def test_a_stop_that_falls_into_a_reset_is_confirmed_all_the_same(later):
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 100, STEP, 0.005))
        backend.clock.wait_until(1.0)
        world.reset(Cause.EXTERNAL)
        backend.clock.wait_until(1.02 + later)
        backend.stop()
        backend.clock.wait_until(2.6)
        assert backend.board.session.quiet
        assert world.board.outputs == 0
        assert backend.report().notes["reconnects"] == 0


def test_a_reset_while_it_is_stopped_leaves_it_stopped():
    world = World()
    with world.open() as backend:
        backend.stop()
        backend.clock.wait_until(0.5)
        world.reset(Cause.EXTERNAL)
        backend.clock.wait_until(2.5)
        (fault,) = backend.poll()
        assert "the board has reset" in fault.message
        assert not world.board.armed
        backend.clear()
        backend.clock.wait_until(2.6)
        assert world.board.armed


def test_a_socket_has_one_baud_rate_and_the_rest_have_more():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = SerialPort(f"socket://127.0.0.1:{server.getsockname()[1]}")
        assert port.fixed_baud
        port.close()
    controller, terminal = os.openpty()
    try:
        port = SerialPort(os.ttyname(terminal))
        assert not port.fixed_baud
        port.set_baud(BOOTLOADER_BAUD)
        assert termios.tcgetattr(controller)[5] == termios.B115200
        port.set_baud(BAUD)
        assert termios.tcgetattr(controller)[5] != termios.B115200
        port.close()
    finally:
        os.close(controller)
        os.close(terminal)
