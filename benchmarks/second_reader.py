"""Read MIDI files a second time, by other means, and list what is understood otherwise.

    python benchmarks/second_reader.py FOLDER...

Four readings of each file stand beside the parser's. mido reads the messages, and a loop that takes them
one by one says which notes there are and how long pedals hold them. The library of fluidsynth, fed with
the same messages (Debian's package libfluidsynth3), says which channels are drums and how far what sounds is
off what is written. symusic and pretty_midi say how many notes there are and when they begin.

Differences that are explained are counted by their reason; the others are listed.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import sys
import warnings
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import click
import mido
import numpy as np
from midi_readers import midi_files
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from xylophone import Song, SongError, load_song
from xylophone.midifile.channels import DRUM_CHANNEL
from xylophone.midifile.kits import KIT
from xylophone.midifile.setups import DRUM_PART, GM2, SYSTEM, XG, setups_of

CONSOLE = Console(width=110)
CHANNELS = 256
DAMPER, SOSTENUTO, RESET = 64, 66, 121
COARSE, FINE = 51, 52
"""fluidsynth's generators (SoundFont 2.01) that hold the tuning of a channel, in semitones and cents."""

DRUM_BANK = 128
_UNKNOWN_SETUP = "a GS or XG message that fluidsynth 2.3 does not know"
NEAR = 1e-5
"""Seconds by which two readers' times may differ; those that count in floats of 32 bits: 2 ms."""


class Fluid:
    """fluidsynth's view of the channels; nothing sounds."""

    def __init__(self, banks: bytes) -> None:
        """Take bank numbers as "gs" or "xg" has them."""
        name = ctypes.util.find_library("fluidsynth")
        if name is None:
            raise SystemExit("fluidsynth's library is not installed: apt install libfluidsynth3")
        self._lib = lib = ctypes.CDLL(name)
        for call in ("new_fluid_settings", "new_fluid_synth", "fluid_synth_get_channel_preset"):
            getattr(lib, call).restype = ctypes.c_void_p
        lib.fluid_synth_get_gen.restype = ctypes.c_float
        for level in range(5):
            lib.fluid_set_log_function(level, None, None)
        options = ctypes.c_void_p(lib.new_fluid_settings())
        lib.fluid_settings_setint(options, b"synth.midi-channels", CHANNELS)
        lib.fluid_settings_setint(options, b"synth.device-id", 16)
        lib.fluid_settings_setint(options, b"synth.dynamic-sample-loading", 1)
        lib.fluid_settings_setstr(options, b"synth.midi-bank-select", banks)
        self._synth = ctypes.c_void_p(lib.new_fluid_synth(options))
        spec = importlib.util.find_spec("pretty_midi")
        assert spec is not None
        assert spec.origin is not None
        soundfont = Path(spec.origin).with_name("TimGM6mb.sf2")  # a channel's bank is that of a preset
        if lib.fluid_synth_sfload(self._synth, bytes(soundfont), 1) < 0:
            raise SystemExit(f"fluidsynth cannot load {soundfont}")

    def begin(self) -> None:
        """Begin another file."""
        self._lib.fluid_synth_system_reset(self._synth)

    def take(self, message: mido.Message, channel: int) -> None:
        """Take a message of any kind but notes."""
        lib, synth = self._lib, self._synth
        if message.type == "control_change":
            lib.fluid_synth_cc(synth, channel, message.control, message.value)
        elif message.type == "program_change":
            lib.fluid_synth_program_change(synth, channel, message.program)
        elif message.type == "pitchwheel":
            lib.fluid_synth_pitch_bend(synth, channel, message.pitch + 8192)
        elif message.type == "sysex":
            data = bytes(message.data)
            lib.fluid_synth_sysex(synth, data, len(data), None, None, None, 0)

    def drum(self, channel: int) -> bool:
        """Tell whether a channel strikes drums."""
        lib, synth = self._lib, self._synth
        font, bank, program = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
        where = ctypes.byref(font), ctypes.byref(bank), ctypes.byref(program)
        lib.fluid_synth_get_program(synth, channel, *where)
        lib.fluid_synth_program_change(synth, channel, program)  # a change of kind counts from here on
        preset = ctypes.c_void_p(lib.fluid_synth_get_channel_preset(synth, channel))
        return bool(lib.fluid_preset_get_banknum(preset) == DRUM_BANK)

    def offset(self, channel: int) -> float:
        """Return by how many semitones what sounds on a channel is above what is written."""
        lib, synth = self._lib, self._synth
        bend, span = ctypes.c_int(), ctypes.c_int()
        lib.fluid_synth_get_pitch_bend(synth, channel, ctypes.byref(bend))
        lib.fluid_synth_get_pitch_wheel_sens(synth, channel, ctypes.byref(span))
        tuned = lib.fluid_synth_get_gen(synth, channel, COARSE)
        tuned += lib.fluid_synth_get_gen(synth, channel, FINE) / 100
        return float(tuned + (bend.value - 8192) / 8192 * span.value)


