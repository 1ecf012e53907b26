"""What a synthesizer makes of a file, message by message: slow, and in plain words."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

import mido

GS_RESET, XG_ON = (0x41, 16, 0x42, 0x12, 0x40, 0, 0x7F, 0, 0x41), (0x43, 16, 0x4C, 0, 0, 0x7E, 0)
GM_ON, GM2_ON = (0x7E, 0x7F, 9, 1), (0x7E, 0x7F, 9, 3)
SYSTEMS = {GM_ON: "gm", GM2_ON: "gm2", GS_RESET: "gs", XG_ON: "xg"}


@dataclass
class Channel:
    number: int
    volume: int = 100
    expression: int = 127
    program: int = 0
    bend: int = 0
    span: list[int] = field(default_factory=lambda: [2, 0])
    fine: list[int] = field(default_factory=lambda: [64, 0])
    coarse: int = 64
    parameter: list[int] = field(default_factory=lambda: [127, 127])
    damper: bool = False
    sostenuto: bool = False
    drum: bool = False

    def __post_init__(self) -> None:
        self.drum = self.number % 16 == 9

    def control(self, number: int, value: int, system: str) -> None:
        if number == 7:
            self.volume = value
        elif number == 11:
            self.expression = value
        elif number == 64:
            self.damper = value >= 64
        elif number == 66:
            self.sostenuto = value >= 64
        elif number == 121:
            self.expression, self.bend, self.parameter = 127, 0, [127, 127]
            self.damper = self.sostenuto = False
        elif number in (98, 99):
            self.parameter = [127, 127]
        elif number in (100, 101):
            self.parameter[101 - number] = value
        elif number in (6, 38):
            self.enter(int(number == 38), value)
        elif number == 0:
            self.bank(value, system)

    def enter(self, half: int, value: int) -> None:
        if self.parameter == [0, 0]:
            self.span[half] = value
        elif self.parameter == [0, 1]:
            self.fine[half] = value
        elif self.parameter == [0, 2] and half == 0:
            self.coarse = value

    def bank(self, value: int, system: str) -> None:
        if system == "xg":
            self.drum = value in (120, 126, 127)
        elif system == "gm2":
            self.drum = value == 120 or (self.drum and value != 121)
        elif system != "gs":
            self.drum = value in (120, 126, 127) or (self.drum and value != 121)

    @property
    def offset(self) -> float:
        fine = (self.fine[0] * 128 + self.fine[1] - 8192) / 8192
        return self.coarse - 64 + fine + self.bend / 8192 * (self.span[0] + self.span[1] / 100)


@dataclass
class Note:
    tick: int
    track: int
    end: int
    pitch: int
    velocity: int
    channel: int
    loudness: float
    program: int
    drum: bool
    offset: float = 0.0
    key: tuple[int, int] = (0, 0)
    silent: int = 0

    def __post_init__(self) -> None:
        self.silent, self.key = self.end, (self.channel, self.pitch)


class Synthesizer:
    """Plays all tracks of a file at once; afterwards `notes` has what sounded, by onset."""

    def __init__(self, song: mido.MidiFile) -> None:
        self.channels: dict[int, Channel] = {}
        self.system = ""
        self.notes: list[Note] = []
        self.history: dict[int, list[tuple[int, float, bool, bool]]] = defaultdict(list)
        self._on: dict[tuple[int, int, int], deque[Note]] = defaultdict(deque)
        self.last = 0
        rows = []
        for number, track in enumerate(song.tracks):
            tick = port = 0
            for message in track:
                tick += message.time
                port = message.port % 16 if message.type == "midi_port" else port
                rows.append((tick, number, port, message))
            self.last = max(self.last, tick)
        for tick, number, port, message in sorted(rows, key=lambda row: row[0]):
            self.take(tick, number, port, message)
        for note in self.notes:
            self.settle(note)

    def channel(self, number: int) -> Channel:
        return self.channels.setdefault(number, Channel(number))

    def take(self, tick: int, track: int, port: int, message: mido.Message) -> None:
        if message.type == "sysex" and tuple(message.data) in SYSTEMS:
            self.system = SYSTEMS[tuple(message.data)]
            self.channels = {number: Channel(number) for number in self.channels}
            self.remember(tick, *self.channels)
        if message.is_meta or not hasattr(message, "channel"):
            return
        number = message.channel + 16 * port
        channel = self.channel(number)
        if message.type == "note_on" and message.velocity:
            loudness = message.velocity * channel.volume * channel.expression / 12700
            program, drum, offset = channel.program, channel.drum, channel.offset
            note = Note(
                tick, track, tick, message.note, message.velocity, number, loudness, program, drum, offset
            )
            self._on[track, number, message.note].append(note)
            self.notes.append(note)
        elif message.type in ("note_on", "note_off") and self._on[track, number, message.note]:
            self._on[track, number, message.note].popleft().end = tick
        elif message.type == "control_change":
            channel.control(message.control, message.value, self.system)
        elif message.type == "program_change":
            channel.program = message.program
        elif message.type == "pitchwheel":
            channel.bend = message.pitch
        if message.type not in ("note_on", "note_off"):
            self.remember(tick, number)

    def remember(self, tick: int, *numbers: int) -> None:
        for number in numbers:
            channel = self.channels[number]
            self.history[number].append((tick, channel.offset, channel.damper, channel.sostenuto))

    def settle(self, note: Note) -> None:
        """Find the pitch that a note has for most of its time, and when it falls silent."""
        note.silent = note.end
        if not note.drum:
            note.pitch = min(127, max(0, note.pitch + self.off(note)))
        if note.end > note.tick:
            again = [each.tick for each in self.notes if each.tick > note.tick and each.key == note.key]
            note.silent = max(note.end, min([self.held(note), *again]))

    def off(self, note: Note) -> int:
        pieces: dict[int, int] = defaultdict(int)
        for begin, end, state in self.spans(note.channel):
            pieces[round(state[0])] += max(0, min(end, note.end) - max(begin, note.tick))
        most = max(pieces.values(), default=0)
        if most == 0:
            return round(note.offset)
        return min(off for off, length in pieces.items() if length == most)

    def held(self, note: Note) -> int:
        silent = note.end
        for _ in range(2):
            for begin, end in self.pressed(note.channel, 2):
                if note.tick <= begin < silent:
                    silent = max(silent, end)
            for begin, end in self.pressed(note.channel, 1):
                if begin < silent:
                    silent = max(silent, end)
        return silent

    def pressed(self, channel: int, pedal: int) -> list[tuple[int, int]]:
        """Return when a pedal went down and came up."""
        found, down = [], None
        for row in self.history[channel]:
            if row[1 + pedal] and down is None:
                down = row[0]
            elif not row[1 + pedal] and down is not None:
                found.append((down, row[0]))
                down = None
        return found if down is None else [*found, (down, self.last)]

    def spans(self, channel: int) -> list[tuple[int, int, tuple]]:
        rows = [(0, 0.0, False, False), *self.history[channel]]
        ends = [row[0] for row in rows[1:]] + [10**9]
        return [(row[0], end, row[1:]) for row, end in zip(rows, ends, strict=True)]
