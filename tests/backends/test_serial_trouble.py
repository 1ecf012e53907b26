"""What goes wrong while the serial backend plays: said in one line, bounded in time, and played on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backends.serial_world import INSTRUMENT, USB, World, pulses, scale
from xylophone.backends.backend import Backend
from xylophone.backends.contract import Coils
from xylophone.backends.serial import SerialBackend
from xylophone.errors import BackendError, SafetyError
from xylophone.link.messages import RAW_STOP, TICK_RATE, Disarm
from xylophone.link.sender import ON_BOARD


def told(backend: Backend) -> list[str]:
    """Return what there is to tell; none of it is fatal."""
    faults = backend.poll()
    assert not any(fault.fatal for fault in faults)
    assert not any("\n" in fault.message for fault in faults)
    return [fault.message for fault in faults]


def total(backend: Backend) -> int:
    """Return how many pulses were played, cut short, or are counted as not played."""
    report = backend.report()
    refused = sum(report.refused.values())
    return report.pulses + report.late + report.cancelled + refused + int(report.notes["cut"])


def test_a_cable_pulled_out_and_put_in_again():
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 160))
        backend.clock.wait_until(1.0)
        world.unplug()
        backend.clock.wait_until(2.0)
        (gone,) = told(backend)
        assert "the board is gone (its port has gone): check its USB cable" in gone
        world.plug()
        backend.clock.wait_until(10.0)
        (back,) = told(backend)
        assert "the board is back, playing on" in back
        report = backend.report()
    assert report.notes["reconnects"] == 1
    assert report.notes["resets"] == 0
    assert report.pulses + report.late == 160
    assert 70 < len(world.board.struck()) < 100


def test_a_board_that_stays_away_ends_the_playing_with_the_remedy():
    world = World()
    backend = world.open()
    backend.schedule(scale(0.1, 60))
    backend.clock.wait_until(1.0)
    world.unplug()
    backend.clock.wait_until(35.0)
    gone, end = backend.poll()
    assert not gone.fatal
    assert end.fatal
    assert "did not come back within 30 s: plug it in and start again" in end.message
    assert 30.0 < end.time < 33.5
    with pytest.raises(BackendError, match="did not come back"):
        backend.schedule(pulses((40.0, 0.013, 0)))
    assert total(backend) == 60
    backend.close()
    assert backend.clock.now() < 36.0
    assert backend.poll() == ()


def test_silence_and_close_are_bounded_when_the_cable_is_out():
    world = World()
    backend = world.open()
    backend.schedule(scale(0.1, 60))
    backend.clock.wait_until(1.0)
    world.unplug()
    backend.silence()
    backend.close()
    assert backend.clock.now() <= 2.0
    assert backend.coils is Coils.OFF_BY_LIMIT
    world.run(4.0)
    assert world.board.outputs == 0
    assert not world.board.armed


def test_silence_is_bounded_when_the_line_is_dead():
    world = World()
    backend = world.open()
    backend.schedule(scale(0.1, 60))
    backend.clock.wait_until(1.0)
    world.to_board.open = world.to_host.open = False
    backend.silence()
    backend.close()
    assert backend.clock.now() <= 2.0
    assert backend.coils is Coils.UNCONFIRMED


def test_silence_goes_below_all_frames_when_frames_do_not_get_through():
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 60))
        backend.clock.wait_until(1.0)
        world.to_board.alter = lambda message: None if isinstance(message, Disarm) else message
        backend.silence()
        assert backend.clock.now() < 2.0
        assert world.board.outputs == 0
        assert not world.board.armed
        world.to_board.alter = None
        backend.clock.wait_until(3.0)
        assert world.board.armed
        assert len(world.board.struck()) <= 1.2 / 0.05


@pytest.mark.parametrize(
    ("take_back", "played"),
    [
        (SerialBackend.stop, 18),
        (SerialBackend.silence, 18),
        (lambda backend: backend.cancel(backend.now()), 19),
    ],
)
def test_a_strike_that_begins_as_it_is_taken_back_is_counted_once(take_back, played):
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 60))
        backend.clock.wait_until(1.0 - USB / 2)  # one starts at 1.0; what is said now arrives after that
        take_back(backend)
        assert backend.report().pulses == 18
        backend.clock.wait_until(2.0)
        report = backend.report()
        assert len(world.board.struck()) == 19
        assert (report.pulses, report.cancelled, report.notes["cut"]) == (played, 41, 19 - played)


def test_a_line_that_is_dead_for_a_while():
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 100))
        backend.clock.wait_until(1.0)
        world.to_board.open = world.to_host.open = False
        backend.clock.wait_until(2.5)
        world.to_board.open = world.to_host.open = True
        backend.clock.wait_until(7.0)
        lines = told(backend)
        assert total(backend) == 100
        assert backend.report().pulses == len(world.board.struck())
    assert any("nothing has been heard from the board for 0.8 s: check its USB" in line for line in lines)
    assert any("heard nothing for 1 s and switched off" in line for line in lines)
    assert any("the board is back, playing on" in line for line in lines)


def test_a_dead_line_is_opened_again_which_resets_the_board():
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 160))
        backend.clock.wait_until(1.0)
        world.to_board.open = world.to_host.open = False
        world.clock.at(4.0, lambda: setattr(world.to_board, "open", True))
        world.clock.at(4.0, lambda: setattr(world.to_host, "open", True))
        backend.clock.wait_until(12.0)
        lines = told(backend)
        assert total(backend) == 160
    assert any("the board is gone (no answer)" in line for line in lines)
    assert any("the board is back, playing on" in line for line in lines[-2:])
    assert len(world.boards) >= 2


@pytest.mark.parametrize(("end", "late"), [(1.7, 4), (1.9, 8)])
def test_a_host_that_stalls_for_too_long_says_so(end, late):
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 60))
        world.stall((1.0, end))
        backend.clock.wait_until(4.0)
        lines = told(backend)
        report = backend.report()
    assert f"were not played: the program had no CPU for {end - 1.0:.1f} s" in lines[0]
    assert report.late == pytest.approx(late, abs=1)
    assert report.pulses + report.late == 60


def test_a_host_that_slept_finds_the_board_switched_off_and_plays_on():
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 100))
        world.stall((1.0, 3.0))
        backend.clock.wait_until(6.0)
        lines = told(backend)
        report = backend.report()
        assert report.pulses == len(world.board.struck())
    assert any("heard nothing for 1 s" in line for line in lines)
    assert "playing on" in lines[-1]
    assert report.pulses + report.late == 100


def test_a_host_that_dies_in_a_chord_leaves_no_coil_on():
    world = World()
    backend = world.open()
    backend.schedule(pulses(*((0.3 * n, 0.02, n % 30) for n in range(1, 30))))
    backend.clock.wait_until(1.205)
    assert world.board.outputs != 0
    world.run(1.2 + 1.1 + 0.01)
    assert not world.board.armed
    world.run(6.0)
    assert world.board.outputs == 0
    played = world.board.pulses()
    assert (played["on"] <= world.board.clock_at(1.205 + ON_BOARD)).all()
    assert (played["off"] - played["on"] <= 0.02 * TICK_RATE).all()
    assert len(played) == 5


def test_a_board_that_comes_back_while_it_is_stopped_can_go_away_again():
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 400))
        backend.clock.wait_until(1.0)
        backend.stop()
        for moment in (1.1, 4.0):
            backend.clock.wait_until(moment)
            world.unplug()
            backend.clock.wait_until(moment + 0.5)
            assert any("the board is gone" in line for line in told(backend))
            world.plug()
        backend.clock.wait_until(8.0)
        assert not world.board.armed
        backend.clear()
        backend.clock.wait_until(8.1)
        assert world.board.armed
        told(backend)


def test_a_defect_of_the_program_ends_the_playing_and_leaves_no_coil_on():
    def broken(_: bytes) -> bytes:
        raise ZeroDivisionError("defect")

    world = World()
    backend = world.open()
    backend.schedule(scale(0.1, 60))
    backend.clock.wait_until(1.0)
    world.to_host.carry = broken
    with pytest.raises(ZeroDivisionError):
        backend.clock.wait_until(1.1)
    (fault,) = backend.poll()
    assert fault.fatal
    assert "please report this: ZeroDivisionError('defect')" in fault.message
    with pytest.raises(BackendError, match="please report"):
        backend.schedule(pulses((5.0, 0.013, 0)))
    world.run(4.0)
    assert not world.board.armed
    assert world.board.outputs == 0


def test_a_stop_from_elsewhere_is_told_and_latched():
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.1, 60))
        backend.clock.wait_until(1.0)
        world.wires[-1].write(RAW_STOP)
        backend.clock.wait_until(1.2)
        (line,) = told(backend)
        assert "stopped in an emergency: call clear()" in line
        with pytest.raises(SafetyError, match="emergency stop is on"):
            backend.schedule(pulses((4.0, 0.013, 0)))
        backend.clear()
        backend.clock.wait_until(1.3)
        backend.schedule(pulses((4.0, 0.013, 7)))
        backend.clock.wait_until(5.0)
        assert world.board.struck()[-1] == 7
        assert total(backend) == 61


@pytest.mark.parametrize(
    ("rows", "reason", "words"),
    [
        ([(0.5, 0.013, 0), (0.52, 0.013, 0)], "rest", "not off for long enough: raise the hammer's recovery"),
        ([(0.5, 0.013, n) for n in range(9)], "overload", "too many coils on at once: raise supply_limit"),
        ([(0.5, 0.00005, 0)], "width", "pulse too long or too short"),
    ],
)
def test_what_the_board_refuses_is_counted_by_reason(rows, reason, words):
    world = World()
    with world.open() as backend:
        backend.schedule(pulses(*rows))
        backend.clock.wait_until(2.0)
        (line,) = told(backend)
        report = backend.report()
    assert "the board refused 1 strike," in line
    assert words in line
    assert report.refused == {reason: 1}
    assert report.pulses == len(rows) - 1 == len(world.board.struck())


def test_a_coil_that_gets_too_hot_is_refused():
    first = replace(INSTRUMENT.hammers[0], capacity=0.5)
    world = World()
    with world.open(replace(INSTRUMENT, hammers=(first, *INSTRUMENT.hammers[1:]))) as backend:
        backend.schedule(pulses(*((0.1 + 0.05 * n, 0.021, 0) for n in range(100))))
        backend.clock.wait_until(6.0)
        report = backend.report()
    assert set(report.refused) == {"heat"}
    assert report.pulses * 0.021 == pytest.approx(0.5 + 5 * first.refill, rel=0.03)


def test_what_comes_too_late_to_the_board_is_counted():
    world = World()
    with world.open() as backend:
        backend.clock.wait_until(1.0)
        backend.schedule(pulses((1.0005, 0.013, 0), (1.2, 0.013, 1)))
        backend.clock.wait_until(2.0)
        (line,) = told(backend)
        report = backend.report()
    assert "1 pulse came up to" in line
    assert (report.pulses, report.late) == (1, 1)