@cache
def fluid(banks: bytes) -> Fluid:
    """Return the synthesizer that takes banks so; one does for all files."""
    return Fluid(banks)


@dataclass
class Note:
    """What is read of a note; nothing holds it from `silent` on. Without an end that and `end` are `tick`."""

    tick: int
    track: int
    channel: int
    pitch: int
    velocity: int
    drum: bool
    end: int
    silent: int


class Reading:
    """The messages of a file taken one by one, in the order of time."""

    def __init__(self, song: mido.MidiFile) -> None:
        rows = sorted(_messages(song), key=itemgetter(0))
        self.setups = [
            setup for *_, each in rows if each.type == "sysex" for setup in setups_of(bytes(each.data))
        ]
        self.systems = {setup.value for setup in self.setups if setup.controller == SYSTEM}
        self.fluid = fluid(b"xg" if XG in self.systems else b"gs")
        self.fluid.begin()
        self.division: int = song.ticks_per_beat
        self.notes: list[Note] = []
        self.tempos = [(0, 500_000)]
        self.offsets: dict[int, list[tuple[int, float]]] = defaultdict(list)
        self.pedals: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        self.last = 0
        self._pressed: dict[tuple[int, int, int], deque[Note]] = defaultdict(deque)
        for row in rows:
            self._take(*row)
        for channel in {note.channel for note in self.notes}:
            mine = [note for note in self.notes if note.channel == channel]
            hold(mine, self.pedals[channel], self.last)

    def _take(self, tick: int, track: int, port: int, message: mido.Message) -> None:
        self.last = max(self.last, tick)
        if message.type == "set_tempo":
            self.tempos.append((tick, message.tempo))
        elif message.type == "sysex":
            self._set(tick, 0, message, *self.offsets)
        elif message.type in ("control_change", "program_change", "pitchwheel"):
            channel = message.channel + 16 * port
            self._set(tick, channel, message, channel)
            if message.type == "control_change" and message.control in (DAMPER, SOSTENUTO, RESET):
                self.pedals[channel].append((tick, message.control, message.value))
        elif message.type in ("note_on", "note_off"):
            self._note(tick, track, message.channel + 16 * port, message)

    def _set(self, tick: int, channel: int, message: mido.Message, *changed: int) -> None:
        self.fluid.take(message, channel)
        for each in changed:
            self.offsets[each].append((tick, self.fluid.offset(each)))

    def _note(self, tick: int, track: int, channel: int, message: mido.Message) -> None:
        waiting = self._pressed[track, channel, message.note]
        if message.type == "note_on" and message.velocity:
            if channel not in self.offsets:
                self.offsets[channel].append((0, self.fluid.offset(channel)))
            drum = self.fluid.drum(channel)
            note = Note(tick, track, channel, message.note, message.velocity, drum, tick, tick)
            self.notes.append(note)
            waiting.append(note)
        elif waiting:
            note = waiting.popleft()
            note.end = note.silent = tick

    def seconds(self, ticks: list[int]) -> np.ndarray:
        """Return the times of ticks."""
        changes = sorted(self.tempos, key=itemgetter(0))
        at, length = np.array(changes, np.float64).T
        start = np.concatenate(([0.0], np.cumsum(np.diff(at) * length[:-1])))
        row = np.searchsorted(at, ticks, "right") - 1
        return np.asarray((start[row] + (np.array(ticks) - at[row]) * length[row]) / (self.division * 1e6))

    def sounding(self, note: Note) -> tuple[int, bool]:
        """Return the pitch that a note has for most of its time, and whether two share that."""
        if note.drum:
            return note.pitch, False
        changes = self.offsets[note.channel]
        first = max(0, bisect_right(changes, note.tick, key=itemgetter(0)) - 1)
        behind = max(first + 1, bisect_left(changes, note.end, key=itemgetter(0)))
        ends = [tick for tick, _ in changes[first + 1 : behind]] + [note.end]
        shares: Counter[int] = Counter()
        for (tick, offset), end in zip(changes[first:behind], ends, strict=True):
            shares[round(offset)] += max(0, end - max(tick, note.tick))
        ranked = shares.most_common(2)
        tie = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
        return min(127, max(0, note.pitch + ranked[0][0])), tie or note.end == note.tick


