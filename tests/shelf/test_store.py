"""The home database keeps what it was told; what is not ours, damaged, newer or full is one line."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from shelf.songs import NOON, ODD, about, play
from xylophone.errors import FileError
from xylophone.shelf.entries import ToldBy
from xylophone.shelf.schema import STEPS, bring_up, version_of
from xylophone.shelf.store import Store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "home" / "home.db"


def read_all(database: Path) -> None:
    with Store.open(database) as store:
        store.songs()
        store.check()


def fill(store: Store) -> None:
    for number in range(2, 250):
        store.put(about(number, "long " * 100), None, NOON)


def test_a_song_is_known_again_by_its_content_wherever_its_file_lies(database: Path, tmp_path: Path) -> None:
    for name in ("old.mid", "new.mid"):
        (tmp_path / name).write_bytes(b"MThd")
    with Store.open(database) as store:
        store.put(about(1, composer="Trad.", occasion=("dance", "new year")), tmp_path / "old.mid", NOON)
        store.put(about(1, composer="Trad.", occasion=("dance", "new year")), tmp_path / "new.mid",
                  NOON + timedelta(days=1))  # fmt: skip
        store.put(about(2), None, NOON)
    with Store.open(database) as store:
        first, second = store.songs()
        assert first.about == about(1, composer="Trad.", occasion=("dance", "new year"))
        assert (first.path, first.added, first.plays, first.heard) == (tmp_path / "new.mid", NOON, 0, None)
        assert (second.path, second.favourite) == (None, False)
        (tmp_path / "new.mid").unlink()
        (database.parent / "songs").mkdir()
        kept = database.parent / "songs" / f"{'02' * 32}.mid"
        kept.write_bytes(b"MThd")
        assert [song.path for song in store.songs()] == [None, kept]


def test_plays_favourites_and_moods_are_kept(database: Path) -> None:
    with Store.open(database) as store:
        store.note(about(1), None, play(1, 0))
        store.note(about(2), None, play(2, 5, finished=False))
        store.note(about(1), None, play(1, 9))
        store.set_favourite(about(2).digest, True)
        store.set_mood(about(1).digest, ("merry", "grand"), ToldBy.PERSON)
        store.note(about(1, told_by=ToldBy.GUESSED), None, play(1, 10))
    with Store.open(database) as store:
        song = store.song(about(1).digest)
        assert song is not None
        assert (song.plays, song.heard) == (3, NOON + timedelta(minutes=10))
        assert (song.about.mood, song.about.told_by) == (("merry", "grand"), ToldBy.PERSON)
        assert [found.favourite for found in store.songs()] == [False, True]
        assert [told for told, _ in store.plays()] == [
            play(1, 10), play(1, 9), play(2, 5, finished=False), play(1, 0),
        ]  # fmt: skip
        assert [title for _, title in store.plays(2)] == ["Song 1", "Song 1"]
        assert store.song(b"\xff" * 32) is None


def test_odd_titles_are_only_titles(database: Path) -> None:
    with Store.open(database) as store:
        store.put(about(1, ODD), None, NOON)
        store.put(about(2, composer=ODD), None, NOON)
        assert [song.about.title for song in store.songs()] == [ODD.replace("\ud800", "?"), "Song 2"]
        store.check()


def test_folder_and_database_are_the_user_s_alone(database: Path) -> None:
    with Store.open(database):
        assert database.parent.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in database.parent.iterdir()} == {0o600}


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_folder_that_is_there_stays_as_it_is(database: Path) -> None:
    for mode in (0o755, 0o775, 0o1777, 0o700):
        database.parent.mkdir(exist_ok=True)
        database.parent.chmod(mode)
        with Store.open(database):
            assert database.parent.stat().st_mode & 0o7777 == mode
            assert database.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_folder_where_everybody_may_write_is_refused(database: Path) -> None:
    database.parent.mkdir()
    database.parent.chmod(0o777)
    with pytest.raises(FileError, match=r"everybody may replace what is in it: .*\[home\] folder") as caught:
        Store.open(database)
    assert str(caught.value).count("[home] folder") == 1
    assert list(database.parent.iterdir()) == []


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_place_of_the_folder_is_told_once(database: Path, below: str) -> None:
    database.parent.write_text("no folder")
    with pytest.raises(FileError) as caught:
        Store.open(database.parent / below / "home.db")
    assert str(caught.value).count("[home] folder") == 1
    assert database.parent.read_text() == "no folder"


def test_it_is_written_ahead_and_synced(database: Path) -> None:
    with Store.open(database) as store:
        found = [
            store.base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        ]
    assert found == ["wal", 2]


@pytest.mark.parametrize("version", range(len(STEPS)))
def test_an_older_database_becomes_one_of_today(database: Path, version: int) -> None:
    database.parent.mkdir()
    with closing(sqlite3.connect(database, isolation_level=None)) as base:
        bring_up(base, database, STEPS[:version])
    with Store.open(database) as store:
        store.note(about(1), None, play(1))
        assert store.base.execute("PRAGMA user_version").fetchone() == (len(STEPS),)


def test_a_step_that_fails_leaves_the_database_as_it_was(database: Path) -> None:
    with Store.open(database) as store:
        store.put(about(1), None, NOON)
        broken = (*STEPS, ("ALTER TABLE songs ADD COLUMN stars INTEGER", "CREATE TABLE songs (again)"))
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            bring_up(store.base, database, broken)
        mended = (*STEPS, ("ALTER TABLE songs ADD COLUMN stars INTEGER",), ("UPDATE songs SET stars = 5",))
        bring_up(store.base, database, mended)
        assert store.base.execute("SELECT title, stars FROM songs").fetchall() == [("Song 1", 5)]
        assert store.base.execute("PRAGMA user_version").fetchone() == (len(STEPS) + 2,)
    with pytest.raises(
        FileError, match=rf"is of version {len(STEPS) + 2}, this program knows {len(STEPS)}: update"
    ):
        Store.open(database)


def test_whoever_makes_the_tables_meanwhile_is_no_other_program(database: Path) -> None:
    database.parent.mkdir()
    with closing(sqlite3.connect(database, isolation_level=None)) as base:
        with closing(sqlite3.connect(database, 0, isolation_level=None)) as other:

            def make(said: str) -> None:
                if "user_version" in said:
                    with suppress(sqlite3.OperationalError):  # is kept waiting
                        bring_up(other, database)

            base.set_trace_callback(make)
            assert version_of(base, database) in (0, len(STEPS))
            base.set_trace_callback(None)
        bring_up(base, database)
        assert version_of(base, database) == len(STEPS)


def test_another_program_s_database_is_left_alone(database: Path) -> None:
    database.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(database)) as base:
        base.execute("CREATE TABLE letters (text)")
    before = database.read_bytes()
    with pytest.raises(FileError, match="another program's database"):
        Store.open(database)
    assert database.read_bytes() == before


@pytest.mark.parametrize("end", [0, 4096])
def test_a_damaged_database_says_how_a_backup_comes_back(database: Path, end: int) -> None:
    with Store.open(database) as store:
        for number in range(200):
            store.put(about(number), None, NOON)
    content = bytearray(database.read_bytes())
    content[end : end + 8000] = b"\x5a" * 8000
    database.write_bytes(content)
    with pytest.raises(
        FileError, match=r"cannot use .*: it is (damaged|no database).*xylophone restore FILE"
    ):
        read_all(database)


def test_a_full_database_is_told_and_what_was_there_stays(database: Path) -> None:
    with Store.open(database) as store:
        store.put(about(1), None, NOON)
        store.base.execute(f"PRAGMA max_page_count = {store.base.execute('PRAGMA page_count').fetchone()[0]}")
        with pytest.raises(FileError, match="the disk is full: make room"):
            fill(store)
        known = [song.about.digest for song in store.songs()]
        assert about(1).digest in known
        store.check()


def test_a_database_that_another_program_writes_to_is_not_waited_for_long(database: Path) -> None:
    with Store.open(database) as one, Store.open(database, patience=0.01) as other:
        with one.writing(), pytest.raises(FileError, match="another program writes to it"):
            other.put(about(1), None, NOON)
        other.put(about(1), None, NOON)
        assert len(one.songs()) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="users are told apart on POSIX only")
@pytest.mark.parametrize("what", ["home.db", "home.db-wal", "."])
def test_a_link_is_not_followed(database: Path, tmp_path: Path, what: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    if what == ".":
        elsewhere.mkdir()
        database.parent.symlink_to(elsewhere)
    else:
        database.parent.mkdir(mode=0o700)
        (database.parent / what).symlink_to(elsewhere)
    with pytest.raises(FileError, match=r"link.*\[home\] folder"):
        Store.open(database)
    assert not elsewhere.exists() or not list(elsewhere.iterdir())


def test_a_copy_is_whole_while_others_write(database: Path, tmp_path: Path) -> None:
    with Store.open(database) as store:
        store.put(about(1), None, NOON)
        store.copy_to(tmp_path / "copy.db")
        store.put(about(2), None, NOON)
    with Store.open(tmp_path / "copy.db") as copy:
        copy.check()
        assert [song.about.title for song in copy.songs()] == ["Song 1"]
