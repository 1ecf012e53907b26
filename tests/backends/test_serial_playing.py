"""The serial backend over the real core: what is scheduled is what the board plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.serial_world import INSTRUMENT, World, pulses, scale
from link.snapping import snap
from player.pieces import piece
from simulation.striking import random_song
from xylophone.arranger import arrange
from xylophone.backends import open_backend
from xylophone.backends.backend import Backend
from xylophone.backends.serial import LOOKAHEAD
from xylophone.calibration.file import default_calibration
from xylophone.link.messages import TICK_RATE
from xylophone.link.sender import ON_BOARD
from xylophone.midifile.reading import load_song
from xylophone.player import Player
from xylophone.sequencer import sequence
from xylophone.strikes import strikes_of
from xylophone.tables import Rows

CLOSE = 20
"""Ticks (10 us) by which the clocks' fit may vary over a line that never varies."""

BIAS = 2000
"""Ticks (1 ms) by which it may be off throughout: the two ways over the line do not take the same time."""


def feed(backend: Backend, song: Rows, until: float) -> None:
    """Hand a song over bit by bit, as a player does."""
    sent = 0
    while backend.now() < until:
        due = int(np.searchsorted(song["start"], backend.now() + backend.lookahead, "right"))
        backend.schedule(song[sent:due])
        sent = due
        backend.clock.wait_until(backend.now() + 0.23)


def planned(name: str, root: Path) -> Rows:
    """Return the pulses of a song of the library."""
    arrangement = arrange(load_song(root / "songs" / f"{name}.mid"), INSTRUMENT)
    strikes = strikes_of(arrangement.notes, zero=0.3)
    return sequence(strikes, INSTRUMENT, default_calibration(INSTRUMENT)).pulses


@pytest.mark.parametrize("name", ["random chords", "flight_of_the_bumblebee"])
def test_a_song_is_played_as_the_simulation_plays_it_and_exactly_as_snapped(name, root):
    song = random_song(240, 6.0) if name == "random chords" else planned(name, root)
    end, world = float(song["start"][-1]) + 0.5, World()
    with world.open() as serial, open_backend("sim:", INSTRUMENT) as simulated:
        feed(serial, song, end)
        feed(simulated, song, end)
        assert serial.report().pulses == simulated.report().pulses == len(song)
        assert (serial.report().late, serial.report().refused) == (0, {})
        assert serial.poll() == ()
    strikes, played = world.strikes(), world.board.pulses()
    assert strikes["channel"].tolist() == song["channel"].tolist()
    assert strikes["width"].tolist() == np.round(song["width"] * 500_000).tolist()
    asked = world.board.clock_at(song["start"])
    off_by = (strikes["clock"] - asked + 2**31) % 2**32 - 2**31
    assert np.abs(off_by - np.median(off_by)).max() <= CLOSE
    assert abs(np.median(off_by)) < BIAS
    on, off = snap(asked + off_by, strikes["width"])
    rows = zip(on.tolist(), off.tolist(), strikes["channel"].tolist(), strict=True)
    assert sorted(played.tolist()) == sorted(rows)


def test_no_strike_is_on_the_board_sooner_than_it_must():
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.2, 60))
        backend.clock.wait_until(1.0)
        sent = world.strikes()
        ahead = (sent["clock"] - world.board.clock_at(1.0)) % 2**32
        assert 1.0 + ON_BOARD - 0.06 < 0.2 + 0.05 * len(sent) <= 1.0 + ON_BOARD + 0.06
        assert ahead[ahead < 2**31].max() <= ON_BOARD * world.board.rate


def test_what_is_cancelled_is_not_played_and_can_be_played_otherwise():
    world = World()
    with world.open() as backend:
        backend.schedule(scale(0.2, 20))
        backend.clock.wait_until(0.52)
        assert backend.cancel(0.55) == 13
        backend.schedule(pulses((0.6, 0.013, 29), (0.6, 0.013, 28)))
        backend.clock.wait_until(2.0)
        report = backend.report()
    assert (report.pulses, report.cancelled, report.late) == (9, 13, 0)
    assert world.board.struck() == [*range(7), 28, 29] or world.board.struck() == [*range(7), 29, 28]


def test_commands_in_a_row_leave_the_board_as_the_book_has_it():
    world = World()
    with world.open() as backend:
        for begin in np.arange(0.1, 3.0, 0.1).tolist():
            backend.cancel(begin + 0.01)
            backend.schedule(scale(begin + 0.02, 40, 0.025))
            backend.clock.wait_until(begin + 0.1)
        backend.clock.wait_until(5.0)
        assert backend.report().pulses == len(world.board.struck()) == 29 * 4 - 4 + 40 - 4 + 4
        assert backend.poll() == ()


def test_silence_switches_off_at_once():
    world = World()
    with world.open() as backend:
        backend.schedule(pulses((0.1, 0.02, 0), (0.1, 0.02, 1), (0.3, 0.02, 2)))
        backend.clock.wait_until(0.105)
        assert world.board.outputs == 0b11
        backend.silence()
        assert world.board.outputs == 0
        assert backend.clock.now() <= 0.105 + 0.02
        backend.clock.wait_until(1.0)
        report = backend.report()
    assert world.board.struck() == [0, 1]
    assert (report.pulses, report.cancelled, report.notes["cut"]) == (0, 1, 2)


