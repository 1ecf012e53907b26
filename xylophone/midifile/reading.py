"""From a file to a song: the way through the parts of this package."""

from __future__ import annotations

import os
import sys

import numpy as np

from ..errors import FileError
from ..files import read_bytes
from ..song import Lyric, Song, TextEncoding, Track
from ..tables import NOTE, Floats, Ints, Notes, as_notes
from ..words import counted
from .channels import DRUM_CHANNEL, Settings, loops_of, rows_of, set_up, settings
from .chunks import MOST_TRACKS, Header, behind_track, next_track, read_header
from .damage import Faults
from .decoding import TOLD, Columns, Controls, Decoder, NoteColumns, Sorted, sort_messages
from .foreign import unpack
from .kits import kits
from .meta_events import KEY, LOOP, LYRIC, METER, TEMPO, TEXT, MetaEvents, TapeTrack
from .sounding import held, of_pedals, offsets
from .tape import Tape
from .tempo import Division, TempoMap, division_of, key_table, meter_table
from .texts import decoded, encoding_of, one_line, sung

MOST_SONG_BYTES = 64_000_000
"""No song is larger: eight million notes."""

_ROWS_AT_ONCE = 1 << 14
"""Rows whose times are worked out at once, so that intermediate tables stay small."""

_ABSURD = 24 * 3600.0


def load_song(path: str | os.PathLike[str], encoding: str | None = None) -> Song:
    """Return the song of a Standard MIDI File; "-" reads standard input.

    `encoding` is that of its texts, as Python names it; without one it is found out.

    FileError for what cannot be read, SongError for what is no MIDI file. A file that is damaged in
    part gives what can be read of it, and `Song.warnings` names the damage.

    >>> load_song(find_song("greensleeves")).title
    'Greensleeves'
    """
    name = os.fspath(path)
    if name != "-":
        return parse_song(read_bytes(name, MOST_SONG_BYTES), name, encoding=encoding)
    try:
        content = sys.stdin.buffer.read(MOST_SONG_BYTES + 1)
    except OSError as error:
        raise FileError(
            f"cannot read standard input: {error.strerror}; give it a song, or name the song's file"
        ) from error
    if len(content) > MOST_SONG_BYTES:
        raise FileError(
            f"cannot read standard input: it has more than {MOST_SONG_BYTES} bytes: is it a song?"
        )
    return parse_song(content, "standard input", encoding=encoding)


def parse_song(data: bytes, name: str = "song", *, encoding: str | None = None, runs: bool = True) -> Song:
    """Return the song that the bytes of a Standard MIDI File hold; SongError, which says `name`, for others.

    The file may be alone in a zip archive. A song without notes has an empty table. `runs=False` looks
    at each event by itself: the same song, more slowly. `encoding` is as in `load_song`.

    >>> len(parse_song(find_song("greensleeves").read_bytes()))
    463
    """
    if data.startswith(b"PK\x03\x04"):
        data = unpack(data, name, MOST_SONG_BYTES)
    faults = Faults()
    header = read_header(data, name, faults)
    division = division_of(header.division)
    if division is None:
        faults.add("the division is zero: read as 480 ticks a quarter note", 12)
        division = Division(480)
    reading = _Reading(data, header, faults, runs)
    reading.read()
    return _song(reading, division, encoding)


class _Reading:
    """Reads the tracks of one file, and keeps their messages sorted."""

    def __init__(self, source: bytes, header: Header, faults: Faults, runs: bool) -> None:
        self.source, self.header, self.faults = source, header, faults
        self.tape = Tape(source, faults, runs)
        self.tracks: list[TapeTrack] = []
        self.parts: list[Sorted] = []
        self._decoder = Decoder()
        self._waiting: list[Columns] = []
        self._first = 0  # number of the first track that waits

    def read(self) -> None:
        """Read all tracks."""
        at = self.header.behind
        while chunk := next_track(self.source, at, self.faults, len(self.tracks)):
            if len(self.tracks) == MOST_TRACKS:
                self.faults.add(f"tracks after the first {MOST_TRACKS} are left out", at)
                break
            track = TapeTrack(len(self.tracks))
            self.tracks.append(track)
            self.tape.open()
            if self.header.format == 2:
                self.tape.reset()
            for at in self.tape.unroll(track, chunk.start, chunk.limit, chunk.declared):  # noqa: B007
                if self.tape.full():
                    self._waiting.append(self._decoder.decode(self.tape.take()))
            if self._waiting:
                self._sort()
            at = behind_track(self.source, chunk, at, self.faults, track.number)
        self._sort()
        found, claimed = len(self.tracks), self.header.tracks
        if found != claimed and claimed >= 0:
            self.faults.add(f"the header claims {counted(claimed, 'track')} and there are {found}", 10)

    def _sort(self) -> None:
        """Sort the messages of the tracks that wait; all of them are whole."""
        self._waiting.append(self._decoder.decode(self.tape.take()))
        columns = Columns(*(np.concatenate(column) for column in zip(*self._waiting, strict=True)))
        self._waiting.clear()
        if len(columns.tick):
            end, in_turn = self._decoder.tick, self.header.format == 2
            self.parts.append(sort_messages(columns, self._first, end, one_after_another=in_turn))
        self._first = len(self.tracks)


