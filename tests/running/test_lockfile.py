"""Whom a lock file names: nobody but a process of this user that holds it, whatever somebody wrote there."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import programs
from xylophone.errors import FileError
from xylophone.files import private_folder
from xylophone.running.lockfile import Owner, clear, is_held, owner_of, take
from xylophone.running.playing import end_playing, playing

URL = "serial:///dev/ttyACM0"
NOBODY = 65534


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process of this user that plays nothing, and would be ended by any signal."""
    with programs.Program([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        assert process.poll() is None
        process.kill()


@contextmanager
def held(path: Path, text: str) -> Iterator[None]:
    """Hold a lock file with this text in it."""
    path.write_text(text)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize(
    "number", [-1, 0, 1, "{bystander}", "-{bystander}", 2**40, "no number", None, 1.5, True]
)
def test_a_number_that_is_no_player_of_this_user_is_never_signalled(
    tmp_path: Path, bystander: subprocess.Popen[bytes], number: object
) -> None:
    if isinstance(number, str) and "{" in number:
        number = int(number.format(bystander=bystander.pid))
    tmp_path.chmod(0o700)
    with held(tmp_path / "x.lock", json.dumps({"process": number, "url": URL})):
        assert end_playing(tmp_path) == []


@pytest.mark.parametrize(
    "text", ["", "4711", "[1, 2]", "{}", '{"process": 7}', '{"url": "x"}', "\xff" * 99, "[" * 10000]
)
def test_what_no_player_writes_names_nobody(tmp_path: Path, text: str) -> None:
    with held(tmp_path / "x.lock", text):
        assert owner_of(tmp_path / "x.lock") is None
        assert end_playing(tmp_path) == []


def test_no_link_is_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "serial-dev-ttyACM0.lock").symlink_to(victim)
    (folder / "last").symlink_to(victim)
    with (
        pytest.raises(FileError, match=r"serial-dev-ttyACM0\.lock, by which xylophone off"),
        playing(URL, folder),
    ):
        pass
    assert end_playing(folder) == []
    (folder / "serial-dev-ttyACM0.lock").unlink()
    with pytest.raises(FileError), playing(URL, folder):
        pass
    assert victim.read_text() == "precious"


def test_a_folder_that_is_a_link_or_lax_is_not_taken_as_it_is(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o777)
    real.chmod(0o777)
    (tmp_path / "link").symlink_to(real)
    with pytest.raises(FileError), playing(URL, tmp_path / "link"):
        pass
    with playing(URL, real):
        assert real.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="another user can only be had by root")
def test_what_another_user_made_is_not_used(tmp_path: Path, bystander: subprocess.Popen[bytes]) -> None:
    folder = tmp_path / "made-before"
    folder.mkdir(mode=0o777)
    os.chown(folder, NOBODY, NOBODY)
    with held(folder / "x.lock", Owner(bystander.pid, URL).text().decode()):
        assert end_playing(folder) == []
    with pytest.raises(FileError, match="belongs to another user"), playing(URL, folder):
        pass
    with pytest.raises(PermissionError):
        private_folder(folder)
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    with held(own / "x.lock", Owner(bystander.pid, URL).text().decode()):
        os.chown(own / "x.lock", NOBODY, NOBODY)
        with pytest.raises(PermissionError):
            owner_of(own / "x.lock")


def test_a_file_that_was_cleared_away_while_it_was_opened_is_no_lock(tmp_path: Path) -> None:
    """Two must not hold one name, each a file of its own."""
    path, owner = tmp_path / "x.lock", Owner(os.getpid(), URL)
    first = take(path, owner)
    assert first is not None
    assert take(path, owner) is None
    clear(path)  # held: it stays
    assert is_held(path)
    path.unlink()  # by somebody else
    second = take(path, owner)
    assert second is not None
    os.close(first)
    assert is_held(path)
    os.close(second)
    clear(path)
    assert not path.exists()


def test_the_number_stands_in_the_locked_file_itself(tmp_path: Path) -> None:
    with playing(URL, tmp_path):
        path = tmp_path / "serial-dev-ttyACM0.lock"
        assert owner_of(path) == Owner(os.getpid(), URL)
        assert is_held(path)
        assert path.stat().st_mode & 0o777 == 0o600
        assert sorted(found.name for found in tmp_path.iterdir()) == ["last", path.name]
