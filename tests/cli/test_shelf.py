"""`xylophone shelf`: what a person says of songs is kept, shown, and written as lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cli.conftest import Ran
from shelf.songs import NOON, ODD, about, play
from xylophone.collection.library import songs_folder
from xylophone.shelf.store import Store

Xylophone = Callable[..., Ran]


@pytest.fixture
def database(xylophone: Xylophone, tmp_path: Path) -> Path:
    return tmp_path / "home" / "xylophone" / "home.db"


def test_songs_are_added_marked_and_listed(xylophone: Xylophone, midi: Callable[..., Path]) -> None:
    midi((84, 0, 1, 60, 0), (86, 1, 1, 60, 0), title="Mine")
    ran = xylophone("shelf", "add", "tune.mid", "sakura")
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "Mine: calm (guessed from tempo, density and level)",
            "Sakura, sakura: calm, wistful (tagged)",
            "2 songs are on the shelf",
        ],
    )
    assert xylophone("shelf", "favourite", "tune.mid").out == "Mine is a favourite\n"
    assert [song["title"] for song in xylophone("shelf", "--favourites", "--json").json] == ["Mine"]
    assert [song["title"] for song in xylophone("shelf", "--mood", "Wistful", "--json").json] == [
        "Sakura, sakura"
    ]
    listed = xylophone("shelf").out
    assert "* Mine" in listed
    assert "never" in listed
    assert xylophone("shelf", "favourite", "tune.mid", "--remove").out == "Mine is no favourite any more\n"
    assert xylophone("shelf", "--favourites", "--json").json == []


def test_what_is_no_song_is_told_and_the_others_are_kept(xylophone: Xylophone, tmp_path: Path) -> None:
    (tmp_path / "text.mid").write_text("no music")
    ran = xylophone("shelf", "add", "text.mid", "sakura")
    assert ran.code == 1
    assert "left out: text.mid is no MIDI file but text" in ran.err
    assert [song["title"] for song in xylophone("shelf", "--json").json] == ["Sakura, sakura"]
    assert xylophone("shelf", "add", "nothing.mid").code == 1


def test_a_mood_is_told_changed_and_forgotten(xylophone: Xylophone) -> None:
    assert xylophone("shelf", "mood", "sakura").out == "Sakura, sakura: calm, wistful (tagged)\n"
    assert (
        xylophone("shelf", "mood", "sakura", "Merry", "party").out
        == "Sakura, sakura: merry, party (as you say)\n"
    )
    xylophone("shelf", "add", "sakura")
    assert xylophone("shelf", "mood", "sakura").out == "Sakura, sakura: merry, party (as you say)\n"
    assert xylophone("shelf", "mood", "sakura", "--forget").out == "Sakura, sakura: calm, wistful (tagged)\n"
    assert xylophone("shelf", "mood", "sakura", "a,b").code == 2
    assert xylophone("shelf", "mood", "sakura", "calm", "--forget").code == 2


def test_lists_come_from_m3u_and_go_to_it(
    xylophone: Xylophone, midi: Callable[..., Path], tmp_path: Path
) -> None:
    midi((84, 0, 1, 60, 0), title="Mine")
    (tmp_path / "old.m3u").write_text(f"#EXTM3U\ntune.mid\n{songs_folder() / 'sakura.mid'}\ntune.mid\n")
    assert (
        xylophone("shelf", "lists").out == "no list is kept: `xylophone shelf lists NAME SONG...` makes one\n"
    )
    assert xylophone("shelf", "lists", "evening", "old.m3u").out.startswith("kept evening: 3 songs")
    assert xylophone("shelf", "lists", "evening").out == "1. Mine\n2. Sakura, sakura\n3. Mine\n"
    assert xylophone("shelf", "lists", "evening", "--save-list", "new.m3u").code == 0
    listed = (tmp_path / "new.m3u").read_text().splitlines()
    assert (len(listed), listed[1], listed[3]) == (4, "tune.mid", "tune.mid")
    xylophone("shelf", "favourite", "sakura")
    assert xylophone("shelf", "lists", "--json").json == {"favourites": 1, "evening": 3}
    assert xylophone("shelf", "lists", "favourites").out == "1. Sakura, sakura\n"
    assert xylophone("shelf", "lists", "evening", "sakura").code == 0
    assert xylophone("shelf", "lists", "evening").out == "1. Sakura, sakura\n"
    assert xylophone("shelf", "lists", "evening", "--remove").out == "forgot the list evening\n"
    refused = xylophone("shelf", "lists", "evening")
    assert (refused.code, "no list is called 'evening'" in refused.err) == (1, True)
    assert [song["title"] for song in xylophone("shelf", "--json").json] == ["Mine", "Sakura, sakura"]


def test_a_song_whose_file_is_gone_is_named_when_a_list_is_written(
    xylophone: Xylophone, midi: Callable[..., Path], tmp_path: Path
) -> None:
    midi((84, 0, 1, 60, 0), title="Mine")
    xylophone("shelf", "lists", "evening", "tune.mid", "sakura")
    (tmp_path / "tune.mid").unlink()
    ran = xylophone("shelf", "lists", "evening", "--save-list", "new.m3u")
    assert (ran.code, "the file of Mine is gone" in ran.err) == (1, True)
    assert len((tmp_path / "new.m3u").read_text().splitlines()) == 2


@pytest.mark.parametrize("name", ["favourites", " ", "two\nlines", "x" * 101])
def test_a_list_needs_a_name(xylophone: Xylophone, name: str) -> None:
    assert xylophone("shelf", "lists", name, "sakura").code == 2


def test_history_says_what_was_played_when(xylophone: Xylophone, database: Path) -> None:
    assert xylophone("shelf", "history").out == "nothing was played yet\n"
    with Store.open(database) as store:
        store.note(about(1, ODD), None, play(1))
        store.note(about(2), None, play(2, 5, finished=False))
    told = xylophone("shelf", "history", "--most", 1).out
    assert "Song 2" in told
    assert "0:58, not to its end" in told
    assert "DROP" not in told
    newest, oldest = xylophone("shelf", "history", "--json").json
    assert (newest["title"], newest["finished"], oldest["began"]) == ("Song 2", False, NOON.isoformat())
    assert "\x00" not in xylophone("shelf", "history").out


def test_the_shelf_lies_where_the_configuration_says(xylophone: Xylophone, tmp_path: Path) -> None:
    (tmp_path / "xylophone.toml").write_text('[home]\nfolder = "kept"\n')
    assert xylophone("shelf", "add", "sakura").code == 0
    assert (tmp_path / "kept" / "home.db").is_file()
    (tmp_path / "xylophone.toml").write_text('[home]\nfolder = "../elsewhere"\n')
    refused = xylophone("shelf", "add", "sakura")
    assert (refused.code, "outside of the working folder" in refused.err) == (1, True)
    assert xylophone("shelf", "--config", "xylophone.toml").code == 0
    assert (tmp_path.parent / "elsewhere" / "home.db").is_file()


def test_a_song_is_forgotten_with_all_that_is_known_of_it(
    xylophone: Xylophone, midi: Callable[..., Path], database: Path
) -> None:
    midi((84, 0, 1, 60, 0), title="Mine")
    xylophone("shelf", "favourite", "tune.mid", "sakura")
    xylophone("shelf", "lists", "evening", "tune.mid", "sakura", "tune.mid")
    xylophone("shelf", "lists", "morning", "tune.mid")
    with Store.open(database) as store:
        digest = next(song.about.digest for song in store.songs() if song.about.title == "Mine")
        for _ in range(2):
            store.note(about(7, "Other"), None, replace(play(7), digest=digest))
    ran = xylophone("shelf", "forget", "mine")
    assert ran.out == "forgot Mine: a favourite, 2 plays, in the lists evening, morning\n"
    assert [song["title"] for song in xylophone("shelf", "--json").json] == ["Other", "Sakura, sakura"]
    assert xylophone("shelf", "lists", "evening").out == "1. Sakura, sakura\n"
    assert xylophone("shelf", "history").out == "nothing was played yet\n"
    assert Path("tune.mid").exists()
    with Store.open(database) as store:
        store.check()
        assert store.rows("SELECT count(*) FROM files") == [(1,)]


def test_a_song_that_is_gone_is_forgotten_by_its_file_its_digest_or_its_title(
    xylophone: Xylophone, midi: Callable[..., Path]
) -> None:
    for name in ("file", "digest", "title"):
        midi((84, 0, 1, 60, 0), name=f"{name}.mid", title=name)
        xylophone("shelf", "add", f"{name}.mid")
        Path(f"{name}.mid").unlink()
    digests = {song["title"]: song["sha256"] for song in xylophone("shelf", "--json").json}
    ran = xylophone("shelf", "forget", "file.mid", digests["digest"][:8], "Title", "title")
    assert ran.out == "forgot file\nforgot digest\nforgot title\n"
    assert xylophone("shelf", "--json").json == []
    assert "the shelf is empty" in xylophone("shelf", "forget", "title").err


def test_nothing_is_forgotten_where_a_name_is_not_clear(
    xylophone: Xylophone, midi: Callable[..., Path]
) -> None:
    for name, pitch in (("a", 84), ("b", 86)):
        midi((pitch, 0, 1, 60, 0), name=f"{name}.mid", title="Same")
    xylophone("shelf", "add", "a.mid", "b.mid", "sakura")
    ran = xylophone("shelf", "forget", "sakura", "same")
    assert (ran.code, ran.err.startswith("xylophone: several songs are called Same: give one of ")) == (
        2,
        True,
    )
    ran = xylophone("shelf", "forget", "sakura", "sakuma")
    assert (ran.code, ran.err.splitlines()[-1]) == (
        1,
        "xylophone: no song on the shelf is called 'sakuma': did you mean Sakura, sakura?",
    )
    assert xylophone("shelf", "forget", "ode_to_joy").code == 1
    assert len(xylophone("shelf", "--json").json) == 3
    assert xylophone("shelf", "forget", "sakura", "b.mid").out == "forgot Sakura, sakura\nforgot Same\n"
