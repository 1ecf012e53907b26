"""Songs from files and from standard input; what is no song at all."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from midifile.smf import note, song, tempo, track
from xylophone import FileError, SongError, load_song, parse_song
from xylophone.midifile import MOST_SONG_BYTES

CONTENT = song(track(note(60)))


@pytest.mark.parametrize("kind", [str, Path])
def test_a_song_from_a_file(tmp_path, kind):
    path = tmp_path / "tune.mid"
    path.write_bytes(CONTENT)
    assert load_song(kind(path)).notes["pitch"].tolist() == [60]


@pytest.mark.parametrize("name", ["-", Path("-")])
def test_a_song_from_standard_input(monkeypatch, name):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(CONTENT)))
    assert load_song(name).notes["pitch"].tolist() == [60]


def test_text_on_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"la la la")))
    with pytest.raises(SongError, match=r"^standard input is no MIDI file but text: "):
        load_song("-")


def test_a_missing_file(tmp_path):
    with pytest.raises(FileError, match=r"no\.mid: there is no such file"):
        load_song(tmp_path / "no.mid")


def test_a_folder(tmp_path):
    with pytest.raises(FileError, match="it is a folder"):
        load_song(tmp_path)


GIVE = "give a Standard MIDI File (.mid)"


@pytest.mark.parametrize(
    ("content", "what", "remedy"),
    [
        (b"", "empty", GIVE),
        (b"Just some words, and MThd among them, and MTrk too.\n" * 9, "text", GIVE),
        ("Ein schönes Lied für Elise\n".encode() * 9, "text", GIVE),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture", GIVE),
        (b"%PDF-1.7", "a PDF document", GIVE),
        (b"\x1f\x8b\x08\0", "a gzip archive", "gunzip"),
        (b"XMF_1.00" + CONTENT, "an XMF file", "export"),
        (b"MUS\x1a\0\0", "a MUS song", "mus2mid"),
        (b"SMF2CLIP\0\x40", "a MIDI 2.0 clip", "export"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a WAV sound", GIVE),
        (b"RIFF\x24\0\0\0AVI LIST", "another kind of RIFF file", GIVE),
        (b"<?xml version='1.0'?><score-partwise/>", "MusicXML", "notation program"),
        (
            b"\xef\xbb\xbf<?xml version='1.0'?>\n<!DOCTYPE x>\n<score-timewise>",
            "MusicXML",
            "notation program",
        ),
        ("\ufeff<?xml?><score-partwise>".encode("utf-16-le"), "MusicXML", "notation program"),
        (b"<?xml version='1.0'?><svg/>", "an XML document", GIVE),
        (b"X: 1\nT:Kesh\nM:6/8\nK:G\nGAB", "ABC notation", "abc2midi"),
        (b"<!DOCTYPE html>\n<title>404</title>", "a web page", "download"),
        (b"\n<HTML><head>", "a web page", "download"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n",
            "a Git LFS pointer",
            "git lfs",
        ),
        (b"https://example.org/tune.mid\n", "an internet address", "download"),
        (b"[InternetShortcut]\r\nURL=https://example.org/tune.mid\r\n", "an internet address", "download"),
        (bytes(range(256)), "something else", GIVE),
        (b"MT", "text", GIVE),
    ],
)
def test_what_is_no_midi_file_is_named_with_its_remedy(tmp_path, content, what, remedy):
    path = tmp_path / "tune.mid"
    path.write_bytes(content)
    with pytest.raises(SongError) as raised:
        load_song(path)
    message = str(raised.value)
    assert message.startswith(f"{path} is no MIDI file but {what}")
    assert remedy in message.rpartition(": ")[2]
    assert "\n" not in message


def zipped(stored: bool = False, **files: bytes) -> bytes:
    """A zip archive; names have _ for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


@pytest.mark.parametrize("stored", [False, True])
def test_the_one_song_of_a_zip_archive_is_played(stored):
    assert parse_song(zipped(stored, tune_mid=CONTENT, readme_txt=b"MThd")).notes["pitch"].tolist() == [60]


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a_mid": CONTENT, "b_MID": CONTENT},
            "tune.zip is a zip archive of 2 songs (a.mid, b.MID): unpack it",
        ),
        ({"readme_txt": b"words"}, "tune.zip is a zip archive without a song: "),
        (
            {"META-INF/container_xml": b"<x/>", "score_xml": b"<x/>"},
            "tune.zip is no MIDI file but compressed Mus",
        ),
        ({"score_mscx": b"<x/>"}, "tune.zip is no MIDI file but a MuseScore score: "),
        ({"tune_mid": b"words"}, "tune.zip is no MIDI file but text: "),
        ({"tune_mid": zipped(tune_mid=CONTENT)}, "tune.zip is no MIDI file but a zip archive: "),
    ],
)
def test_other_zip_archives_are_named(stored, files, message):
    with pytest.raises(SongError) as raised:
        parse_song(zipped(stored, **files), "tune.zip")
    assert str(raised.value).startswith(message)


def test_no_more_is_unpacked_than_a_song_may_have():
    with pytest.raises(SongError, match=rf"^song: big\.mid in it has more than {MOST_SONG_BYTES} bytes"):
        parse_song(zipped(big_mid=CONTENT + bytes(MOST_SONG_BYTES)))


@pytest.mark.parametrize("cut", [30, 60, 90])
def test_a_damaged_zip_archive_is_told(cut):
    with pytest.raises(SongError, match=r"^song is a zip archive that cannot be unpacked"):
        parse_song(zipped(tune_mid=CONTENT * 9)[:cut])


def test_of_songs_joined_in_one_file_the_first_is_read_and_the_other_told():
    other = song(track(tempo(250_000), note(72), note(74)))
    both = parse_song(CONTENT + other)
    assert both.notes.tobytes() == parse_song(CONTENT).notes.tobytes()
    assert both.warnings == (
        f"byte {len(CONTENT)}: another song begins here and is left out: give it a file of its own",
    )


def test_bytes_have_a_name_too():
    with pytest.raises(SongError, match=r"^upload 7 is no MIDI file but text"):
        parse_song(b"words", "upload 7")
    with pytest.raises(SongError, match=r"^song is no MIDI file but empty"):
        parse_song(b"")
