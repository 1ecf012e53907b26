"""Write the songs of this folder: scores/*.txt in, *.mid and index.toml out.

    python songs/build.py            write them all
    python songs/build.py --check    prove that what is there equals a fresh build, byte for byte

A score whose measures do not add up, that strikes a bar again within 80 ms, that has a chord of more
than eight notes or that leaves the 30 bars G4..C7 is an error.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import mido

from notation import Mark, NotationError, Part, Score, meter_length, read_score

FOLDER = Path(__file__).resolve().parent
TICKS_PER_QUARTER = 480
WHOLE = 4 * TICKS_PER_QUARTER
LOWEST, HIGHEST = 67, 96
CHORD_LIMIT = 8
RECOVERY_MS = 80
RIT_STEP = Fraction(1, 16)
LICENCE = "CC0-1.0"

_MAJORS = ("Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#")
_MINORS = ("Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#")


@dataclass(frozen=True)
class Blow:
    """One note of the file: place and end in ticks, pitch and velocity."""

    tick: int
    end: int
    pitch: int
    velocity: int


def ticks(place: Fraction) -> int:
    """Return a place or length in whole notes as ticks of the file."""
    return round(place * WHOLE)


def level_at(levels: list[Mark], places: list[Fraction], place: Fraction) -> float:
    """Return the velocity that the dynamic marks ask for at a place; `mf` before the first of them."""
    row = bisect_right(places, place) - 1
    if row < 0:
        return 77.0
    mark = levels[row]
    if not mark.gradual or row + 1 == len(levels):
        return mark.value
    following = levels[row + 1]
    share = (place - mark.place) / (following.place - mark.place)
    return mark.value + float(share) * (following.value - mark.value)


def stress_at(score: Score, place: Fraction) -> int:
    """Return what the measure adds to a velocity: all of `stress` on its first beat, less between beats."""
    stress = int(score.header["stress"])
    begin = score.measures[bisect_right(score.measures, place, key=lambda measure: measure[0]) - 1][0]
    if place == begin:
        return stress
    quarters = (place - begin) * 4
    return 0 if quarters.denominator == 1 else -stress // 2


def blows_of(score: Score, part: Part) -> list[Blow]:
    """Return the notes of one part with their velocities, sorted by time and pitch."""
    marks = part.levels or next(iter(score.parts.values())).levels
    levels = sorted(marks, key=lambda mark: mark.place)
    places = [mark.place for mark in levels]
    shift = int(score.header["transpose"])
    blows = []
    for note in part.notes:
        level = level_at(levels, places, note.start) + stress_at(score, note.start)
        velocity = max(1, min(127, round(level + part.volume + note.louder)))
        end = max(ticks(note.start) + 1, ticks(note.start + note.length))
        blows.append(Blow(ticks(note.start), end, note.pitch + shift, velocity))
    return sorted(blows, key=lambda blow: (blow.tick, blow.pitch))


def tracks_of(score: Score) -> dict[str, list[Blow]]:
    """Return the notes of each track; of two blows on one bar at one instant the first track's is kept."""
    tracks: dict[str, list[Blow]] = {}
    taken: set[tuple[int, int]] = set()
    for part in score.parts.values():
        for blow in blows_of(score, part):
            if (blow.tick, blow.pitch) not in taken:
                taken.add((blow.tick, blow.pitch))
                tracks.setdefault(part.on or part.key, []).append(blow)
    return {key: _without_overlap(blows) for key, blows in tracks.items()}


def _without_overlap(blows: list[Blow]) -> list[Blow]:
    """Let a note end where its own pitch begins anew."""
    following: dict[int, int] = {}
    out = []
    for blow in sorted(blows, key=lambda blow: (blow.tick, blow.pitch), reverse=True):
        end = min(blow.end, following.get(blow.pitch, blow.end))
        following[blow.pitch] = blow.tick
        out.append(Blow(blow.tick, end, blow.pitch, blow.velocity))
    return out[::-1]


def tempo_points(score: Score) -> list[tuple[int, float]]:
    """Return (tick, quarters a minute); a gradual change becomes steps of a sixteenth."""
    end = sum((length for _, length in score.measures), Fraction(0))
    marks = sorted(score.tempos, key=lambda mark: mark.place)
    points: dict[int, float] = {}
    now = marks[0].value
    for number, mark in enumerate(marks):
        if not mark.gradual:
            now = points[ticks(mark.place)] = mark.value
            continue
        stop = marks[number + 1].place if number + 1 < len(marks) else end
        steps = int((stop - mark.place) / RIT_STEP)
        for step in range(steps):
            points[ticks(mark.place + step * RIT_STEP)] = now + (mark.value - now) * (step + 1) / steps
        now = mark.value
    return sorted(points.items())


