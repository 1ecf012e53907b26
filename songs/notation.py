"""Read a song written in the text notation of songs/README.md: text in, timed notes out.

Lengths and places are fractions of a whole note from the beginning; pitches are MIDI numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

LEVELS = {"ppp": 24, "pp": 36, "p": 50, "mp": 63, "mf": 77, "f": 93, "ff": 109, "fff": 121}
"""Velocity of each dynamic mark."""
ACCENT = 14
GRACE = Fraction(1, 32)
ROLL = Fraction(1, 128)

_STEPS = "cdefgab"
_SEMITONES = (0, 2, 4, 5, 7, 9, 11)
_SHARPENED = {"": 0, "#": 1, "##": 2, "b": -1, "bb": -2}
_TOKEN = re.compile(r"\[[^\]]*\]|<[^>]*>\S*|\([^)]*\)|\S+")
_PITCH = re.compile(r"([a-g])(##|#|bb|b)?([',]*)")
_NOTE = re.compile(r"(r|[a-g](?:##|#|bb|b)?[',]*|<[^>]*>)(\d+\.*)?(?::(\d+))?([~^%]*)\Z")
_GROUP = re.compile(r"(?:x(\d+)|(\d+):(\d+))\{\Z")
_TEMPO = re.compile(r"\[(rit |acc |)(\d+\.*)=(\d+(?:\.\d+)?)\]\Z")


class NotationError(ValueError):
    """A score that breaks the rules of the notation; says where."""


@dataclass(frozen=True)
class Note:
    """One written note: place and length in whole notes, MIDI pitch, what accents add to its velocity."""

    start: Fraction
    length: Fraction
    pitch: int
    louder: int


@dataclass(frozen=True)
class Mark:
    """A dynamic or a tempo at a place; `gradual` where it is reached only at the next mark of its kind."""

    place: Fraction
    value: float
    gradual: bool = False


@dataclass
class Part:
    """One line of music of a song: what plays it, how loud beside the others, and its notes."""

    key: str
    name: str
    program: int = 10
    volume: int = 0
    on: str = ""
    notes: list[Note] = field(default_factory=list)
    levels: list[Mark] = field(default_factory=list)
    measures: list[tuple[Fraction, Fraction]] = field(default_factory=list)


@dataclass
class Section:
    """A stretch of the song that `order` may name more than once."""

    meter: str
    key: str
    lines: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Score:
    """A whole song: header, parts with all repeats played out, tempos, and each measure's metre and key."""

    header: dict[str, str]
    parts: dict[str, Part]
    tempos: list[Mark] = field(default_factory=list)
    measures: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    sections: list[tuple[Fraction, str, str]] = field(default_factory=list)


def length_of(text: str) -> Fraction:
    """Return the length in whole notes that '4' or '8..' stands for."""
    number = text.rstrip(".")
    dots = len(text) - len(number)
    return Fraction(1, int(number)) * (2 - Fraction(1, 2**dots))


def meter_length(meter: str) -> Fraction:
    """Return the length of a measure in whole notes: '6/8' -> 3/4."""
    beats, unit = meter.split("/")
    return Fraction(int(beats), int(unit))


def read_score(text: str) -> Score:
    """Return the song that a text holds; raises NotationError with the place of what is wrong."""
    header, parts, sections = _read_lines(text)
    score = Score(header, parts)
    _add_tempo(score, Fraction(0), f"[{header['tempo']}]")
    for name in header["order"].split():
        label, _, louder = name.partition(":")
        if label not in sections:
            raise NotationError(f"order names section {label!r}, which is not there: write '== {label}'")
        _play_section(score, sections[label], label, int(louder or 0))
    return score


def _read_lines(text: str) -> tuple[dict[str, str], dict[str, Part], dict[str, Section]]:
    header: dict[str, str] = {"transpose": "0", "stress": "5"}
    parts: dict[str, Part] = {}
    sections: dict[str, Section] = {}
    section = Section("", "")
    for raw in text.splitlines():
        line = raw.split("%%")[0].strip()
        if line.startswith("=="):
            label, *options = line[2:].split()
            section = sections[label] = _new_section(options, header)
        elif line:
            name, _, rest = (piece.strip() for piece in line.partition(":"))
            if name.startswith("part "):
                parts[name[5:]] = _new_part(name[5:], rest)
            elif sections:
                if name not in parts:
                    raise NotationError(f"part {name!r} is not declared: write 'part {name}: its name'")
                section.lines.setdefault(name, []).append(rest)
            else:
                header[name] = rest
    return header, parts, sections


