"""What is played is noted, and nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shelf.songs import NOON
from xylophone.collection.library import find_song
from xylophone.midifile import load_song
from xylophone.shelf.entries import ToldBy
from xylophone.shelf.logbook import MOST_WAITING, Logbook, Played
from xylophone.shelf.store import Store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "home" / "home.db"


def played(minutes: float = 0, name: str = "sakura") -> Played:
    path = find_song(name)
    return Played(path, load_song(path), NOON + timedelta(minutes=minutes), 40.0, finished=True)


class SlowDisk:
    """Opens a store whose commits wait until `ready` is set."""

    def __init__(self) -> None:
        self.ready, self.waits = threading.Event(), threading.Event()

    def __call__(self, path: Path) -> Store:
        store = Store.open(path)
        store.base.set_trace_callback(self._look)
        return store

    def _look(self, statement: str) -> None:
        if statement == "COMMIT":
            self.waits.set()
            self.ready.wait()


@pytest.fixture
def slow() -> Iterator[SlowDisk]:
    disk = SlowDisk()
    yield disk
    disk.ready.set()


def test_each_play_is_noted_with_its_song(database: Path) -> None:
    book = Logbook(database)
    for minutes in range(3):
        book.note_play(played(minutes))
    book.close()
    assert book.lost == ""
    with Store.open(database) as store:
        (song,) = store.songs()
        assert (song.about.title, song.plays, song.path) == ("Sakura, sakura", 3, find_song("sakura"))
        assert (song.about.told_by, song.about.mood) == (ToldBy.TAG, ("calm", "wistful"))
        assert [(play.began, play.seconds) for play, _ in store.plays()] == [
            (NOON + timedelta(minutes=minutes), 40.0) for minutes in (2, 1, 0)
        ]


def test_a_song_that_was_left_before_it_was_heard_is_not_noted(database: Path) -> None:
    book = Logbook(database)
    for seconds, finished in ((9.9, False), (10.0, False), (3.0, True)):
        book.note_play(replace(played(seconds), seconds=seconds, finished=finished))
    book.close()
    with Store.open(database) as store:
        assert sorted(play.seconds for play, _ in store.plays()) == [3.0, 10.0]


def test_a_song_is_one_commit_and_an_idle_logbook_writes_nothing(database: Path) -> None:
    said: list[str] = []

    def opened(path: Path) -> Store:
        store = Store.open(path)
        store.base.set_trace_callback(said.append)
        return store

    book = Logbook(database, opened)
    assert not database.exists()
    for minutes in range(3):
        book.note_play(played(minutes))
    book.close()
    assert said.count("COMMIT") == said.count("BEGIN IMMEDIATE") == 3
    assert said[-1] == "COMMIT"


def test_a_disk_that_hangs_holds_nobody_up_and_what_is_lost_is_counted(
    database: Path, slow: SlowDisk
) -> None:
    book = Logbook(database, slow)
    book.note_play(played())
    assert slow.waits.wait(60)
    for minutes in range(MOST_WAITING + 3):  # returns each time, though nothing is written
        book.note_play(played(minutes))
    book.close(patience=0.01)
    assert book.lost.startswith(
        f"{MOST_WAITING + 4} songs that were played are not noted: the disk is too slow"
    )


def test_what_waits_is_written_once_the_disk_does(database: Path, slow: SlowDisk) -> None:
    book = Logbook(database, slow)
    for minutes in range(3):
        book.note_play(played(minutes))
    assert slow.waits.wait(60)
    slow.ready.set()
    book.close()
    assert book.lost == ""
    with Store.open(database) as store:
        assert len(store.plays()) == 3


def test_trouble_is_told_at_the_end_and_raises_nothing(database: Path) -> None:
    database.parent.write_text("no folder")
    book = Logbook(database)
    book.note_play(played())
    book.close()
    assert book.lost.startswith(
        f"1 song that was played is not noted: cannot use the folder {database.parent}: "
    )