def meter_points(score: Score) -> list[tuple[int, str]]:
    """Return (tick, metre) of every change; an upbeat is a short measure of its own.

    Two short measures side by side count as one where they add up (an ending and the next upbeat).
    """
    points: list[tuple[int, str]] = []
    starts = [start for start, _, _ in score.sections]
    rows = score.measures
    number = 0
    while number < len(rows):
        start, length = rows[number]
        meter = score.sections[bisect_right(starts, start) - 1][1]
        full = meter_length(meter)
        number += 1
        if length < full and number < len(rows) and length + rows[number][1] == full:
            length, number = full, number + 1
        if length < full and number < len(rows):
            beats = length * int(meter.split("/")[1])
            meter = f"{beats}/{meter.split('/')[1]}" if beats.denominator == 1 else str(length)
        if not points or points[-1][1] != meter:
            points.append((ticks(start), meter))
    return points


def sounding_key(key: str, shift: int) -> str:
    """Return the name of a key moved by semitones: ('Am', 2) -> 'Bm'."""
    names = _MINORS if key.endswith("m") else _MAJORS
    tail = "m" if key.endswith("m") else ""
    return names[(names.index(key.removesuffix("m")) + 7 * shift) % 12] + tail


def song_bytes(score: Score) -> bytes:
    """Return the song as a Standard MIDI File of format 1, 480 ticks a quarter."""
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    midi.tracks.append(_conductor(score))
    channels = [channel for channel in range(16) if channel != 9]
    for channel, (key, blows) in zip(channels, tracks_of(score).items(), strict=False):
        midi.tracks.append(_track(score.parts[key], channel, blows))
    out = BytesIO()
    midi.save(file=out)
    return out.getvalue()


def _conductor(score: Score) -> mido.MidiTrack:
    head = score.header
    made = [
        (0, mido.MetaMessage("track_name", name=head["title"])),
        (0, mido.MetaMessage("text", text=f"{head['composer']}, {head['year']}")),
        (0, mido.MetaMessage("copyright", text=f"music: public domain; this arrangement: {LICENCE}")),
    ]
    for tick, meter in meter_points(score):
        beats, unit = (int(number) for number in meter.split("/"))
        made.append((tick, mido.MetaMessage("time_signature", numerator=beats, denominator=unit)))
    key_before = ""
    for place, _, key in score.sections:
        key = sounding_key(key, int(head["transpose"]))
        if key != key_before:
            made.append((ticks(place), mido.MetaMessage("key_signature", key=key)))
            key_before = key
    for tick, bpm in tempo_points(score):
        made.append((tick, mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm))))
    end = ticks(sum((length for _, length in score.measures), Fraction(0)))
    return _in_order(made, end)


def _track(part: Part, channel: int, blows: list[Blow]) -> mido.MidiTrack:
    made = [
        (0, mido.MetaMessage("track_name", name=part.name)),
        (0, mido.Message("program_change", channel=channel, program=part.program - 1)),
    ]
    for blow in blows:
        note = {"channel": channel, "note": blow.pitch}
        made.append((blow.tick, mido.Message("note_on", velocity=blow.velocity, **note)))
        made.append((blow.end, mido.Message("note_off", velocity=64, **note)))
    return _in_order(made, max((blow.end for blow in blows), default=0))


def _in_order(made: list[tuple[int, mido.Message]], end: int) -> mido.MidiTrack:
    """Return a track of messages at ticks; at one tick notes end before others begin."""
    track, now = mido.MidiTrack(), 0
    for tick, message in sorted(made, key=lambda pair: (pair[0], pair[1].type == "note_on")):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, end - now)))
    return track


def seconds_at(points: list[tuple[int, float]], tick: int) -> float:
    """Return the time of a tick under a tempo table."""
    total = 0.0
    for (begin, bpm), (end, _) in pairwise([*points, (tick + 1, 0.0)]):
        if tick <= begin:
            break
        total += (min(end, tick) - begin) * 60.0 / (bpm * TICKS_PER_QUARTER)
    return total