def _new_section(options: list[str], header: dict[str, str]) -> Section:
    chosen = dict(option.split("=") for option in options)
    return Section(chosen.get("meter", header["meter"]), chosen.get("key", header["key"]))


def _new_part(key: str, text: str) -> Part:
    part = Part(key, text.split(",")[0].strip())
    for option in text.split(",")[1:]:
        word, value = option.split()
        if word == "program":
            part.program = int(value)
        elif word == "volume":
            part.volume = int(value)
        elif word == "on":
            part.on = value
        else:
            raise NotationError(f"part {key}: {word!r} is no option: use program, volume or on")
    return part


def _play_section(score: Score, section: Section, label: str, louder: int) -> None:
    place = sum((length for _, length in score.measures), Fraction(0))
    score.sections.append((place, section.meter, section.key))
    frame: list[tuple[Fraction, Fraction]] = []
    for key, lines in section.lines.items():
        where = f"section {label}, part {key}"
        reader = _Reader(score, score.parts[key], place, meter_length(section.meter), louder, where)
        for line in lines:
            reader.read(line)
        reader.end()
        if frame and reader.measures != frame:
            raise NotationError(
                f"section {label}: part {key} has {len(reader.measures)} measures, the first has {len(frame)}"
            )
        frame = reader.measures
    score.measures.extend(frame)


