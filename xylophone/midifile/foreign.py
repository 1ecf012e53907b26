"""Files that are no MIDI files: what they are and what to do about it, and songs in zip archives."""

from __future__ import annotations

import io
import re
from pathlib import PurePosixPath

from ..errors import SongError
from ..words import counted
from .texts import decoded, is_marked

ENDINGS = (".mid", ".midi", ".kar", ".rmi")
"""How the names of songs end."""

_EXPORT = "open it in the program it is from and export a Standard MIDI File (.mid)"
_MUSICXML = "open it in a notation program, MuseScore for one, and export a Standard MIDI File (.mid)"
_GIVE = "give a Standard MIDI File (.mid)"

_BYTES = (
    (0, b"\x89PNG", "a PNG picture", _GIVE),
    (0, b"\xff\xd8\xff", "a JPEG picture", _GIVE),
    (0, b"GIF8", "a GIF picture", _GIVE),
    (0, b"%PDF", "a PDF document", _GIVE),
    (0, b"PK\x03\x04", "a zip archive", "unpack it, and give what is in it"),
    (0, b"\x1f\x8b", "a gzip archive", "unpack it with gunzip, and give what is in it"),
    (0, b"BZh", "a bzip2 archive", "unpack it with bunzip2, and give what is in it"),
    (0, b"\xfd7zXZ\0", "an xz archive", "unpack it with unxz, and give what is in it"),
    (0, b"Rar!", "a RAR archive", "unpack it, and give what is in it"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it, and give what is in it"),
    (257, b"ustar", "a tar archive", "unpack it with tar -xf, and give what is in it"),
    (0, b"OggS", "an Ogg sound", _GIVE),
    (0, b"fLaC", "a FLAC sound", _GIVE),
    (0, b"ID3", "an MP3 sound", _GIVE),
    (0, b"\xff\xfb", "an MP3 sound", _GIVE),
    (4, b"ftyp", "an MP4 sound or film", _GIVE),
    (0, b"XMF_", "an XMF file (ringtones and games have them)", _EXPORT),
    (0, b"MUS\x1a", "a MUS song (Doom has them)", "convert it to a Standard MIDI File, with mus2mid for one"),
    (0, b"SMF2CLIP", "a MIDI 2.0 clip", _EXPORT),
    (0, b"sfbk", "a SoundFont", _GIVE),
    (1, b"FICHIER GUITAR PRO", "a Guitar Pro song", _EXPORT),
    (0, b"BCFZ", "a Guitar Pro song", _EXPORT),
    (0, b"\x0fSIBELIUS", "a Sibelius score", _EXPORT),
    (0, b"ENIGMA BINARY FILE", "a Finale score", _EXPORT),
    (0, b"IMPM", "an Impulse Tracker module", _EXPORT),
    (0, b"Extended Module: ", "a FastTracker module", _EXPORT),
    (0, b"\xf0", "a system exclusive dump", _GIVE),
)
"""What a file begins with at a byte, what it then is, and the remedy."""

_TEXTS = (
    (
        r"\s*<!doctype html|\s*<html",
        "a web page",
        "a download gave it in place of the song: download the song again",
    ),
    (r"(?s).{0,2000}?<(score-partwise|score-timewise)\b", "MusicXML", _MUSICXML),
    (r"(?s).{0,2000}?<museScore\b", "a MuseScore score", _MUSICXML),
    (r"\s*<\?xml", "an XML document", _GIVE),
    (
        r"version https://git-lfs",
        "a Git LFS pointer, not the file itself",
        "run git lfs pull where it is from",
    ),
    (
        r"\s*\[InternetShortcut\]|\s*(https?|ftp)://\S+\s*$",
        "an internet address",
        "download what is there, and give that file",
    ),
    (r"(%abc|(?s:.{0,500}?)(^|\n)X: ?\d+.*(?s:.{0,2000}?)\nK:)", "ABC notation", "convert it with abc2midi"),
    (r"\s*\\version|\s*%.*lilypond", "a LilyPond score", r"give the .mid file that \midi { } makes of it"),
    (r"(?s)\s*\{", "JSON", _GIVE),
)


def refuse(source: bytes, name: str) -> SongError:
    """Return the error about a file that is no MIDI file: what it is, and the remedy."""
    what, remedy = _what(source)
    return SongError(f"{name} is no MIDI file but {what}: {remedy}")


def is_foreign(source: bytes) -> bool:
    """Tell whether a file is of a kind that is known, and may hold a MIDI file's bytes all the same."""
    return any(source.startswith(magic, at) for at, magic, _, _ in _BYTES)


def _what(source: bytes) -> tuple[str, str]:
    if not source:
        return "empty", _GIVE
    if source.startswith(b"RIFF"):
        return ("a WAV sound" if source[8:12] == b"WAVE" else "another kind of RIFF file"), _GIVE
    for at, magic, what, remedy in _BYTES:
        if source.startswith(magic, at):
            return what, remedy
    text = _text(source[:4096])
    for pattern, what, remedy in _TEXTS:
        if text and re.match(pattern, text, re.IGNORECASE):
            return what, remedy
    return ("text" if text else "something else"), _GIVE


def _text(start: bytes) -> str:
    """Return the beginning of a file as text; '' where it is none."""
    if not is_marked(start) and (b"\0" in start or sum(byte > 126 for byte in start) > len(start) * 0.3):
        return ""
    return decoded(start, "utf-8")


def unpack(source: bytes, name: str, most: int) -> bytes:
    """Return the MIDI file that is alone in a zip archive; SongError for any other archive.

    No more than `most` bytes are unpacked, whatever the archive says of its size.
    """
    import zipfile
    import zlib

    content, names, songs = b"", [], []
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            names = [each.filename for each in archive.infolist() if not each.is_dir()]
            songs = [each for each in names if _is_song(each)]
            if len(songs) == 1:
                with archive.open(songs[0]) as file:
                    content = file.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        remedy = "unpack it yourself, and give what is in it"
        raise SongError(f"{name} is a zip archive that cannot be unpacked ({error}): {remedy}") from error
    if len(songs) != 1:
        raise SongError(f"{name} is {_of_archive(names, songs)}")
    if len(content) > most:
        raise SongError(f"{name}: {songs[0]} in it has more than {most} bytes: is it a song?")
    return content


def _is_song(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or path.parts[0] == "__MACOSX"
    return path.suffix.lower() in ENDINGS and not hidden


def _of_archive(names: list[str], songs: list[str]) -> str:
    if songs:
        listed = ", ".join(songs[:3]) + (", ..." if len(songs) > 3 else "")
        return (
            f"a zip archive of {counted(len(songs), 'song')} ({listed}): unpack "
            "it, and give one of them or their folder"
        )
    if "META-INF/container.xml" in names:
        return f"no MIDI file but compressed MusicXML: {_MUSICXML}"
    if any(each.endswith(".mscx") for each in names):
        return f"no MIDI file but a MuseScore score: {_MUSICXML}"
    return "a zip archive without a song: it needs a file that ends in .mid"