def _song(reading: _Reading, division: Division, encoding: str | None) -> Song:
    parts, meta = reading.parts, reading.tape.meta
    marks = {kind: _whole([part.marks[kind] for part in parts]) for kind in TOLD}
    tempo = TempoMap(division, marks[TEMPO], meta.tempos)
    meters = meter_table(tempo, marks[METER], meta.meters, sequences=reading.header.format == 2)
    ends = _whole([part.ends for part in parts])
    looped = _whole([part.controls.tick[loops_of(part.controls)] for part in parts])
    notes = _table(reading, tempo, int(ends.max(initial=0)))
    stop = float(tempo.seconds(ends.max(keepdims=True))[0]) if len(ends) else 0.0
    stop = max(stop, float((notes["onset"] + notes["duration"]).max(initial=0.0)))
    if stop > _ABSURD:
        reading.faults.add(f"the song lasts {stop / 3600:.0f} hours: a delta time may be damaged")
    found = TextEncoding(encoding) if encoding else encoding_of(meta.texts, _shown(reading))
    tracks = _tracks(reading.tracks, notes, found.name)
    notes["drum"] |= kits(notes, tracks)
    return Song(
        notes,
        _title(reading, found.name),
        tempo.table,
        meters,
        tracks,
        stop,
        reading.faults.lines(),
        key_table(tempo, marks[KEY], meta.keys),
        _lyrics(meta, tempo.seconds(marks[LYRIC]), found.name),
        _loop(tempo.seconds(marks[LOOP]), meta.loops, tempo.seconds(looped), stop),
        found,
    )


def _shown(reading: _Reading) -> list[bytes]:
    """Return the texts of a file that a person may see."""
    names = [
        text
        for track in reading.tracks
        for text in (track.name or b"", track.title, *track.channels.values())
    ]
    return names + [text for _, text in reading.tape.meta.lyrics]


def _lyrics(meta: MetaEvents, times: Floats, encoding: str) -> tuple[Lyric, ...]:
    """Return the words that are sung: those of lyric events, in a karaoke file without any those of texts."""
    kinds = [kind for kind, _ in meta.lyrics]
    kind = max(kinds, default=0)  # of a lyric event it is the higher one
    if kind == TEXT and not any(text.startswith(b"@K") for text in meta.texts):
        return ()
    order = [row for row in np.argsort(times, kind="stable").tolist() if kinds[row] == kind]
    return tuple(Lyric(float(times[row]), sung(decoded(meta.lyrics[row][1], encoding))) for row in order)


def _loop(times: Floats, ends: list[bool], controls: Floats, stop: float) -> tuple[float, float] | None:
    """Return from where to where the file means to be repeated; None where it says nothing."""
    begins = [*controls.tolist(), *(time for time, end in zip(times, ends, strict=True) if not end)]
    if not begins and not any(ends):
        return None
    begin = float(min(begins, default=0.0))
    return begin, min(
        (float(time) for time, end in zip(times, ends, strict=True) if end and time > begin), default=stop
    )


