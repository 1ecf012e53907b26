"""`xylophone backup` and `restore`, as somebody types them."""

from __future__ import annotations

import getpass
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Ran, Serve
from owner.systemd import systemd
from xylophone.owner.client import OwnerClient
from xylophone.shelf.replacing import JOURNAL, Journal, Phase, kept_of

Xylophone = Callable[..., Ran]


def test_a_home_comes_back(
    xylophone: Xylophone, midi: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    midi((84, 0, 1, 60, 0), (86, 1, 1, 60, 0), title="Mine")
    (tmp_path / "xylophone.toml").write_text("[player]\nspeed = 0.9\n")
    xylophone("shelf", "favourite", "tune.mid")
    assert xylophone("backup", "home.zip").out == "wrote home.zip: 3 files, 1 song among them\n"
    xylophone("shelf", "favourite", "tune.mid", "--remove")
    (tmp_path / "xylophone.toml").write_text("")
    (tmp_path / "tune.mid").unlink()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    asked = xylophone("restore", "home.zip")
    assert (asked.code, "nobody is here to answer" in asked.err) == (2, True)
    ran = xylophone("restore", "home.zip", "--yes")
    assert (ran.code, ran.out.startswith("restored home.zip, made 2")) == (0, True)
    (song,) = xylophone("shelf", "--favourites", "--json").json
    assert (song["title"], Path(song["path"]).parent.name) == ("Mine", "songs")
    assert (tmp_path / "xylophone.toml").read_text() == "[player]\nspeed = 0.9\n"
    assert xylophone("play", "--list", "favourites", "--save-list", "out.m3u").code == 0


def test_what_is_no_backup_is_one_line(xylophone: Xylophone, tmp_path: Path) -> None:
    (tmp_path / "home.zip").write_text("no backup")
    ran = xylophone("restore", "home.zip", "--yes")
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert xylophone("restore", "nothing.zip", "--yes").code == 1
    assert xylophone("backup", tmp_path).code == 1
    assert xylophone("backup", "no/folder.zip").code == 1


def test_what_does_not_work_here_is_taken_back(xylophone: Xylophone, tmp_path: Path) -> None:
    """A configuration that was only found may not name a backend elsewhere; another one may."""
    config = tmp_path / "xylophone.toml"
    config.write_text('[backend]\nurl = "serial:socket://elsewhere:7000"\n')
    assert xylophone("backup", "home.zip", "--config", config).code == 0
    config.write_text("")
    ran = xylophone("restore", "home.zip", "--yes")
    assert (ran.code, "does not work here: all is as it was" in ran.err) == (1, True)
    assert config.read_text() == ""
    assert xylophone("restore", "home.zip", "--yes", "--config", config).code == 0


def test_the_owner_is_stopped_and_plays_with_what_was_restored(
    xylophone: Xylophone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "xylophone.toml"
    config.write_text("[player]\nspeed = 0.9\n")
    xylophone("backup", "home.zip")
    config.write_text("")
    with systemd(tmp_path, monkeypatch, user=getpass.getuser()) as unit:
        ran = xylophone("restore", "home.zip", "--yes")
        assert (ran.code, ran.out.endswith("; the owner plays with it\n")) == (0, True), ran.err
        assert (unit.runs, unit.asked) == (True, ["stop", "start"])
    assert config.read_text() == "[player]\nspeed = 0.9\n"


def test_where_the_owner_does_not_come_up_with_it_all_is_as_it_was(
    xylophone: Xylophone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "xylophone.toml"
    config.write_text("[player]\nspeed = 0.9\n")
    xylophone("backup", "home.zip")
    config.write_text("[player]\nspeed = 2\n")
    xylophone("shelf", "favourite", "sakura")
    before = {path: path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()}
    with systemd(tmp_path, monkeypatch, user=getpass.getuser(), fails="speed = 0.9") as unit:
        ran = xylophone("restore", "home.zip", "--yes")
        assert (ran.code, ran.err) == (
            1,
            "xylophone: what home.zip holds does not work here: all is as it was\n",
        )
        assert (unit.runs, unit.asked) == (True, ["stop", "start", "stop", "start"])
    assert config.read_text() == "[player]\nspeed = 2\n"
    after = {path: path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()}
    assert after == before


def test_an_odd_backup_stops_nobody(
    xylophone: Xylophone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home.zip").write_text("no backup")
    with systemd(tmp_path, monkeypatch, user=getpass.getuser()) as unit:
        assert xylophone("restore", "home.zip", "--yes").code == 1
        assert (unit.runs, unit.asked) == (True, [])


def test_an_owner_begins_with_what_was_before_a_restore_that_was_cut_short(
    serve: Serve, xylophone: Xylophone, tmp_path: Path
) -> None:
    """It was killed with the configuration replaced, and the rest not yet."""
    config, home = tmp_path / "xylophone.toml", tmp_path / "home" / "xylophone"
    home.mkdir(parents=True)
    kept_of(config).write_text("[home]\nstart_volume = 30\n")
    config.write_text("[home]\nstart_volume = 50\n")
    journal = Journal(home / JOURNAL, Phase.REPLACING, {config: True}, "word")
    journal.write(Phase.REPLACING)
    serve()
    with OwnerClient.connect() as owner:
        states = (event["state"] for event in owner.follow("state"))
        assert next(state["volume"] for state in states if "volume" in state) == 30
    assert config.read_text() == "[home]\nstart_volume = 30\n"