def faults(score: Score) -> list[str]:
    """Return what 30 bars G4..C7 could not play of a song, one line each."""
    blows = [blow for track in tracks_of(score).values() for blow in track]
    outside = sorted({blow.pitch for blow in blows if not LOWEST <= blow.pitch <= HIGHEST})
    found = [f"pitch {pitch} is outside {LOWEST}..{HIGHEST}: transpose or fold it" for pitch in outside]
    return found + _chord_faults(blows) + _repetition_faults(blows, tempo_points(score))


def _chord_faults(blows: list[Blow]) -> list[str]:
    sizes: dict[int, int] = {}
    for blow in blows:
        sizes[blow.tick] = sizes.get(blow.tick, 0) + 1
    return [
        f"{size} notes at tick {tick}, more than {CHORD_LIMIT}: thin the chord"
        for tick, size in sizes.items()
        if size > CHORD_LIMIT
    ]


def _repetition_faults(blows: list[Blow], points: list[tuple[int, float]]) -> list[str]:
    found = []
    for before, after in pairwise(sorted(blows, key=lambda blow: (blow.pitch, blow.tick))):
        if before.pitch == after.pitch:
            gap_ms = 1000 * (seconds_at(points, after.tick) - seconds_at(points, before.tick))
            if gap_ms < RECOVERY_MS:
                again = f"pitch {after.pitch} at tick {after.tick} again after {gap_ms:.0f} ms"
                found.append(f"{again}, the least is {RECOVERY_MS}: leave one out")
    return found


def index_entry(name: str, score: Score) -> str:
    """Return a song's table in index.toml."""
    head = score.header
    rows = [f"[{name}]", f'file = "{name}.mid"']
    rows += [f'{key} = "{head[key]}"' for key in ("title", "composer", "year")]
    rows += [f'licence = "{LICENCE}"', f'shows = "{head["shows"]}"']
    if "limits" in head:
        rows.append(f'limits = "{head["limits"]}"')
    rows += [f"{key} = {listed(head.get(key, ''))}" for key in ("mood", "occasion", "also")]
    deaths = (entry.rpartition(" ") for entry in entries_of(head.get("died", "")))
    rows += ["died = {" + ", ".join(f'"{who or head["composer"]}" = {year}' for who, _, year in deaths) + "}"]
    rows += [f'{key} = "{head[key]}"' for key in ("source", "compared") if key in head]
    return "\n".join(rows) + "\n"


def entries_of(text: str) -> list[str]:
    """Return what stands between semicolons: 'Stille Nacht; Heilige Nacht' -> two names."""
    return [entry.strip() for entry in text.split(";") if entry.strip()]


def listed(text: str) -> str:
    """Return a header's entries as a list of TOML."""
    return "[" + ", ".join(f'"{entry}"' for entry in entries_of(text)) + "]"


def build(folder: Path = FOLDER) -> dict[str, bytes]:
    """Return every file to be written, by name; raises NotationError with the song's name for a bad score."""
    made, entries = {}, []
    for path in sorted((folder / "scores").glob("*.txt")):
        try:
            score = read_score(path.read_text(encoding="utf-8"))
        except (NotationError, KeyError) as error:
            raise NotationError(f"{path.stem}: {error}") from error
        if wrong := faults(score):
            raise NotationError(f"{path.stem}: {wrong[0]} (1 of {len(wrong)} faults)")
        made[f"{path.stem}.mid"] = song_bytes(score)
        entries.append(index_entry(path.stem, score))
    head = "# The project's songs. Written by build.py from scores/*.txt: change them there.\n"
    made["index.toml"] = "\n".join([head, *entries]).encode()
    return made


def differences(made: dict[str, bytes], folder: Path = FOLDER) -> list[str]:
    """Return one line for every file in the folder that a fresh build would change, add or take away."""
    there = {path.name for path in [*folder.glob("*.mid"), *folder.glob("index.toml")]}
    missing = [f"{name} is missing" for name in sorted(set(made) - there)]
    extra = [f"{name} has no score" for name in sorted(there - set(made))]
    same = sorted(there & set(made))
    return missing + extra + [f"{n} differs" for n in same if (folder / n).read_bytes() != made[n]]


def main(arguments: list[str]) -> int:
    """Write the songs, or with --check compare them; return the exit code."""
    try:
        made = build()
    except NotationError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments == ["--check"]:
        found = differences(made)
        print("\n".join(found) if found else f"{len(made) - 1} songs as built")
        return 1 if found else 0
    for name, content in made.items():
        (FOLDER / name).write_bytes(content)
    print(f"{len(made) - 1} songs written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
