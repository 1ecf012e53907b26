"""A backup holds all that a home would miss; what is odd in one is refused, and nothing replaced."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

import programs
from midifile import smf
from shelf.songs import NOON, about, play
from xylophone.calibration.file import default_calibration, write_calibration
from xylophone.config import Chosen, load_settings, write_saved
from xylophone.errors import XylophoneError
from xylophone.instrument import build_instrument
from xylophone.shelf.backup import write_backup
from xylophone.shelf.contents import MANIFEST, VERSION
from xylophone.shelf.lists import keep_list, list_songs
from xylophone.shelf.replacing import JOURNAL
from xylophone.shelf.restore import restore, unpacked
from xylophone.shelf.schema import bring_up
from xylophone.shelf.store import NAME, Store
from xylophone.shelf.telling import read_about
from xylophone.tuning.keeping import NEVER_TUNED, Versions, hold

Members = dict[str, bytes]


@dataclass
class House:
    """A home: its configuration folder, its shelf, a song of the family's."""

    folder: Path

    @property
    def user(self) -> Path:
        return self.folder / "config" / "xylophone"

    @property
    def shelf(self) -> Path:
        return self.folder / "data" / "xylophone"

    @property
    def song(self) -> Path:
        return self.folder / "hornpipe.mid"

    def furnish(self) -> None:
        """Let a family live there."""
        self.user.mkdir(parents=True)
        (self.user / "xylophone.toml").write_text('[player]\nspeed = 0.9\n[backend]\nurl = "gpio:null"\n')
        write_calibration(self.user / "calibration.toml", default_calibration(build_instrument()))
        (self.user / "calibration.versions").mkdir()
        (self.user / "calibration.versions" / "1-after-0.toml").write_text("# kept\n")
        (self.user / "calibration.history.jsonl").write_text("{}\n")
        (self.user / "songs").mkdir()
        (self.user / "songs" / "sakura.arrange.toml").write_text('preset = "solo"\n')
        self.song.write_bytes(smf.song(smf.track(smf.meta(3, b"Hornpipe"), smf.note(84), smf.note(86))))
        write_saved(self.song, Chosen(preset="virtuoso"))
        with Store.open(self.shelf / NAME) as store:
            song = read_about(self.song)
            store.put(song, self.song, NOON)
            store.note(about(7, "Gone"), None, play(7))
            keep_list(store, "evening", [song.digest])

    def backup(self) -> Path:
        target = self.folder / "backup.zip"
        write_backup(target, load_settings(), datetime(2026, 3, 2, tzinfo=UTC))
        return target

    def restore(self, file: Path, comes_up: Callable[[], bool] = lambda: True) -> bool:
        found = load_settings()
        with unpacked(file, found) as backup:
            return restore(backup, found, comes_up)

    def state(self) -> dict[str, bytes]:
        """Return all that a restore may change, but for files that SQLite keeps beside its own."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != "backup.zip"]
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in files if "-" not in path.suffix
        }


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "house" / name.lower()))
    for name in ("XYLOPHONE_CONFIG", "XYLOPHONE_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    house = House(tmp_path / "house")
    house.furnish()
    return house


def titles(house: House) -> list[str]:
    with Store.open(house.shelf / NAME) as store:
        return [song.about.title for song in store.songs()]


def members_of(file: Path) -> Members:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != MANIFEST}


def write(file: Path, holds: Members, **more: object) -> Path:
    """Write a backup of these members, with a manifest that fits unless `more` says otherwise."""
    listed = {name: [len(held), hashlib.sha256(held).hexdigest()] for name, held in holds.items()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in holds.items():
            archive.writestr(name, held)
        manifest = {"xylophone": VERSION, "made": "today", "members": listed} | more
        archive.writestr(MANIFEST, json.dumps(manifest))
    return file


def test_a_backup_holds_what_a_home_would_miss(house: House) -> None:
    digest = hashlib.sha256(house.song.read_bytes()).hexdigest()
    assert set(members_of(house.backup())) == {
        "home.db", "xylophone.toml", "calibration.toml", "calibration.history.jsonl",
        "calibration.versions/1-after-0.toml", "choices/sakura.arrange.toml",
        f"songs/{digest}.mid", f"songs/{digest}.arrange.toml",
    }  # fmt: skip


def test_all_comes_back_to_an_empty_machine(house: House) -> None:
    file, before = house.backup(), house.state()
    for folder in (house.user, house.shelf):
        shutil.rmtree(folder)
    house.song.unlink()
    assert house.restore(file)
    after = house.state()
    same = [name for name in before if name.startswith("config")]
    assert len(same) == 5
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    with Store.open(house.shelf / NAME) as store:
        (song,) = list_songs(store, "evening")
        assert (song.about.title, [one.digest for one, _ in store.plays()]) == ("Hornpipe", [play(7).digest])
        assert song.path is not None
        assert song.path.parent == house.shelf / "songs"
        assert read_about(song.path) == song.about
        assert song.path.with_suffix(".arrange.toml").read_text().endswith('preset = "virtuoso"\n')
    assert {path.stat().st_mode & 0o777 for path in house.shelf.glob("home.db*")} == {0o600}


def test_what_came_later_is_gone_and_a_damaged_database_is_replaced(house: House) -> None:
    file = house.backup()
    with Store.open(house.shelf / NAME) as store:
        store.put(about(9, "Later"), None, NOON)
    (house.user / "calibration.versions" / "2-after-1.toml").write_text("# later\n")
    assert house.restore(file)
    assert titles(house) == ["Gone", "Hornpipe"]
    assert [path.name for path in (house.user / "calibration.versions").iterdir()] == ["1-after-0.toml"]
    (house.shelf / NAME).write_bytes(b"no database" * 1000)
    assert house.restore(file)
    assert titles(house) == ["Gone", "Hornpipe"]


def test_a_calibration_that_was_taken_back_can_be_put_in_force_again(house: House) -> None:
    """Never tuned is a version too; those that were in force before it come back with it."""
    tuned = house.user / "calibration.toml"
    with hold(tuned) as held:
        held.keep(default_calibration(build_instrument()), NOON, "gpio:null")
        held.take_back(NEVER_TUNED, build_instrument())
    before = Versions.read(tuned)
    file = house.backup()
    with hold(tuned) as held:
        held.keep(default_calibration(build_instrument()), NOON, "gpio:null")
    assert house.restore(file)
    assert (Versions.read(tuned), tuned.exists()) == (before, False)
    with hold(tuned) as held:
        held.take_back(before.newest, build_instrument())
    assert tuned.read_bytes() == before.known[-1].file.read_bytes()


def test_what_does_not_come_up_is_rolled_back_byte_for_byte(house: House) -> None:
    file = house.backup()
    with Store.open(house.shelf / NAME) as store:
        store.put(about(9, "Later"), None, NOON)
    (house.user / "xylophone.toml").write_text("[player]\nspeed = 2\n")
    before, seen = house.state(), list[list[str]]()

    def comes_up() -> bool:
        with Store.open(house.shelf / NAME) as store:
            seen.append([song.about.title for song in store.songs()])
            store.put(about(8, "On trial"), None, NOON)
            raise SystemExit(143)

    for ends in (comes_up, lambda: False):
        with suppress(SystemExit):
            assert not house.restore(file, ends)
        assert house.state() == before
    assert seen == [["Gone", "Hornpipe"]]
    assert titles(house) == ["Gone", "Hornpipe", "Later"]


def test_what_a_killed_player_has_left_beside_its_database_is_no_part_of_the_restored_one(
    house: House,
) -> None:
    file = house.backup()
    database = house.shelf / NAME
    with Store.open(database) as store:
        store.put(about(9, "Later"), None, NOON)
        left = [database.with_name(f"{NAME}{ending}") for ending in ("", "-wal", "-shm")]
        contents = [path.read_bytes() for path in left]
    for path, content in zip(left, contents, strict=True):
        path.write_bytes(content)
    assert not house.restore(file, lambda: False)
    assert titles(house) == ["Gone", "Hornpipe", "Later"]
    for path, content in zip(left, contents, strict=True):
        path.write_bytes(content)
    assert house.restore(file)
    assert [path.name for path in house.shelf.glob("home.db-*")] == []
    assert titles(house) == ["Gone", "Hornpipe"]


def test_a_database_that_is_open_elsewhere_is_not_replaced(house: House) -> None:
    file = house.backup()
    with Store.open(house.shelf / NAME) as store:
        store.songs()
        before = house.state()
        with pytest.raises(XylophoneError, match="another program"):
            house.restore(file)
        assert house.state() == before


HOLDS = """
import sys
from pathlib import Path
from xylophone.shelf.store import Store
with Store.open(Path(sys.argv[1])) as store:
    store.songs()
    print(flush=True)
    input()