class _Reader:
    """Reads the lines of one part in one section, measure by measure."""

    def __init__(
        self, score: Score, part: Part, place: Fraction, full: Fraction, louder: int, where: str
    ) -> None:
        self.score, self.part, self.louder, self.where = score, part, louder, where
        self.place = self.begin = place
        self.measure = self.full = full
        self.measures: list[tuple[Fraction, Fraction]] = []
        self.step, self.length = 0, Fraction(0)
        self.octave: int | None = None
        self.scale = Fraction(1)
        self.graces: list[int] = []
        self.tied: dict[int, int] = {}

    def fail(self, why: str) -> NotationError:
        return NotationError(f"{self.where}, measure {len(self.measures) + 1}: {why}")

    def read(self, line: str) -> None:
        tokens = _expand(_TOKEN.findall(line))
        first = next((n for n, token in enumerate(tokens) if _is_note(token)), -1)
        if first >= 0 and not any(token[0] == "@" for token in tokens[:first]):
            raise self.fail("a line begins with its octave: write @5 in front of the first note")
        self.length = Fraction(0)
        for token in tokens:
            self.take(token)
        if self.place != self.begin:
            self.bar_line()

    def end(self) -> None:
        if self.tied:
            raise self.fail("a tie leads nowhere")

    def take(self, token: str) -> None:
        if token == "|":
            self.bar_line()
        elif token == "}":
            self.scale = Fraction(1)
        elif group := _GROUP.match(token):
            self.scale = Fraction(int(group[3]), int(group[2]))
        elif token[0] == "(":
            self.measure = meter_length(token[1:-1])
        elif token[0] == "@":
            self.octave = int(token[1:])
        elif token[0] == "!":
            self.dynamic(token[1:])
        elif token[0] == "[":
            _add_tempo(self.score, self.place, token)
        elif token[0] == "/":
            self.graces.append(self.pitch(token[1:]))
        elif token == "R":
            self.place += self.measure
        else:
            self.note(token)

    def bar_line(self) -> None:
        found = self.place - self.begin
        if found != self.measure:
            raise self.fail(f"holds {found} of a whole note, not {self.measure}: count its notes")
        self.measures.append((self.begin, found))
        self.begin, self.measure = self.place, self.full

    def dynamic(self, word: str) -> None:
        levels = self.part.levels
        if word in LEVELS:
            levels.append(Mark(self.place, LEVELS[word]))
        elif word in ("<", ">"):
            now = levels[-1].value if levels else LEVELS["mf"]
            levels.append(Mark(self.place, now, gradual=True))
        else:
            raise self.fail(f"!{word} is no dynamic: use {' '.join(LEVELS)} < >")

    def pitch(self, text: str) -> int:
        found = _PITCH.fullmatch(text)
        if not found:
            raise self.fail(f"{text!r} is no note: write a letter a..g, # or b, ' or ,")
        letter, alteration, marks = found.groups()
        step = _STEPS.index(letter)
        if self.octave is None:
            self.step += (step - self.step + 3) % 7 - 3
        else:
            self.step, self.octave = 7 * self.octave + step, None
        self.step += 7 * (marks.count("'") - marks.count(","))
        octave, degree = divmod(self.step, 7)
        return 12 * (octave + 1) + _SEMITONES[degree] + _SHARPENED[alteration or ""]

    def note(self, token: str) -> None:
        found = _NOTE.match(token)
        if not found:
            raise self.fail(f"{token!r} is neither note nor mark")
        body, length, tremolo, flags = found.groups()
        if length:
            self.length = length_of(length)
        if not self.length:
            raise self.fail("the first note of a line needs its length")
        length_now = self.length * self.scale
        if body != "r":
            pitches = self.pitches(body)
            self.play_graces()
            stroke = Fraction(1, int(tremolo)) if tremolo else length_now
            for number in range(int(length_now / stroke)):
                self.strike(self.place + number * stroke, stroke, pitches, flags)
        self.place += length_now

    def pitches(self, body: str) -> list[int]:
        if body[0] != "<":
            return [self.pitch(body)]
        names = body[1:-1].split()
        pitches = [self.pitch(names[0])]
        base = self.step
        pitches += [self.pitch(name) for name in names[1:]]
        self.step = base
        return pitches

    def strike(self, start: Fraction, length: Fraction, pitches: list[int], flags: str) -> None:
        notes = self.part.notes
        delay = ROLL if "%" in flags else Fraction(0)
        after: dict[int, int] = {}
        for number, pitch in enumerate(pitches):
            if pitch in self.tied:
                row = self.tied[pitch]
                old = notes[row]
                notes[row] = Note(old.start, start + length - old.start, pitch, old.louder)
            else:
                row = len(notes)
                late = number * delay
                louder = self.louder + (ACCENT if "^" in flags else 0)
                notes.append(Note(start + late, length - late, pitch, louder))
            if "~" in flags:
                after[pitch] = row
        if set(self.tied) - set(pitches):
            raise self.fail("a tie leads to another note")
        self.tied = after

    def play_graces(self) -> None:
        for number, pitch in enumerate(self.graces):
            start = self.place - GRACE * (len(self.graces) - number)
            if start < 0:
                raise self.fail("a grace note before the beginning: begin with a rest")
            self.part.notes.append(Note(start, GRACE, pitch, self.louder))
        self.graces = []


def _is_note(token: str) -> bool:
    return token[0] == "/" or (token[0] != "r" and bool(_NOTE.match(token)))


def _expand(tokens: list[str]) -> list[str]:
    """Play out every group `x3{ ... }`; a tuplet group stays."""
    out: list[str] = []
    groups: list[tuple[int, list[str]]] = []
    for token in tokens:
        found = _GROUP.match(token)
        target = groups[-1][1] if groups else out
        if found and found[1]:
            groups.append((int(found[1]), []))
        elif token == "}" and groups and not _open_tuplet(groups[-1][1]):
            times, inner = groups.pop()
            (groups[-1][1] if groups else out).extend(inner * times)
        else:
            target.append(token)
    return out


def _open_tuplet(tokens: list[str]) -> bool:
    return sum(bool(_GROUP.match(t)) for t in tokens) > tokens.count("}")


def _add_tempo(score: Score, place: Fraction, token: str) -> None:
    """Note a tempo in quarters a minute; `[rit 4=50]` is reached at the next mark, or at the end."""
    if token == "[a tempo]":
        steady = next(mark for mark in reversed(score.tempos) if not mark.gradual)
        score.tempos.append(Mark(place, steady.value))
        return
    found = _TEMPO.match(token)
    if not found:
        raise NotationError(f"{token} is no tempo: write [4=80], [rit 4=60], [acc 4=100] or [a tempo]")
    word, unit, number = found.groups()
    score.tempos.append(Mark(place, float(number) * float(length_of(unit) * 4), gradual=bool(word)))
