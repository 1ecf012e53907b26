"""Songs from files and from standard input; what is no song at all."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from midifile.smf import note, song, track
from xylophone import FileError, SongError, load_song, parse_song

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


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b"Just some words, and MThd among them, and MTrk too.\n" * 9, "text"),
        ("Ein schönes Lied für Elise\n".encode() * 9, "text"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\x03\x04\x14\0\6\0", "a ZIP archive"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a WAV sound"),
        (b"RIFF\x24\0\0\0AVI LIST", "another kind of RIFF file"),
        (b"<?xml version='1.0'?><score-partwise/>", "an XML document"),
        (bytes(range(256)), "something else"),
        (b"MT", "text"),
    ],
)
def test_what_is_no_midi_file_is_named(tmp_path, content, what):
    path = tmp_path / "tune.mid"
    path.write_bytes(content)
    with pytest.raises(SongError) as raised:
        load_song(path)
    message = str(raised.value)
    assert message.startswith(f"{path} is no MIDI file but {what}")
    assert message.endswith(": give a Standard MIDI File (.mid)")
    assert "\n" not in message


def test_bytes_have_a_name_too():
    with pytest.raises(SongError, match=r"^upload 7 is no MIDI file but text"):
        parse_song(b"words", "upload 7")
    with pytest.raises(SongError, match=r"^song is no MIDI file but empty"):
        parse_song(b"")
