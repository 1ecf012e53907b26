"""A xylophone that is left alone: what the unit starts again, and what stays silent."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import programs
from backends.serial_world import INSTRUMENT, World
from firmware.building import need, run
from player.pieces import piece
from xylophone.backends import Fault
from xylophone.backends.serial import SerialBackend
from xylophone.calibration.file import default_calibration
from xylophone.cli.stage import Stage
from xylophone.cli.striking import strike_in_turn
from xylophone.clock import VirtualClock
from xylophone.errors import BackendAbsent, BackendError, SafetyError, XylophoneError
from xylophone.owner.places import SYSTEM, SYSTEM_STATE
from xylophone.player import Player

HOUR = 3600.0
EXPOSURE = 2.0
"""The most that `systemd-analyze security` may find; it calls 2 and less OK, and began with 9.2."""


class Unit:
    """What systemd does with the service, by its file."""

    def __init__(self, folder: Path) -> None:
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string((folder / "xylophone.service").read_text())
        self.service, self.unit = parser["Service"], parser["Unit"]

    def starts_again(self, code: int) -> bool:
        """Tell whether a process that ended with this code is started again."""
        assert self.service["Restart"] == "on-failure"
        clean = {0, *map(int, self.service.get("SuccessExitStatus", "").split())}
        kept_off = set(map(int, self.service.get("RestartPreventExitStatus", "").split()))
        return code not in clean | kept_off

    def run(self, program: Callable[[], int], clock: VirtualClock, until: float) -> int:
        """Run a program as the service; return how often it was started by a time."""
        pause = float(self.service["RestartSec"])
        limit, span = int(self.unit["StartLimitBurst"]), float(self.unit["StartLimitIntervalSec"])
        starts: list[float] = []
        while clock.now() < until:
            if len([start for start in starts if start > clock.now() - span]) >= limit:
                break
            starts.append(clock.now())
            if not self.starts_again(program()):
                break
            clock.wait_until(clock.now() + pause)
        return len(starts)


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "docs" / "systemd"


@pytest.fixture
def unit(folder: Path) -> Unit:
    return Unit(folder)


def test_what_ended_for_safety_stays_silent_and_what_failed_is_started_again(unit):
    assert not unit.starts_again(SafetyError.exit_code)
    assert not any(unit.starts_again(code) for code in (0, 143))
    assert all(unit.starts_again(code) for code in (1, 2, 3, -9))


def test_a_board_that_is_stuck_for_ever_is_tripped_once(unit):
    world, trips = World(), []

    def play() -> int:
        try:
            with SerialBackend(INSTRUMENT, world.connect, world.clock) as backend:
                world.clock.at(world.clock.now() + 1.0, lambda: world.board.stick(7))
                Player(backend).play(piece([0.5 * n for n in range(60)]), repeat=True).wait()
        except XylophoneError as error:
            trips.append(str(error))
            return error.exit_code
        return 0

    assert unit.run(play, world.clock, HOUR) == 1
    assert len(trips) == 1
    assert trips[0].startswith("an output was on for too long and the board has switched all off")
    world.run(world.clock.now() + 60.0)
    assert world.board.outputs == 0
    assert len(world.boards) == 1


def test_a_board_that_stays_stuck_at_its_start_is_refused_for_safety_too():
    world = World()
    with SerialBackend(INSTRUMENT, world.connect, world.clock) as backend:
        world.board.stick(3)
        world.clock.wait_until(world.clock.now() + 1.0)
        faults = backend.poll()
        with pytest.raises(SafetyError, match="an output was on for too long"):
            backend.schedule(piece([0.0]).notes[:0])
    assert [fault.error for fault in faults if fault.fatal] == [SafetyError]


def test_striking_by_hand_ends_for_safety_too():
    world = World()
    with SerialBackend(INSTRUMENT, world.connect, world.clock) as backend:
        world.clock.at(world.clock.now() + 1.0, lambda: world.board.stick(7))
        with pytest.raises(SafetyError, match="an output was on for too long"):
            strike_in_turn(
                Stage(backend, None), default_calibration(INSTRUMENT), [[0]] * 9, velocity=60, apart=0.5
            )


@pytest.mark.parametrize("error", [BackendError, BackendAbsent, SafetyError])
def test_a_fatal_fault_ends_the_playing_by_its_own_error(error):
    Fault(0.0, "it goes on").require_more()
    with pytest.raises(BackendError, match="it is over") as caught:
        Fault(0.0, "it is over", True, error).require_more()
    assert type(caught.value) is error


def test_what_fails_at_every_start_reaches_the_limit_of_starts(unit):
    ended = [3] * 100

    clock = VirtualClock()
    assert unit.run(lambda: ended.pop(), clock, HOUR) == int(unit.unit["StartLimitBurst"])
    assert clock.now() < 60.0


@pytest.mark.parametrize("file", ["xylophone.service", "gpio.conf", "user/xylophone.service"])
def test_each_unit_runs_the_owner_and_silences_what_it_played_on(folder, file):
    text = (folder / file).read_text()
    started = re.findall(r"(?m)^ExecStart=\S+/xylo serve( --backend \S+)?(?: --loop .+)?$", text)
    assert started == re.findall(r"(?m)^ExecStopPost=-\S+/xylo off( --backend \S+)?$", text)
    assert len(started) == 1


def test_the_unit_s_folders_are_where_clients_look_and_the_latch_lies(unit):
    assert Path("/run", unit.service["RuntimeDirectory"]) == SYSTEM
    assert Path("/var/lib", unit.service["StateDirectory"]) == SYSTEM_STATE
    assert unit.service["RuntimeDirectoryMode"] == "0750"
    assert unit.service["RuntimeDirectoryPreserve"] == "restart"  # what counts crashes outlasts them
    assert unit.service["Group"] == "xylophone"


def test_a_user_s_unit_is_well_formed(folder, tmp_path):
    need("systemd-analyze")
    program, whole = tmp_path / "xylo", tmp_path / "xylophone.service"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = (folder / "user" / "xylophone.service").read_text()
    whole.write_text(re.sub(r"%h/xylophone/xylo\b", str(program), text))
    environ = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    command = ["systemd-analyze", "--user", "verify", "--recursive-errors=no", str(whole)]
    told = programs.run(command, env=environ, capture_output=True, text=True)
    assert (told.stdout + told.stderr, told.returncode) == ("", 0)


@pytest.mark.parametrize("files", [["xylophone.service"], ["xylophone.service", "gpio.conf"]])
def test_the_unit_is_well_formed_and_hardly_exposed(folder, tmp_path, files):
    need("systemd-analyze")
    program, whole = tmp_path / "xylo", tmp_path / "xylophone.service"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = "\n".join((folder / name).read_text() for name in files)
    whole.write_text(text.replace("/home/pi/xylophone/xylo ", f"{program} "))
    assert run(["systemd-analyze", "verify", str(whole)]) == ""
    told = run(["systemd-analyze", "security", "--offline=yes", "--no-pager", str(whole)])
    found = re.search(r"Overall exposure level for xylophone.service: ([\d.]+)", told)
    assert found is not None
    assert float(found[1]) <= EXPOSURE
