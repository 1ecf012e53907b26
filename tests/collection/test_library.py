from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from xylophone.collection.library import (
    IndexEntry,
    find_song,
    find_songs,
    natural,
    read_index,
    songs,
    sorted_by,
)
from xylophone.errors import FileError


def entry(name: str, title: str, **more: tuple[str, ...]) -> IndexEntry:
    path = Path("shelf", f"{name}.mid")
    return IndexEntry(f"{name}.mid", title, "Anon", "1700", "CC0-1.0", "scales", "a book", path, **more)


SHELF = (
    entry("fuer_elise", "Für Elise"),
    entry("greensleeves", "Greensleeves"),
    entry("minuet", "Menuet"),
    entry("minuet_in_g", "Minuet in G"),
    entry("minuet_in_g_minor", "Minuet in G minor"),
    entry("silent_night", "Silent Night", also=("Stille Nacht", "Douce nuit"), occasion=("christmas",)),
    entry("le_cygne", "Le Cygne", also=("The Swan", "Der Schwan"), mood=("calm",)),
    entry("haenschen", "Hänschen klein", occasion=("children",), mood=("merry", "calm")),
    entry("kaere_soen", "Kære Søn, På ål"),
)

TEXTS = "\n".join(f"{k} = 'x'" for k in ("file", "title", "composer", "year", "licence", "shows", "source"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_projects_songs_are_there_with_all_that_the_index_says() -> None:
    found = songs()
    assert "greensleeves" in [song.name for song in found]
    assert [song.name for song in found] == sorted(song.name for song in found)
    for song in found:
        assert song.path.read_bytes().startswith(b"MThd")
        assert all((song.title, song.composer, song.year, song.licence, song.shows))


def test_every_song_of_the_project_is_found_by_its_name(folder: Path) -> None:
    for song in songs():
        assert find_song(song.name) == song.path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("greensleeves", "greensleeves"),
        ("Greensleeves", "greensleeves"),
        ("green", "greensleeves"),
        ("greensleeves.mid", "greensleeves"),
        ("fuer-elise", "fuer_elise"),
        ("FUER ELISE", "fuer_elise"),
        ("für elise", "fuer_elise"),
        ("minuet", "minuet"),
        ("minuet-in-g", "minuet_in_g"),
        ("minuet in g m", "minuet_in_g_minor"),
        ("fur elise", "fuer_elise"),
        ("fu\N{COMBINING DIAERESIS}r elise", "fuer_elise"),
        ("Stille Nacht", "silent_night"),
        ("douce", "silent_night"),
        ("the silent night", "silent_night"),
        ("swan", "le_cygne"),
        ("THE SWAN", "le_cygne"),
        ("the sw", "le_cygne"),
        ("schwan.mid", "le_cygne"),
        ("cygne", "le_cygne"),
        ("la cygne", "le_cygne"),
        ("Haenschen Klein", "haenschen"),
        ("hanschen klein", "haenschen"),
        ("HÄNSCHEN KLEIN", "haenschen"),
        ("kaere soen paa aal", "kaere_soen"),
        ("kaere son pa al", "kaere_soen"),
    ],
)
def test_a_song_is_found_by_name_title_or_beginning(folder: Path, text: str, name: str) -> None:
    assert find_song(text, SHELF) == Path("shelf", f"{name}.mid")


def test_an_article_alone_is_part_of_the_name(folder: Path) -> None:
    assert find_song("le", SHELF) == Path("shelf/le_cygne.mid")
    with pytest.raises(FileError, match="no file and no song"):
        find_song("das", SHELF)


def test_every_other_name_of_a_song_finds_it_and_no_two_songs_share_one(folder: Path) -> None:
    for song in songs():
        for name in (song.title, *song.also):
            assert find_song(name) == song.path


def test_songs_of_a_mood_or_an_occasion_and_what_there_is_for_another_word() -> None:
    assert [song.name for song in sorted_by(SHELF, "mood", "Calm")] == ["le_cygne", "haenschen"]
    assert [song.name for song in sorted_by(SHELF, "occasion", "christmas")] == ["silent_night"]
    with pytest.raises(FileError, match=r"^no song has the mood 'blue': there are calm, merry$"):
        sorted_by(SHELF, "mood", "blue")