"""


def test_a_database_that_another_process_has_open_is_not_replaced(house: House) -> None:
    file = house.backup()
    before = house.state()
    command = [sys.executable, "-c", HOLDS, house.shelf / NAME]
    with programs.Program(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(XylophoneError, match="another program has it open: end what plays"):
            house.restore(file)
        other.communicate(b"\n")
    assert house.state() == before
    assert house.restore(file)


def test_a_backup_does_not_take_the_place_of_what_it_holds(house: House) -> None:
    link = house.folder / "link.zip"
    link.symlink_to(house.shelf / NAME)
    before = house.state()
    for target in (
        house.shelf / NAME,
        house.shelf / "home.db-wal",
        house.user / "calibration.toml",
        house.song,
        link,
    ):
        with pytest.raises(XylophoneError, match="name another file"):
            write_backup(target, load_settings(), NOON)
        assert house.state() == before
    file = house.backup()
    assert write_backup(file, load_settings(), NOON) == [*members_of(file)]


def test_a_backup_is_not_restored_through_a_link_in_place_of_its_folder(house: House) -> None:
    file = house.backup()
    moved = house.shelf.rename(house.folder / "moved")
    house.shelf.symlink_to(moved)
    assert "a link" in refused(house, file)


def refused(house: House, file: Path) -> str:
    """Return why a backup is refused; nothing has changed then."""
    before = house.state()
    with pytest.raises(XylophoneError) as caught:
        house.restore(file)
    assert house.state() == before
    assert not (house.shelf / JOURNAL).exists()
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    "name",
    [
        "../evil.toml", "/etc/evil", "songs/../../evil.mid", "choices/../evil.arrange.toml", "evil.py",
        "choices/.hidden.arrange.toml", "HOME.DB", "home.db/", f"songs/{'A' * 64}.mid", "calibration.toml ",
        "choices\\evil.arrange.toml", "C:evil", "choices/\u0661.arrange.toml", "songs/",
        f"choices/{'x' * 200}.arrange.toml",
    ],
)  # fmt: skip
def test_a_member_of_another_name_is_refused(house: House, name: str) -> None:
    file = house.backup()
    assert "no whole backup" in refused(house, write(file, members_of(file) | {name: b"evil"}))


def odd_link(info: zipfile.ZipInfo) -> None:
    info.external_attr = (stat.S_IFLNK | 0o777) << 16


def odd_device(info: zipfile.ZipInfo) -> None:
    info.external_attr = (stat.S_IFCHR | 0o666) << 16


def odd_packing(info: zipfile.ZipInfo) -> None:
    info.compress_type = zipfile.ZIP_LZMA


@pytest.mark.parametrize("odd", [odd_link, odd_device, odd_packing])
def test_links_devices_and_odd_packing_are_refused(
    house: House, odd: Callable[[zipfile.ZipInfo], object]
) -> None:
    file = house.backup()
    members = members_of(file)
    write(file, members)
    config = zipfile.ZipInfo("choices/odd.arrange.toml")
    odd(config)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(config, b"/etc/passwd")
    assert "choices/odd.arrange.toml" in refused(house, file)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_doubled_members_are_refused(house: House) -> None:
    file = house.backup()
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("home.db", b"evil")
    assert "'home.db' does not belong" in refused(house, file)


def changed_digest(members: Members) -> dict[str, object]:
    return {"members": {name: [len(held), "0" * 64] for name, held in members.items()}}


def missing_member(members: Members) -> dict[str, object]:
    return {"members": {}}


def newer(members: Members) -> dict[str, object]:
    return {"xylophone": VERSION + 1}


def too_large(members: Members) -> dict[str, object]:
    return {"members": {name: [2**40, "0" * 64] for name in members}}


def smaller(members: Members) -> dict[str, object]:
    return {"members": {name: [1, hashlib.sha256(held[:1]).hexdigest()] for name, held in members.items()}}


@pytest.mark.parametrize("lie", [changed_digest, missing_member, newer, too_large, smaller])
def test_what_the_manifest_says_otherwise_is_refused(
    house: House, lie: Callable[[Members], dict[str, object]]
) -> None:
    file = house.backup()
    members = members_of(file)
    assert "no whole backup" in refused(house, write(file, members, **lie(members)))


def test_a_bomb_is_given_up_at_the_size_that_its_manifest_says(house: House) -> None:
    file = house.backup()
    members = members_of(file) | {"choices/bomb.arrange.toml": b"\0" * 50_000_000}
    listed = {name: [len(held[:1000]), "0" * 64] for name, held in members.items() if "bomb" in name}
    listed |= {
        name: [len(held), hashlib.sha256(held).hexdigest()]
        for name, held in members.items()
        if "bomb" not in name
    }
    assert "no whole backup" in refused(house, write(file, members, members=listed))
    assert "no whole backup" in refused(house, write(file, members))


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"no backup" * 1000, b"PK\x03\x04" + bytes(100)])
def test_what_is_no_backup_is_refused(house: House, content: bytes) -> None:
    file = house.folder / "backup.zip"
    file.write_bytes(content)
    assert "no whole backup" in refused(house, file)


def test_a_backup_that_was_cut_or_changed_anywhere_is_refused(house: House) -> None:
    file = house.backup()
    whole = file.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 25)):
        file.write_bytes(whole[:place])
        assert refused(house, file)
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        with suppress(XylophoneError):  # a byte that means nothing, such as of a date, may be changed
            house.restore(file)
        assert titles(house) == ["Gone", "Hornpipe"]


def database(change: str) -> bytes:
    """Return a home database in which somebody has changed something by hand."""
    base = sqlite3.connect(":memory:", isolation_level=None)
    with closing(base):
        bring_up(base, Path("home.db"))
        base.executescript(change)
        return base.serialize()


SONG = (
    "PRAGMA ignore_check_constraints = ON; "
    "INSERT INTO songs VALUES (randomblob({}), 't', 'c', {}, 'calm', '{}', '', 0, {});"
)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TRIGGER t AFTER INSERT ON plays BEGIN DELETE FROM songs; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE more (a)",
        "DROP TABLE plays",
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 7",
        SONG.format(32, 1.0, "nobody", 0),
        SONG.format(31, 1.0, "tag", 0),
        SONG.format(32, 1.0, "tag", 10**17),
        SONG.format(32, 9e99, "tag", 0),
        "PRAGMA foreign_keys = OFF; INSERT INTO plays VALUES (1, randomblob(32), 0, 1.0, 1)",
    ],
)
def test_a_database_that_is_not_ours_is_refused(house: House, change: str) -> None:
    file = house.backup()
    assert refused(house, write(file, members_of(file) | {"home.db": database(change)}))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("xylophone.toml", b"speed = fast"),
        ("xylophone.toml", b"[player]\nspeed = 99"),
        ("xylophone.toml", b'[home]\nfolder = "/etc"'),
        ("xylophone.toml", b"\xff"),
        ("calibration.toml", b"version = 99"),
        ("calibration.toml", b"[["),
        ("choices/sakura.arrange.toml", b"preset = 3"),
        (f"songs/{'0' * 64}.mid", b"another song"),
    ],
)
def test_what_could_not_be_used_is_refused(house: House, name: str, content: bytes) -> None:
    file = house.backup()
    assert refused(house, write(file, members_of(file) | {name: content}))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes by name")
def test_a_pipe_or_a_folder_is_no_backup(house: House, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        assert "it is no file" in refused(house, path)


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert not [path for path in tmp_path.rglob(".*") if "restor" in path.name]
