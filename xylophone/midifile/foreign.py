"""What a file is that is no MIDI file, where its first bytes tell: for the message."""

from __future__ import annotations

_BEGINNINGS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (.mxl scores are, too)"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"ID3", "an MP3 recording"),
    (b"\xff\xfb", "an MP3 recording"),
    (b"OggS", "an Ogg recording"),
    (b"fLaC", "a FLAC recording"),
    (b"FORM", "an IFF file"),
    (b"MUS\x1a", "a MUS song of a game"),
    (b"MTM", "a MultiTracker module"),
    (b"SMF2CLIP", "a MIDI 2.0 clip"),
)
_MARKUP = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"score-partwise", "a MusicXML score"),
)


def kind_of(content: bytes) -> str:
    """Return what `content` seems to be, with its article; "not a MIDI file" where nothing tells."""
    if not content:
        return "an empty file"
    if content[:4] == b"RIFF":
        return "a WAV recording" if content[8:12] == b"WAVE" else "a RIFF file without a MIDI song"
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    return _text(content[:1000])


def _text(beginning: bytes) -> str:
    lower = beginning.lower()
    for mark, kind in _MARKUP:
        if mark in lower:
            return kind
    text = b"\0" not in beginning and all(byte >= 32 or byte in b"\t\n\r\f" for byte in beginning)
    return "a text file" if text else "no MIDI file"