def test_a_file_that_exists_wins(folder: Path) -> None:
    (folder / "greensleeves").write_bytes(b"")
    assert find_song("greensleeves", SHELF) == Path("greensleeves")


def test_a_folder_of_the_same_name_does_not_hide_a_song(folder: Path) -> None:
    (folder / "greensleeves").mkdir()
    assert find_song("greensleeves", SHELF) == Path("shelf/greensleeves.mid")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("greenslevees", r"^no file and no song of the project is called 'greenslevees': did you mean green"),
        ("greenslevees", r"did you mean greensleeves\? `xylophone songs` lists them$"),
        ("minuet_in", r"^'minuet_in' may mean minuet_in_g or minuet_in_g_minor: write more of the name$"),
        ("zzz", r"'zzz': `xylophone songs` lists them$"),
        ("", r"called '': `xylophone songs`"),
        ("mine/green", r"^no file and no song of the project is called 'mine/green'"),
        ("green.mid", r"called 'green\.mid': did you mean"),
        ("a\0b", r"called 'a\\x00b'"),
        ("x" * 5000, "no file and no song"),
        (".", r"^\. is a folder: name the songs in it, such as \*\.mid$"),
    ],
)
def test_a_name_that_means_nothing_gets_the_nearest(folder: Path, text: str, message: str) -> None:
    with pytest.raises(FileError, match=message) as caught:
        find_song(text, SHELF)
    assert "\n" not in str(caught.value)


def test_a_dash_is_standard_input() -> None:
    assert find_songs(["-"], SHELF) == [Path("-")]


def test_wildcards_and_names_make_a_queue_in_the_order_given(folder: Path) -> None:
    for name in ("track10.mid", "Track2.mid", "track1.mid", "notes.txt"):
        (folder / name).touch()
    (folder / "inner.mid").mkdir()
    assert find_songs(["green", "*.mid", "notes.txt"], SHELF) == [
        Path("shelf/greensleeves.mid"),
        Path("track1.mid"),
        Path("Track2.mid"),
        Path("track10.mid"),
        Path("notes.txt"),
    ]


def test_a_double_star_goes_into_folders(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "x.mid").touch()
    assert find_songs(["a/**/*.mid"], SHELF) == [Path("a/b/x.mid")]


def test_a_file_whose_name_looks_like_a_wildcard_is_a_file(folder: Path) -> None:
    (folder / "song[1].mid").touch()
    assert find_songs(["song[1].mid"], SHELF) == [Path("song[1].mid")]


@pytest.mark.parametrize("pattern", ["*.mid", "none/*", "[", "a\0*"])
def test_a_wildcard_without_a_file_is_an_error(folder: Path, pattern: str) -> None:
    with pytest.raises(FileError, match=r"no file matches .*: check the folder and the wildcard"):
        find_songs([pattern], SHELF)


@given(names=st.lists(st.text(max_size=8), max_size=8))
def test_natural_order_is_an_order_of_anything(names: list[str]) -> None:
    ordered = sorted(map(Path, names), key=natural)
    assert sorted(map(str, ordered)) == sorted(str(Path(name)) for name in names)


def test_natural_order_goes_by_value() -> None:
    names = [Path(name) for name in ("b2", "a10", "A9", "a1b10", "a1b9")]
    assert [str(path) for path in sorted(names, key=natural)] == ["a1b9", "a1b10", "A9", "a10", "b2"]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("[x]\nfile = 'x.mid'", r"index\.toml: song x lacks one of file, title"),
        ("x = 3", "song x lacks"),
        (
            f"[x]\n{TEXTS}\nmood = 'calm'",
            r"mood of song x is no list of texts: write it as \['one', 'other'\]",
        ),
        (f"[x]\n{TEXTS}\nalso = [3]", "also of song x is no list"),
        ("x", "this is no TOML"),
    ],
)
def test_a_broken_index_is_one_line(tmp_path: Path, index: str, message: str) -> None:
    (tmp_path / "index.toml").write_text(index)
    with pytest.raises(FileError, match=message):
        read_index(tmp_path)


def test_a_missing_index_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        read_index(tmp_path)


def test_names_are_of_this_machine(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "a.mid").touch()
    assert find_song(os.path.join("deep", "a.mid"), SHELF) == Path("deep", "a.mid")
