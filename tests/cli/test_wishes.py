"""`xylophone play --mood calm --for 20min`: songs are chosen, told with their reasons, played and noted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import programs
from cli.conftest import Ran
from cli.test_evening import evening_of, folder, heard
from midifile import smf
from player.pieces import INSTRUMENT
from xylophone.arranger import PRESETS
from xylophone.cli.hearing import Hearing, noting
from xylophone.cli.wishes import Evenly, Wishes, wished
from xylophone.collection.library import songs
from xylophone.collection.prepared import Asked
from xylophone.config import Chosen, Settings
from xylophone.config.values import HomeSettings
from xylophone.player import Player
from xylophone.shelf.entries import Play, ToldBy
from xylophone.shelf.logbook import Logbook
from xylophone.shelf.store import NAME, Store
from xylophone.shelf.telling import read_about

__all__ = ["folder"]

Xylophone = Callable[..., Ran]
MARCH = datetime(2026, 3, 8, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "kept"


def chosen(home: Path, wishes: Wishes, *paths: Path, length: float | None = None) -> list[str]:
    """Return the names of the songs that are chosen."""
    asked = Asked(Chosen(), PRESETS["faithful"])
    how = Evenly(length, 0, MARCH.date(), Settings(INSTRUMENT, home=HomeSettings(home)), asked)
    return [path.stem for path in wished(wishes, paths, how, quiet=False)[0]]


CALM = Wishes("calm", None, None)


def test_twenty_minutes_of_calm_songs_are_chosen_with_their_reasons(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = chosen(home, CALM, length=1200.0)
    calm = {song.name for song in songs() if "calm" in song.mood}
    assert 5 <= len(found) == len(set(found))
    assert set(found) < calm
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(found)
    assert all(line.endswith(": calm, never heard") for line in told)


def test_what_was_heard_lately_comes_last_and_what_a_person_says_counts(
    home: Path, midi: Callable[..., Path]
) -> None:
    mine = midi((84, 0, 1, 60, 0), (86, 1, 1, 60, 0))
    with Store.open(home / NAME) as store:
        about = read_about(mine)
        store.note(about, mine, Play(about.digest, MARCH - timedelta(days=1), 60.0, True))
        sakura = read_about(next(song.path for song in songs() if song.name == "sakura"))
        store.put(sakura, None, MARCH)
        store.set_mood(sakura.digest, ("merry",), ToldBy.PERSON)
    found = chosen(home, CALM)
    assert found[-1] == "tune"
    assert "sakura" not in found
    assert "sakura" in chosen(home, Wishes("merry", None, None))


def test_of_songs_that_are_named_only_these_are_chosen(
    home: Path, midi: Callable[..., Path], tmp_path: Path
) -> None:
    calm = midi((84, 0, 1, 40, 0), (86, 3, 1, 40, 0), name="calm.mid")
    fast = midi(*((84 + n % 5, n / 8, 0.1, 120, 0) for n in range(80)), name="fast.mid")
    (tmp_path / "bad.mid").write_text("no music")
    assert chosen(home, CALM, calm, fast, tmp_path / "bad.mid") == ["calm"]


def test_a_word_that_no_song_has_is_refused_with_the_nearest(xylophone: Xylophone) -> None:
    ran = xylophone("play", "--mood", "clam")
    assert (ran.code, "no song has --mood 'clam': did you mean calm?" in ran.err) == (2, True)
    ran = xylophone("play", "--occasion", "christmess")
    assert (ran.code, "did you mean christmas?" in ran.err) == (2, True)
    ran = xylophone("play")
    assert (ran.code, "Missing argument 'SONG...'" in ran.err) == (2, True)


def test_a_list_of_the_shelf_is_played_in_its_order(xylophone: Xylophone, tmp_path: Path) -> None:
    xylophone("shelf", "lists", "evening", "sakura", "greensleeves", "sakura")
    assert xylophone("play", "--list", "evening", "--save-list", "out.m3u").code == 0
    assert [Path(line).stem for line in (tmp_path / "out.m3u").read_text().splitlines()[1:]] == [
        "sakura", "greensleeves", "sakura",
    ]  # fmt: skip
    ran = xylophone("play", "--list", "evenin")
    assert (ran.code, "did you mean evening?" in ran.err) == (1, True)
    assert xylophone("play", "--list", "favourites").code == 1


def test_songs_that_were_played_are_noted(folder: Path, home: Path) -> None:
    with noting(home) as book, evening_of("a", "b", "c") as evening:
        hearing = Hearing(evening, book)
        assert heard(evening, hearing.look) == [72, 74, 76]
        hearing.end()
        hearing.end()
    with Store.open(home / NAME) as store:
        assert [song.path for song in store.songs()] == [folder / f"{name}.mid" for name in "abc"]
        assert [song.plays for song in store.songs()] == [1, 1, 1]
        assert {play.finished for play, _ in store.plays()} == {True}
        assert all(0 < play.seconds < 5 for play, _ in store.plays())


def test_what_was_skipped_at_once_was_not_heard_and_what_was_left_later_was(folder: Path, home: Path) -> None:
    notes = [smf.note(72 + n % 5) for n in range(120)]
    for name in ("sooner", "later"):
        (folder / f"{name}.mid").write_bytes(smf.song(smf.track(smf.meta(3, name.encode()), *notes)))
    skipped: list[str] = []

    def skip(player: Player) -> None:
        shot = player.snapshot()
        after = {"sooner": 3.0, "later": 20.0}.get(shot.title)
        if after is not None and shot.position > after and shot.title not in skipped:
            skipped.append(shot.title)
            player.next()

    with noting(home) as book, evening_of("sooner", "later", "b") as evening:
        hearing = Hearing(evening, book)
        heard(evening, lambda player: (hearing.look(player), skip(player)))
        hearing.end()
    assert skipped == ["sooner", "later"]
    with Store.open(home / NAME) as store:
        plays = {title: play for play, title in store.plays()}
    assert set(plays) == {"later", "b.mid"}
    assert (plays["later"].finished, plays["b.mid"].finished) == (False, True)
    assert plays["later"].seconds == pytest.approx(20, abs=1)


def test_a_disk_that_hangs_moves_no_strike(folder: Path, home: Path) -> None:
    """The songs end and begin while the first of them is still being written; `heard` sees no late pulse."""
    ready, waits = threading.Event(), threading.Event()

    def opened(path: Path) -> Store:
        store = Store.open(path)
        store.base.set_trace_callback(lambda said: said == "COMMIT" and (waits.set(), ready.wait()))
        return store

    book = Logbook(home / NAME, opened)
    with evening_of("a", "b", "c") as evening:
        hearing = Hearing(evening, book)
        assert heard(evening, hearing.look) == [72, 74, 76]
        hearing.end()
    assert waits.wait(programs.PATIENCE)
    assert not ready.is_set()
    ready.set()
    book.close()
    assert book.lost == ""


def test_trouble_with_the_database_is_told_once_and_ends_no_music(
    folder: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write_text("no folder")
    with noting(home) as book, evening_of("a", "b") as evening:
        hearing = Hearing(evening, book)
        assert heard(evening, hearing.look) == [72, 74]
        hearing.end()
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith(
        f"xylophone: 2 songs that were played are not noted: cannot use the folder {home}: it is a file"
    )
