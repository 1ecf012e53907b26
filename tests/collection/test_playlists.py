"""Folders of songs, and lists of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from xylophone.collection.playlists import folder_songs, listed, songs_meant, write_list
from xylophone.errors import FileError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("2.mid", "10.MID", "a/1.kar", "a/._1.kar", ".hidden/x.mid", "a/notes.txt", "caf\u00e9.mid"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def test_a_folder_is_all_songs_below_it_in_natural_order_without_hidden_ones(folder: Path) -> None:
    found = [Path(str(song)).relative_to(folder).as_posix() for song in folder_songs(folder)]
    assert found == ["2.mid", "10.MID", "a/1.kar", "caf\u00e9.mid"]
    assert songs_meant("a") == [Path("a/1.kar")]


def test_a_folder_without_songs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no file below"):
        folder_songs(tmp_path)


def test_a_folder_that_is_called_like_a_song_of_the_project_means_the_song(folder: Path) -> None:
    (folder / "sakura").mkdir()
    assert [Path(str(song)).name for song in songs_meant("sakura")] == ["sakura.mid"]


LISTS = [
    b"#EXTM3U\r\n#EXTINF:12,Two\r\n2.mid\r\n\r\na\\1.kar\r\n",
    b"\xef\xbb\xbf2.mid\na/1.kar",
    b"./2.mid  \n./a/1.kar\n",
]


@pytest.mark.parametrize("content", LISTS)
def test_a_list_counts_from_its_folder_and_may_have_backslashes(
    folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "x.m3u").write_bytes(content)
    monkeypatch.chdir("/")
    assert [Path(str(song)).resolve() for song in listed(folder / "x.m3u")] == [
        folder / "2.mid",
        folder / "a/1.kar",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_list_is_utf_8_or_as_windows_wrote_it(folder: Path, encoding: str) -> None:
    (folder / "x.M3U8").write_bytes("caf\u00e9.mid".encode(encoding))
    assert songs_meant("x.M3U8") == [Path("caf\u00e9.mid")]


def test_what_is_missing_and_addresses_are_errors_with_their_line(folder: Path) -> None:
    (folder / "x.m3u").write_text("gone.mid\n2.mid\nhttps://example.org/x.mid\na\n", "utf-8")
    gone, there, address, inside = songs_meant("x.m3u")
    assert str(gone) == "x.m3u, line 1: there is no file gone.mid: mend the list"
    assert there == Path("2.mid")
    assert str(address) == (
        "x.m3u, line 3: https://example.org/x.mid is an address: download the file, and list that"
    )
    assert isinstance(inside, FileError)


def test_an_empty_list_is_an_error(folder: Path) -> None:
    (folder / "x.m3u").write_text("#EXTM3U\n", "utf-8")
    with pytest.raises(FileError, match="lists no songs"):
        songs_meant("x.m3u")


NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=("C", "Z")), min_size=1, max_size=20
)


@given(names=st.lists(NAMES.filter(lambda name: name not in (".", "..")), min_size=1, max_size=4))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("lists")
    songs = [folder / "below" / name for name in names]
    (folder / "below").mkdir()
    for song in songs:
        song.write_bytes(b"")
    write_list(folder / "x.m3u", songs)
    assert list(listed(folder / "x.m3u")) == songs


def test_standard_input_fits_in_no_list(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot list '-'"):
        write_list(tmp_path / "x.m3u", [Path("-")])
