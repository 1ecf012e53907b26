"""`play --wait`: a board that is not plugged in is waited for, and nothing else is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import forking
import programs
from backends.serial_world import INSTRUMENT, World
from firmware.building import built
from player.pieces import piece
from xylophone.backends.serial import SerialBackend
from xylophone.cli.waiting import wait_for_board
from xylophone.clock import VirtualClock
from xylophone.errors import BackendAbsent, BackendError, BackendMissing, SafetyError
from xylophone.player import Player

HOUR = 3600.0
Came = Callable[[], None]


class Board:
    """What playing comes to, time after time: errors, or None where it is played to the end."""

    def __init__(self, *ends: BackendError | None) -> None:
        self.clock = VirtualClock()
        self.opened = 0
        self._ends = list(ends)

    def perform(self, came: Came) -> None:
        end = self._ends.pop(0)
        if end is not None:
            raise end
        came()
        self.opened += 1

    def play(self) -> None:
        wait_for_board(self.perform, self.clock)


def test_a_board_that_is_there_is_not_spoken_of(capsys):
    board = Board(None)
    board.play()
    assert board.opened == 1
    assert capsys.readouterr() == ("", "")


def test_an_absent_board_is_waited_for_for_hours_in_two_lines(capsys):
    board = Board(*[BackendAbsent("serial:auto: no board is there: check the USB cable")] * 10_000, None)
    board.play()
    assert board.opened == 1
    assert board.clock.now() > 2 * HOUR
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "xylophone: waiting for the board: serial:auto: no board is there: check the USB cable",
        "xylophone: the board is there",
    ]


@pytest.mark.parametrize(
    "error",
    [
        SafetyError("an output was on for too long"),
        BackendError("the board has older firmware"),
        BackendMissing("no xylophone's board answers"),
    ],
)
def test_whatever_else_ends_the_playing_is_not_waited_for(error):
    board = Board(error, None)
    with pytest.raises(type(error)) as caught:
        board.play()
    assert caught.value is error
    assert board.opened == 0


def test_a_port_that_has_just_come_gets_a_second_look():
    denied = BackendMissing("cannot open the port: this user may not use serial ports")
    board = Board(BackendAbsent("no"), denied, BackendAbsent("no"), denied, None)
    board.play()
    assert board.opened == 1
    board = Board(BackendAbsent("no"), denied, denied, None)
    with pytest.raises(BackendMissing, match="may not use"):
        board.play()


def test_a_cable_that_is_out_for_an_hour_is_waited_for_and_the_song_begins_anew(capsys):
    world = World()
    starts, played = [], []
    music = piece([0.5 * n for n in range(100)])

    def perform(came: Came) -> None:
        with SerialBackend(INSTRUMENT, world.connect, world.clock) as backend:
            came()
            starts.append(world.clock.now())
            Player(backend).play(music).wait()
            played.append(backend.report().pulses)

    world.clock.at(4.0, world.unplug)
    world.clock.at(4.0 + HOUR, world.plug)
    wait_for_board(perform, world.clock)
    first, second = starts
    assert first < 4.0
    assert 4.0 + HOUR <= second < 4.0 + HOUR + 5.0
    assert played == [100]
    assert world.board.struck() == [int(row) for row in music.notes["hammer"]]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "did not come back within 30 s" in said[0]


def test_the_command_plays_when_the_board_comes(tmp_path: Path) -> None:
    program, link = built("virtual-board") / "xylophone-virtual-board", tmp_path / "board"
    words = ["play", "twinkle", "--speed", "10", "--quiet", "--wait", "--backend", f"serial://{link}"]
    places = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    with forking.Fork(words, stderr=subprocess.PIPE, text=True, env=places, cwd=tmp_path) as playing:
        assert playing.stderr is not None
        assert playing.stderr.readline() == (
            f"xylophone: waiting for the board: serial://{link}: cannot open the port: there is no such "
            "port: check the USB cable; list them with: xylophone devices\n"
        )
        with programs.Program([program], stdout=subprocess.PIPE, text=True) as board:
            assert board.stdout is not None
            link.symlink_to(board.stdout.readline().strip())
            assert playing.stderr.readline() == "xylophone: the board is there\n"
            playing.communicate()
            board.terminate()
    assert playing.returncode == 0