def _messages(song: mido.MidiFile) -> Iterator[tuple[int, int, int, mido.Message]]:
    """Give each message's tick, track and port."""
    for number, track in enumerate(song.tracks):
        tick = port = 0
        for message in track:
            tick += message.time
            port = message.port % 16 if message.type == "midi_port" else port
            yield tick, number, port, message


def hold(notes: list[Note], pedals: list[tuple[int, int, int]], last: int) -> None:
    """Let the pedals of a channel hold its notes: at one tick ends come first, then pedals, then strikes.

    `pedals` are tick, controller and value; `last` is the tick at which the song ends.
    """
    strings = _Strings()
    rows: list[tuple[int, int, int, Callable[[], None]]] = []
    for place, note in enumerate(notes):
        rows.append((note.tick, 2, place, partial(strings.strike, note)))
        if note.end > note.tick:
            rows.append((note.end, 0, place, partial(strings.release, note)))
    for place, (tick, control, value) in enumerate(pedals):
        rows.append((tick, 1, place, partial(strings.move, tick, control, value)))
    for *_, happen in sorted(rows, key=itemgetter(0, 1, 2)):
        happen()
    strings.damp(last, lambda _: True)


class _Strings:
    """The strings of a channel: which sound, which are held by a pedal alone."""

    def __init__(self) -> None:
        self._sounding: dict[int, Note] = {}
        self._held: dict[int, Note] = {}
        self._struck: dict[int, int] = {}
        self._caught: set[int] = set()
        self._down = {DAMPER: False, SOSTENUTO: False}

    def strike(self, note: Note) -> None:
        self.damp(note.tick, lambda held: held.pitch == note.pitch and held.tick < note.tick)
        self._struck[note.pitch] = note.tick
        self._sounding[id(note)] = note

    def release(self, note: Note) -> None:
        del self._sounding[id(note)]
        again = self._struck[note.pitch] > note.tick
        if not again and (self._down[DAMPER] or id(note) in self._caught):
            self._held[id(note)] = note

    def move(self, tick: int, control: int, value: int) -> None:
        for pedal in (DAMPER, SOSTENUTO) if control == RESET else (control,):
            down = control != RESET and value >= 64
            if pedal == SOSTENUTO and not (down and self._down[pedal]):
                self._caught = {*self._sounding, *self._held} if down else set()
            self._down[pedal] = down
        if not self._down[DAMPER]:
            self.damp(tick, lambda held: id(held) not in self._caught)

    def damp(self, tick: int, which: Callable[[Note], bool]) -> None:
        for key, note in [*self._held.items()]:
            if which(note):
                note.silent = tick
                del self._held[key]


class Difference(NamedTuple):
    """What is understood otherwise: what, where, and why if that is known."""

    what: str
    why: str
    where: str


def compared(path: str) -> tuple[Counter[str], list[Difference]]:
    """Return what was compared, counted, and where the readers differ."""
    warnings.simplefilter("ignore")
    try:
        song = load_song(path)
    except SongError:
        return Counter({"files that are refused": 1}), []
    notes = song.notes
    held = int(np.count_nonzero(notes["pedal"] > 0))
    counts = Counter({"files": 1, "notes": len(notes), "notes of drums": int(notes["drum"].sum())})
    counts["notes that a pedal holds"] = held
    counts["files with drums"], counts["files with pedals"] = int(notes["drum"].any()), int(held > 0)
    views: dict[str, np.ndarray | str] = {name: _read(read, path) for name, read in LIBRARIES.items()}
    try:
        reading = Reading(mido.MidiFile(path, clip=True))
        views["mido"] = reading.seconds([note.tick for note in reading.notes])
    except Exception as error:  # whatever it may be that mido cannot read
        counts["files that mido cannot read"] = 1
        views["mido"] = type(error).__name__
        return counts, list(_views(song, views, path))
    found = list(_views(song, views, path))
    for name in ("track", "channel", "velocity"):
        if notes[name].tolist() != [getattr(note, name) for note in reading.notes]:
            return counts, [*found, Difference("notes", _damage(song), path)]
    counts["notes off their pitch"] = sum(
        note.pitch != pitch for note, pitch in zip(reading.notes, notes["pitch"].tolist(), strict=True)
    )
    return counts, [*found, *_times(song, reading, path), *_drums_and_pitches(song, reading, path)]


def _damage(song: Song) -> str:
    return "damaged" if any("byte" in line for line in song.warnings) else ""


def _read(read: Callable[[str], list[float]], path: str) -> np.ndarray | str:
    """Return when notes begin, or why a library cannot read the file."""
    try:
        return np.array(read(path))
    except Exception as error:  # whatever it may be
        return type(error).__name__


