"""The owner's unit is stopped for as long as its files are replaced, and runs again whatever comes of it."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import programs
from cli.plain_owner import owning
from owner.systemd import Systemd, systemd
from xylophone.errors import FileError
from xylophone.owner.unit import Unit, own_unit, silenced

ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    with systemd(tmp_path, monkeypatch, user=ME) as one:
        yield one


def test_the_owner_is_silent_meanwhile_and_runs_again(unit: Systemd) -> None:
    with silenced(own_unit()) as comes_up:
        assert not unit.runs
        assert comes_up()
        assert unit.runs
    assert (unit.runs, unit.asked) == (True, ["stop", "start"])


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, FileError])
def test_it_runs_again_whatever_ends_the_block(unit: Systemd, error: type[BaseException]) -> None:
    with pytest.raises(error), silenced(own_unit()):
        raise error("ended")
    assert (unit.runs, unit.asked) == (True, ["stop", "start"])


def test_an_owner_that_does_not_start_is_stopped_before_all_is_put_back(unit: Systemd) -> None:
    config = unit.folder / "xylophone.toml"
    with silenced(own_unit()) as comes_up:
        config.write_text("fails")
        assert not comes_up()
        assert unit.asked[-1] == "stop"
        config.unlink()
    assert (unit.runs, unit.asked) == (True, ["stop", "start", "stop", "start"])


def test_an_owner_that_does_not_answer_has_not_come_up(unit: Systemd) -> None:
    with silenced(own_unit(), answer=0.0) as comes_up:
        (unit.folder / "mute").touch()
        assert not comes_up()
        assert not (unit.folder / "up").exists()
        (unit.folder / "mute").unlink()
    assert unit.runs


def test_one_that_does_not_come_back_is_told(unit: Systemd) -> None:
    told = pytest.raises(FileError, match=r"xylophone\.service does not come back: see journalctl")
    with told, silenced(own_unit()):
        (unit.folder / "xylophone.toml").write_text("fails")


def test_one_that_may_not_be_stopped_goes_on(unit: Systemd) -> None:
    (unit.folder / "denied").touch()
    with pytest.raises(FileError, match="Access denied: do it with sudo"), silenced(own_unit()):
        pytest.fail("it was replaced under an owner that plays")
    assert (unit.runs, unit.asked) == (True, ["stop"])


def test_a_unit_that_rests_is_left_alone(unit: Systemd) -> None:
    Unit.stop(own_unit() or pytest.fail("there is a unit"))
    with silenced(own_unit()) as comes_up:
        assert comes_up()
    assert (unit.runs, unit.asked) == (False, ["stop"])


def test_an_owner_that_is_no_unit_is_to_be_ended_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XYLOPHONE_OWNER", str(tmp_path / "run" / "owner.sock"))
    with owning(tmp_path):
        assert own_unit() is None
        told = pytest.raises(FileError, match=r"do this with sudo, else end it .* with: xylophone serve")
        with told, silenced(None):
            pytest.fail("it was replaced under an owner that plays")
    with silenced(None) as comes_up:
        assert comes_up()


def test_without_systemd_there_is_no_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XYLOPHONE_OWNER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_unit() is None


BECOME = """
import os
from pathlib import Path
from xylophone.owner.unit import Unit, _run
Unit(("systemctl",), True, "nobody", Path("/usr")).act_for()
print(os.geteuid(), os.getegid(), os.environ["HOME"], os.getcwd(), "XDG_DATA_HOME" in os.environ)
print(_run("id", "-u").stdout.strip())
"""


def test_root_goes_on_as_the_unit_s_user_and_asks_systemd_as_root(tmp_path: Path) -> None:
    """Anybody else stays who they are."""
    environment = os.environ | {"XDG_DATA_HOME": "/elsewhere"}
    command = [sys.executable, "-c", BECOME]
    ran = programs.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    who, me = pwd.getpwnam("nobody"), os.geteuid()
    as_nobody = f"{who.pw_uid} {who.pw_gid} {who.pw_dir} /usr False"
    as_me = f"{me} {os.getegid()} {os.environ['HOME']} {tmp_path} True"
    assert ran.stdout.splitlines() == [as_me if me else as_nobody, str(me)], ran.stderr