def _table(reading: _Reading, tempo: TempoMap, last: int) -> Notes:
    """Return the table of all notes, sorted by onset; `last` is the tick at which the song ends."""
    parts = reading.parts
    if not parts:
        return as_notes(np.zeros(0, NOTE))
    controls = _controls(parts)
    columns = {name: [getattr(part.notes, name) for part in parts] for name in NoteColumns._fields}
    parts.clear()  # from here on each column goes when the table has it
    tick = _whole(columns.pop("tick"))
    order = np.argsort(tick, kind="stable")
    table = as_notes(np.zeros(len(order), NOTE))
    for name in ("velocity", "track"):
        table[name] = _whole(columns.pop(name))[order]
    channel, pitch = (_whole(columns.pop(name))[order] for name in ("channel", "pitch"))
    table["channel"], table["pitch"], table["loudness"] = channel, pitch, table["velocity"]
    table["drum"] = channel % 16 == DRUM_CHANNEL
    tick, end = tick[order], _whole(columns.pop("end"))[order]
    channels = int(channel.max(initial=0)) + 1
    controls = set_up(controls, reading.tape.setups, channels)
    pedals = of_pedals(controls)
    others = controls.where(np.flatnonzero(~pedals)) if pedals.any() else controls
    known = settings(others, tick, order, channels) if len(others.tick) and len(table) else None
    del order  # the largest tables come now
    silent = held(controls, tick, end, channel, pitch, last) if pedals.any() else end
    _set_times(table, tempo, tick, end, silent)
    if known:
        _set_channels(table, known, tick, end, reading.faults)
    return table


def _set_times(table: Notes, tempo: TempoMap, tick: Ints, end: Ints, silent: Ints) -> None:
    """Fill in onset, duration, and how much of it a pedal holds."""
    for low in range(0, len(table), _ROWS_AT_ONCE):
        rows = slice(low, low + _ROWS_AT_ONCE)
        onset = table["onset"][rows] = tempo.seconds(tick[rows])
        stop = tempo.seconds(silent[rows])
        table["duration"][rows] = stop - onset
        if silent is not end:
            table["pedal"][rows] = stop - tempo.seconds(end[rows])


def _set_channels(table: Notes, known: Settings, tick: Ints, end: Ints, faults: Faults) -> None:
    """Fill in what the channels were set to: loudness, program, drums, and the pitch that sounds."""
    row, changed = np.empty(len(table), np.int32), (known.factor != 1).any()
    for low in range(0, len(table), _ROWS_AT_ONCE):
        rows = table[low : low + _ROWS_AT_ONCE]
        mine = row[low : low + len(rows)] = rows_of(known, rows["channel"].copy(), low, len(table))
        if changed:
            rows["loudness"] *= known.factor[mine]
        rows["program"], rows["drum"] = known.program[mine], known.drum[mine]
    if known.offset.any():
        off, between = offsets(known, row, tick, end, table["channel"].copy())
        pitch = table["pitch"] + np.where(table["drum"], 0, off)
        table["pitch"] = np.clip(pitch, 0, 127)
        if between:
            what = counted(between, "note sounds", "notes sound")
            faults.add(f"{what} between two bars: the nearest is struck")


def _controls(parts: list[Sorted]) -> Controls:
    """Return the controls of all parts; `after` counts the notes of all parts before."""
    before = 0
    for part in parts:
        part.controls.after[:] += before
        before += len(part.notes.tick)
    columns = zip(*(part.controls for part in parts), strict=True)
    return Controls(*(_whole(list(column)) for column in columns))


def _whole(columns: list[np.ndarray]) -> np.ndarray:
    """Return what a column is in all parts; that of one part, which may be large, is not copied."""
    if len(columns) == 1:
        return columns[0]
    return np.concatenate(columns) if columns else np.zeros(0, np.int64)


def _title(reading: _Reading, encoding: str) -> str:
    for track in reading.tracks:
        if track.title:
            return one_line(decoded(track.title, encoding))
    if reading.tracks and reading.header.format < 2:
        return one_line(decoded(reading.tracks[0].name or b"", encoding))
    return ""


def _tracks(tracks: list[TapeTrack], notes: Notes, encoding: str) -> tuple[Track, ...]:
    """Return the tracks that hold notes."""
    kinds = (notes["track"].astype(np.uint32) << 8 | notes["channel"]) << 8 | notes["program"]
    found: dict[int, list[tuple[int, int, int]]] = {}
    kinds, counts = np.unique(kinds, return_counts=True)
    for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
        found.setdefault(kind >> 16, []).append((kind >> 8 & 255, kind & 255, count))
    return tuple(
        Track(
            number,
            one_line(decoded(tracks[number].name or b"", encoding)),
            sum(count for _, _, count in rows),
            tuple(sorted({channel for channel, _, _ in rows})),
            tuple(sorted({program for _, program, _ in rows})),
            tuple(
                (channel, one_line(decoded(text, encoding)))
                for channel, text in sorted(tracks[number].channels.items())
            ),
        )
        for number, rows in found.items()
    )