def _views(song: Song, views: dict[str, np.ndarray | str], path: str) -> Iterator[Difference]:
    """Compare how many notes there are and when they begin; `views` are onsets, or why there are none."""
    mine, unended = np.sort(song.notes["onset"]), np.count_nonzero(song.notes["duration"] == 0)
    alike = {
        name: not isinstance(view, str)
        and len(view) == len(mine)
        and not np.any(np.abs(np.sort(view) - mine) > 200 * NEAR)
        for name, view in views.items()
    }
    for name, view in views.items():
        if isinstance(view, str):
            yield Difference(name, f"cannot read it: {view}", path)
        elif not alike[name]:
            why = _damage(song)
            if sum(alike.values()) == len(alike) - 1:
                why = "the two other readers agree with the parser"
            elif unended and len(view) < len(mine):
                why = "notes without length or end are left out"
            yield Difference(f"{name}: notes or onsets", why, f"{path}: {len(mine)} and {len(view)}")


def _symusic(path: str) -> list[float]:
    import symusic

    score: Any = symusic.Score(path, ttype="second")
    return [note.time for track in score.tracks for note in track.notes]


def _pretty_midi(path: str) -> list[float]:
    import pretty_midi

    return [note.start for part in pretty_midi.PrettyMIDI(path).instruments for note in part.notes]


LIBRARIES = {"symusic": _symusic, "pretty_midi": _pretty_midi}


def _times(song: Song, reading: Reading, path: str) -> Iterator[Difference]:
    """Compare when notes begin and fall silent."""
    if not 0 < reading.division < 0x8000:
        return
    notes = song.notes
    begin, silent = (
        reading.seconds([getattr(note, name) for note in reading.notes]) for name in ("tick", "silent")
    )
    for what, mine, theirs in (
        ("onset", notes["onset"], begin),
        ("length", notes["onset"] + notes["duration"], silent),
    ):
        rows = np.flatnonzero(np.abs(mine - theirs) > NEAR)
        if len(rows):
            yield Difference(what, "", f"{path}: {len(rows)} notes, first at {notes['onset'][rows[0]]:.3f} s")


def _drums_and_pitches(song: Song, reading: Reading, path: str) -> Iterator[Difference]:
    """Compare which notes are drums, and at which pitch the others sound."""
    named = {track.number: track.name for track in song.tracks}
    unknown = any(setup.controller >= DRUM_PART for setup in reading.setups)
    rows = zip(reading.notes, song.notes["drum"].tolist(), song.notes["pitch"].tolist(), strict=True)
    for note, drum, pitch in rows:
        where = (
            f"{path}: track {note.track} ({named[note.track]}), channel {note.channel + 1}, tick {note.tick}"
        )
        if drum != note.drum:
            yield Difference("drums", _why_drums(note, named[note.track], reading, unknown=unknown), where)
        elif pitch != (theirs := reading.sounding(note))[0]:
            why = "two pitches last equally long" if theirs[1] else _UNKNOWN_SETUP if unknown else ""
            yield Difference("pitch", why, f"{where}: {pitch} and {theirs[0]}")


def _why_drums(note: Note, name: str, reading: Reading, *, unknown: bool) -> str:
    """Return why a note is one of drums here or there alone."""
    if unknown:
        return _UNKNOWN_SETUP
    if not note.drum and note.channel > 16 and note.channel % 16 == DRUM_CHANNEL:
        return "channel 10 of a further port, which is none of drums for fluidsynth"
    if GM2 in reading.systems:
        return "a bank of General MIDI 2, which fluidsynth does not know"
    return "a part named and played like a kit" if not note.drum and KIT.search(name) else ""


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
def main(folders: tuple[str, ...], jobs: int) -> None:
    """Print what was compared, and the differences."""
    counts: Counter[str] = Counter()
    found: list[Difference] = []
    with ProcessPoolExecutor(jobs) as pool:
        for some, differences in pool.map(compared, midi_files([*folders]), chunksize=4):
            counts += some
            found += differences
    table = Table("compared", "count")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    CONSOLE.print(table)
    table = Table("difference", "why", "count", "files")
    for (what, why), rows in sorted(grouped(found).items()):
        table.add_row(
            what, why or "unexplained", str(len(rows)), str(len({row.split(": ")[0] for row in rows}))
        )
    CONSOLE.print(table)
    unexplained = [one for one in found if not one.why]
    for one in unexplained:
        print(f"{one.what}: {one.where}")
    print(f"{len(unexplained)} unexplained")
    sys.exit(bool(unexplained))


def grouped(found: list[Difference]) -> dict[tuple[str, str], list[str]]:
    """Return where differences of one kind and reason are."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in found:
        groups[one.what, one.why].append(one.where)
    return groups


if __name__ == "__main__":
    main()
