"""From a file to a Song: chunks, events, notes, times."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import FileError, SongError
from ..files import read_bytes
from ..song import NOTE, TEMPO, Song, Table, Track
from . import events as kinds
from .chunks import Layout, find_chunks
from .damage import Damage
from .events import Events, Reader
from .notes import ChannelState, ends_of
from .tempo import TempoMap, meter_table, tempo_map

MOST_BYTES = 256_000_000
"""No file that is larger is read: that would be thirty million notes."""

_SLOWEST_TEMPO, _LARGEST_POWER = 16_777_215, 6


def load_song(path: str | os.PathLike[str]) -> Song:
    """Read a song from a Standard MIDI File; '-' is standard input.

    Raises FileError for a file that cannot be read, SongError for one that is no MIDI file at all.
    """
    if os.fspath(path) == "-":
        return parse_song(sys.stdin.buffer.read(MOST_BYTES), "standard input")
    return parse_song(read_bytes(Path(path), MOST_BYTES), os.fspath(path))


def parse_song(data: bytes, name: str = "song") -> Song:
    """Read a song from the bytes of a Standard MIDI File; `name` is for messages.

    Raises SongError where this is no MIDI file at all. Damage is named in `Song.warnings`.
    """
    damage = Damage()
    layout = find_chunks(data, name, damage)
    reader = Reader(data, damage)
    for number, (first, end) in enumerate(layout.tracks):
        reader.read(number, first, end)
    events = reader.finished()
    if not layout.tracks:
        damage.note("header", 0, "there is no track")
    return _song(layout, events, damage)


def _song(layout: Layout, events: Events, damage: Damage) -> Song:
    if layout.format == 2 and len(layout.tracks) > 1:
        maps, starts, quarters = _one_after_the_other(layout, events)
    else:
        whole = tempo_map(layout.division, _tempos(events.metas))
        maps, starts, quarters = [whole], [0.0], [0.0]
    notes = _notes(events, maps, starts)
    lengths = [starts[n if len(maps) > 1 else 0] + float(maps[n if len(maps) > 1 else 0].times(np.array([end]))[0]) for n, end in enumerate(events.ends)]
    last = float((notes["onset"] + notes["duration"]).max()) if len(notes) else 0.0
    names = _names(events)
    return Song(
        notes=notes,
        title=_title(layout, events, names),
        tempos=np.concatenate([m.table(s, q) for m, s, q in zip(maps, starts, quarters, strict=True)]).astype(TEMPO),
        meters=meter_table(_meters(events, maps, quarters)),
        tracks=_tracks(notes, names),
        duration=max([last, *lengths]),
        warnings=damage.told(),
    )


def _one_after_the_other(layout: Layout, events: Events) -> tuple[list[TempoMap], list[float], list[float]]:
    """Return tempo map, beginning in seconds and in quarter notes of each sequence of a format 2 file."""
    maps, starts, quarters = [], [0.0], [0.0]
    for number, end in enumerate(events.ends):
        own = tempo_map(layout.division, _tempos([meta for meta in events.metas if meta[0] == number]))
        maps.append(own)
        starts.append(starts[-1] + float(own.times(np.array([end]))[0]))
        quarters.append(quarters[-1] + end * own.quarters)
        events.tick[events.track == number] += 0
    return maps, starts[:-1], quarters[:-1]


def _notes(events: Events, maps: list[TempoMap], starts: list[float]) -> Table:
    """Return the notes, sorted by onset."""
    message = events.status & 0xF0
    on = (message == 0x90) & (events.second > 0)
    off = (message == 0x80) | ((message == 0x90) & (events.second == 0))
    rows = np.flatnonzero(on)
    ender = ends_of(events, on, off)
    begin = _times(events, rows, maps, starts)
    duration = np.zeros(len(rows))
    ended = ender >= 0
    duration[ended] = _times(events, ender[ended], maps, starts) - begin[ended]
    state = ChannelState(events, rows)
    velocity = events.second[rows]
    columns = {
        "onset": begin,
        "duration": duration,
        "loudness": state.loudness(velocity),
        "track": events.track[rows],
        "pitch": events.first[rows],
        "velocity": velocity,
        "channel": events.status[rows] & 0x0F,
        "program": state.program(),
    }
    notes = np.zeros(len(rows), NOTE)
    order = np.argsort(begin, kind="stable")
    for key, column in columns.items():
        notes[key] = column[order]
    return notes


def _times(events: Events, rows: npt.NDArray[np.int64], maps: list[TempoMap], starts: list[float]) -> npt.NDArray[np.float64]:
    if len(maps) == 1:
        return maps[0].times(events.tick[rows])
    times = np.empty(len(rows))
    for number, (own, start) in enumerate(zip(maps, starts, strict=True)):
        mine = events.track[rows] == number
        times[mine] = start + own.times(events.tick[rows[mine]])
    return times


def _tempos(metas: list[tuple[int, int, int, bytes]]) -> list[tuple[int, int]]:
    found = [(tick, int.from_bytes(content, "big")) for _, tick, kind, content in metas if kind == kinds.TEMPO and len(content) == 3]
    return [(tick, tempo) for tick, tempo in found if tempo]


def _meters(events: Events, maps: list[TempoMap], quarters: list[float]) -> list[tuple[float, int, int]]:
    found = []
    for number, tick, kind, content in events.metas:
        if kind == kinds.METER and len(content) == 2 and content[0] and content[1] <= _LARGEST_POWER:
            place = number if len(maps) > 1 else 0
            found.append((quarters[place] + tick * maps[place].quarters, content[0], 1 << content[1]))
    return found


def _names(events: Events) -> dict[int, str]:
    """Return the first name of each track that has one."""
    names: dict[int, str] = {}
    for number, _, kind, content in events.metas:
        if kind == kinds.SEQUENCE_NAME and (text := _text(content)):
            names.setdefault(number, text)
    return names


def _title(layout: Layout, events: Events, names: dict[int, str]) -> str:
    """Return the title: of a karaoke file its first @T text, else the name of the first track."""
    for _, _, kind, content in events.metas:
        if kind == kinds.LYRIC_TEXT and content.startswith(b"@T"):
            return _text(content[2:])
    return names.get(0, "") if layout.tracks else ""


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _tracks(notes: Table, names: dict[int, str]) -> tuple[Track, ...]:
    """Return what is known of each track that holds notes."""
    found = []
    key = notes["track"].astype(np.int64) << 12 | notes["channel"].astype(np.int64) << 8 | notes["program"]
    kept, counts = np.unique(key, return_counts=True)
    for number in np.unique(kept >> 12).tolist():
        mine = kept >> 12 == number
        channels = tuple(np.unique(kept[mine] >> 8 & 0x0F).tolist())
        programs = tuple(np.unique(kept[mine] & 0xFF).tolist())
        found.append(Track(number, names.get(number, ""), int(counts[mine].sum()), channels, programs))
    return tuple(found)