def test_a_stop_is_latched_on_the_board_until_it_is_cleared():
    world = World()
    with world.open() as backend:
        backend.schedule(pulses((0.1, 0.02, 0), (0.3, 0.02, 2)))
        backend.clock.wait_until(0.105)
        backend.stop()
        assert world.board.outputs == 0
        assert not world.board.armed
        backend.clock.wait_until(0.5)
        assert not world.board.armed
        backend.clear()
        backend.clock.wait_until(0.6)
        assert world.board.armed
        backend.schedule(pulses((0.7, 0.013, 5)))
        backend.clock.wait_until(1.0)
        assert backend.report().pulses == 1
        assert backend.poll() == ()
    assert world.board.struck() == [0, 5]


def test_a_stop_that_the_line_swallows_is_said_again():
    world = World()
    with world.open() as backend:
        backend.schedule(pulses((0.3, 0.02, 2)))
        backend.clock.wait_until(0.1)
        world.to_board.open = False
        world.clock.at(0.15, lambda: setattr(world.to_board, "open", True))
        backend.stop()
        assert backend.clock.now() < 0.25
        assert not world.board.armed
        backend.clock.wait_until(1.0)
    assert world.board.struck() == []


def test_nothing_is_on_when_it_is_closed():
    world = World()
    with world.open() as backend:
        backend.schedule(pulses((0.1, 0.02, 0), (0.3, 0.02, 2)))
        backend.clock.wait_until(0.11)
    assert world.board.outputs == 0
    world.run(3.0)
    assert world.board.struck() == [0]


@pytest.mark.parametrize("stalls", [[(0.5, 0.9), (1.25, 1.65), (2.01, 2.41), (3.0, 3.4)]])
def test_a_host_that_stalls_for_0_4_s_misses_nothing(stalls):
    world = World()
    notes = piece(np.arange(0.2, 5.0, 0.03).tolist())
    with world.open() as backend:
        world.stall(*stalls)
        player = Player(backend)
        player.play(notes).wait()
        report = backend.report()
        assert report.pulses == len(world.board.struck()) == 160
        assert (report.late, report.refused) == (0, {})
        assert not player.faults


def test_a_port_that_takes_nothing_for_0_4_s_now_and_then_is_not_gone_and_misses_nothing():
    world = World()
    notes = piece(np.arange(0.2, 20.0, 0.05).tolist())
    with world.open() as backend:
        world.full = [(begin, begin + 0.4) for begin in np.arange(0.5, 19.0, 0.93).tolist()]
        player = Player(backend)
        player.play(notes).wait()
        report = backend.report()
        assert report.pulses == len(world.board.struck()) == len(notes.notes)
        assert (report.late, report.refused, report.notes["reconnects"]) == (0, {}, 0)
        assert not player.faults


def test_half_a_second_is_on_the_board_whenever_the_player_sleeps():
    """Its longest sleep is half the lookahead; what it handed over before reaches that much further."""
    assert LOOKAHEAD - LOOKAHEAD / 2 >= ON_BOARD


def test_a_player_pauses_seeks_and_goes_on():
    world = World()
    notes = piece(np.arange(0.2, 4.0, 0.05).tolist())
    with world.open() as backend:
        player = Player(backend).play(notes)
        for moment, command in ((1.0, player.pause), (1.5, player.resume), (2.0, lambda: player.seek(3.0))):
            world.clock.at(moment, command)
        player.wait()
        report = backend.report()
        assert report.pulses == len(world.board.struck())
        assert (report.late, report.refused) == (0, {})
        assert not player.faults
    channels = world.board.struck()
    assert len(channels) < 76
    assert channels[0] == 0


def test_all_strikes_arrive_over_a_noisy_line_and_none_is_wrong():
    world = World()
    song = scale(0.2, 1200, 0.008)
    with world.open() as backend:
        world.to_board.noise = world.to_host.noise = 0.005
        feed(backend, song, 11.0)
        world.to_board.noise = world.to_host.noise = 0.0
        report = backend.report()
        assert report.pulses == len(song)
        assert report.late == 0
        assert report.notes["retransmits"] > 0
        assert report.notes["damaged"] > 0
    assert sorted(world.board.struck()) == sorted(song["channel"].tolist())


def test_the_report_says_how_the_link_and_the_clock_are():
    world = World()
    with world.open() as backend:
        backend.schedule(scale(1.0, 40))
        backend.clock.wait_until(4.0)
        notes = backend.report().notes
    assert notes["rate_ppm"] == pytest.approx(1e6 * (world.board.rate / TICK_RATE - 1), abs=2)
    assert 0 <= notes["clock_error_ms"] < 0.1
    assert 1 < notes["round_trip_ms"] < 10
    assert 400 < notes["least_notice_ms"] < 500
    assert notes["resets"] == notes["reconnects"] == notes["lost"] == notes["retransmits"] == 0
