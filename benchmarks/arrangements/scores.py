"""Scores of an outcome beside its song: what is left of tune, notes and harmony, by plain definitions.

Nothing here knows how an arranger works. `read_source` is done once a song, `best_intervals` once a song
and set of bars (it can be kept in a folder); the scores themselves are some ms a song. Shares are 0..1, and
NaN where there is nothing to count.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from arrangements.rules import Bools, Floats, Ints, Outcome, audible
from xylophone import Song
from xylophone.tables import Priority

CHORD = 0.025
"""s; onsets this close to the first of them are one instant."""

NEAR = 0.030
"""s; a strike this close to a note's onset sounds it."""

NEIGHBOURS = 1.5
"""s, onset to onset; notes of a line farther apart make no interval."""

HELD = 1.0
"""s; a note of the tune is listened to for so long at most."""


@dataclass(frozen=True, eq=False)
class Line:
    """A line of one voice, rows of the song ascending; `joined` says which neighbours are intervals."""

    rows: Ints
    onset: Floats
    end: Floats
    pitch: Ints
    joined: Bools


@dataclass(frozen=True, eq=False)
class Source:
    """A song as it is scored: the notes that are heard, drums left out, and the lines in them."""

    song: Song
    rows: Ints  # of the song's notes, ascending, as are the columns
    onset: Floats
    pitch: Ints
    instant: Ints  # number of the instant of each note
    measure: Ints  # of each note, from 0
    again: Ints  # rows of notes that repeat one of the same part, of a whole measure that is said again
    first: Ints  # rows of those that they repeat
    labelled: Ints  # rows of the tracks that are labelled as melody; empty where none is
    melody: Line  # upper line of what is labelled, else the skyline
    skyline: Line


def instants(onset: Floats) -> Ints:
    """Return the number of each ascending onset's instant: one lasts 25 ms from its first onset."""
    numbers, number, begun = [], -1, -np.inf
    for time in onset.tolist():
        if time - begun > CHORD:
            number, begun = number + 1, time
        numbers.append(number)
    return np.array(numbers, np.int64)


def upper_line(song: Song, rows: Ints) -> Line:
    """Return the highest note of each instant of some notes, of equal ones the first."""
    notes = song.notes[rows]
    instant = instants(notes["onset"])
    order = np.lexsort((rows, -notes["pitch"].astype(np.int64), instant))
    top = order[np.diff(instant[order], prepend=-1) > 0]
    onset = notes["onset"][top]
    pitch = notes["pitch"][top].astype(np.int64)
    return Line(rows[top], onset, onset + notes["duration"][top], pitch, np.diff(onset) < NEIGHBOURS)


def measures(song: Song, time: Floats) -> Ints:
    """Return the numbers of the measures of many moments, from 0: `Song.measure_at` at once."""
    return in_measures(song, quarters(song, time) + 1e-9)[0]


def quarters(song: Song, time: Floats) -> Floats:
    """Return the places of many moments in quarter notes: `Song.quarter_at` at once."""
    tempo = song.tempos[np.maximum(0, np.searchsorted(song.tempos["time"], time, "right") - 1)]
    return tempo["quarter"] + (time - tempo["time"]) * tempo["bpm"] / 60.0


def in_measures(song: Song, quarter: Floats) -> tuple[Ints, Floats]:
    """Return the measures of places in quarter notes, from 0, and the quarter notes from their beginnings."""
    meter = song.meters[np.maximum(0, np.searchsorted(song.meters["quarter"], quarter, "right") - 1)]
    length = 4.0 * meter["numerator"] / meter["denominator"]
    count, rest = np.divmod(quarter - meter["quarter"], length)
    return (meter["measure"] + count).astype(np.int64), rest


def repeats(song: Song, rows: Ints) -> tuple[Ints, Ints]:
    """Return notes of measures in which their part says again, to the sixteenth, what it said in one before.

    Each comes with the note that it repeats, in the first of those measures.
    """
    notes = song.notes[rows]
    quarter = np.floor(4 * quarters(song, notes["onset"]) + 0.5 + 1e-6) / 4  # thirty-seconds go up
    measure, rest = in_measures(song, quarter)
    said: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
    columns = (
        notes["track"],
        notes["channel"],
        measure,
        np.round(4 * rest).astype(int),
        notes["pitch"],
        rows,
    )
    for track, channel, number, *note in zip(*(column.tolist() for column in columns), strict=True):
        said.setdefault((track, channel, number), []).append(tuple(note))
    known: dict[tuple[object, ...], list[tuple[int, int, int]]] = {}
    again, first = [], []
    for (track, channel, _), figure in sorted(said.items()):
        figure = sorted(figure)
        before = known.setdefault((track, channel, *(note[:2] for note in figure)), figure)
        if before is not figure:
            again += [note[2] for note in figure]
            first += [note[2] for note in before]
    return np.array(again, np.int64), np.array(first, np.int64)


def read_source(song: Song, labelled_tracks: tuple[int, ...] = ()) -> Source:
    """Return a song as it is scored; the tune is in the labelled tracks, without them in the skyline."""
    rows = np.flatnonzero(audible(song))
    notes = song.notes[rows]
    labelled = rows[np.isin(notes["track"], labelled_tracks)]
    again, first = repeats(song, rows)
    skyline = upper_line(song, rows)
    return Source(
        song=song,
        rows=rows,
        onset=np.ascontiguousarray(notes["onset"]),
        pitch=notes["pitch"].astype(np.int64),
        instant=instants(notes["onset"]),
        measure=measures(song, notes["onset"]),
        again=again,
        first=first,
        labelled=labelled,
        melody=upper_line(song, labelled) if len(labelled) else skyline,
        skyline=skyline,
    )


def share(of: Bools | Floats) -> float:
    """Return the mean, NaN for nothing."""
    return float(np.mean(of)) if len(of) else float("nan")


def struck(line: Line, outcome: Outcome) -> Bools:
    """Return which notes of a line are struck, on whatever bar, within 30 ms of their onset."""
    late = np.abs(outcome.time[line.rows] - line.onset)
    return late <= NEAR  # NaN is not


def kept(line: Line, outcome: Outcome) -> Bools:
    """Return which notes of a line are struck in time with the right name, in whatever octave."""
    away = outcome.struck[line.rows] - line.pitch - outcome.transpose
    return struck(line, outcome) & (away % 12 == 0)


def exact(line: Line, outcome: Outcome) -> Bools:
    """Return which intervals of a line sound as written; one with a note that is not struck does not."""
    there = struck(line, outcome)
    same = np.diff(outcome.struck[line.rows]) == np.diff(line.pitch)
    return (same & there[1:] & there[:-1])[line.joined]


def same_way(line: Line, outcome: Outcome) -> Bools:
    """Return which intervals of a line go up, down or stay as written."""
    there = struck(line, outcome)
    same = np.sign(np.diff(outcome.struck[line.rows])) == np.sign(np.diff(line.pitch))
    return (same & there[1:] & there[:-1])[line.joined]


def on_top(line: Line, outcome: Outcome, held: bool = False) -> Bools:
    """Return which of a line's struck notes have no higher strike beside them.

    Beside is within 30 ms; with `held` also all the time until 25 ms before the next note of the line, the
    note's written end or one second from its onset, whichever comes first.
    """
    there = struck(line, outcome)
    time, pitch = outcome.time[line.rows], outcome.struck[line.rows]
    until = time + NEAR
    if held:
        following = np.append(line.onset[1:], np.inf) - CHORD
        until = np.maximum(until, np.minimum.reduce([following, line.end, line.onset + HELD]))
    time, until, pitch = time[there], until[there], pitch[there]
    return _highest(outcome, time - NEAR, until) <= pitch


def _highest(outcome: Outcome, start: Floats, end: Floats) -> Ints:
    """Return the highest strike between moments; -1 where there is none."""
    times = outcome.strikes["time"]
    if not len(times) or not len(start):
        return np.full(len(start), -1)
    first, last = np.searchsorted(times, start - 1e-9), np.searchsorted(times, end + 1e-9, "right")
    pitch = np.append(outcome.strikes["pitch"], -1)
    most = np.maximum.reduceat(pitch, np.stack((first, last), axis=1).ravel())[::2]
    return np.where(first < last, most, -1)


def sounded(source: Source, outcome: Outcome) -> Bools:
    """Return which names at which instants are sounded: notes of one name at one instant are one.

    A note is sounded by any strike of its name, transposed, within 30 ms.
    """
    strikes, apart = outcome.strikes, 1e6  # s, longer than any song
    there = np.sort(strikes["pitch"] % 12 * apart + strikes["time"])
    name = (source.pitch + outcome.transpose) % 12
    wanted = name * apart + source.onset
    reach = NEAR + 1e-9
    found = np.searchsorted(there, wanted + reach, "right") > np.searchsorted(there, wanted - reach)
    _, group = np.unique(source.instant * 12 + name, return_inverse=True)
    return np.bincount(group, found) > 0


def likeness(source: Source, outcome: Outcome) -> Floats:
    """Return for each measure with notes the cosine between its pitch classes as written and as struck.

    Classes are counted by onsets, written ones transposed; a measure without strikes is 0.
    """
    strikes = outcome.strikes
    there = measures(source.song, strikes["time"])
    count = 1 + max(source.measure.max(initial=0), there.max(initial=0))
    written = _profile(source.measure, source.pitch + outcome.transpose, count)
    played = _profile(there, strikes["pitch"], count)
    used = written.any(axis=1)
    written, played = written[used], played[used]
    size = np.linalg.norm(written, axis=1) * np.linalg.norm(played, axis=1)
    return (written * played).sum(axis=1) / np.maximum(size, 1e-12)


def _profile(measure: Ints, pitch: Ints, count: int) -> Floats:
    return np.bincount(measure * 12 + pitch % 12, minlength=12 * count).reshape(count, 12).astype(np.float64)


def density(onset: Floats, source: Source) -> tuple[float, float]:
    """Return onsets a second, from the first to the last of the source, and the mean size of an instant."""
    span = float(np.ptp(source.onset)) if len(source.onset) else 0.0
    chords = int(instants(onset)[-1]) + 1 if len(onset) else 0
    return len(onset) / span if span else float("nan"), len(onset) / chords if chords else float("nan")


def scores(source: Source, outcome: Outcome, best: int) -> dict[str, float]:
    """Return all scores of an outcome; `best` is what `best_intervals` says of the skyline.

    `alike` is the share of notes said again that are struck on the bar of the first time, or not as then.
    `top` and `held` are shares of the tune's notes that are struck, `top_all` of all: dropping does not pay.
    """
    melody = source.melody
    highest = on_top(melody, outcome)
    rate, size = density(outcome.strikes["time"], source)
    return {
        "kept": share(kept(melody, outcome)),
        "intervals": share(exact(melody, outcome)),
        "contour": share(same_way(melody, outcome)),
        "top": share(highest),
        "top_all": float(highest.sum()) / len(melody.rows),
        "held": share(on_top(melody, outcome, held=True)),
        "skyline": float(exact(source.skyline, outcome).sum()) / best if best else float("nan"),
        "sounded": share(sounded(source, outcome)),
        "harmony": share(likeness(source, outcome)),
        "alike": share(outcome.struck[source.again] == outcome.struck[source.first]),
        "rate": rate,
        "chord": size,
    }


def identified(source: Source, outcome: Outcome) -> dict[str, float]:
    """Return whether a labelled track has most of the strikes marked melody while it plays, 1 or 0.

    `marked` is the share of the tune's notes that a strike marked melody carries, `pure` the share of the
    strikes so marked that are of the tune, while it is sung. NaN where nothing is labelled, or nothing
    else plays.
    """
    notes, strikes = source.song.notes, outcome.strikes
    if not len(source.labelled) or len(np.unique(notes["track"][source.rows])) < 2:
        return {"part": np.nan, "marked": np.nan, "pure": np.nan}
    mine = notes[source.labelled]
    row = strikes["source"][strikes["priority"] == Priority.MELODY]
    onset, end = notes["onset"][row], (mine["onset"] + mine["duration"]).max()
    row = row[(onset >= mine["onset"][0]) & (onset <= end)]
    tracks = notes["track"][row]
    right = len(tracks) > 0 and int(np.bincount(tracks).argmax()) in mine["track"]
    marked = outcome.priority[source.melody.rows] == Priority.MELODY
    pure = share(np.isin(row, source.labelled))
    return {"part": float(right), "marked": float(marked.mean()), "pure": pure}


def best_names(line: Line, bars: Ints) -> float:
    """Return the greatest share of a line's notes whose names are on bars under any one transposition."""
    names = np.bincount(line.pitch % 12, minlength=12)
    there = np.isin((np.arange(12) + np.arange(12)[:, None]) % 12, bars % 12)
    return float((there @ names).max() / max(1, names.sum()))


def best_intervals(line: Line, bars: Ints, cache: Path | None = None) -> int:
    """Return how many intervals of a line can be exact at most, with one transposition and any octaves.

    An interval is exact where both notes are moved by the same number of octaves, so the states of the
    search are octaves, side by side for the twelve transpositions that differ. Kept in a folder if given.
    """
    if cache is None:
        return _best_intervals(line, bars)
    columns = (line.pitch.astype("u1"), line.joined, bars.astype("u1"))
    path = cache / hashlib.sha256(b"/".join(column.tobytes() for column in columns)).hexdigest()[:32]
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")  # whole or not at all, whoever else computes it
        part.write_text(f"{_best_intervals(line, bars)}\n")
        part.replace(path)
    return int(path.read_text())


def _best_intervals(line: Line, bars: Ints) -> int:
    if not len(line.pitch):
        return 0
    octaves = np.arange((int(bars[0]) - 138) // 12, int(bars[-1]) // 12 + 1)
    moved = np.arange(128)[:, None, None] + np.arange(12)[:, None] + 12 * octaves
    shut = np.where(np.isin(moved, bars), 0.0, -np.inf)  # [pitch, transposition, octave]
    total, best = shut[line.pitch[0]], np.zeros((12, 1))
    for pitch, joined in zip(line.pitch[1:].tolist(), line.joined.tolist(), strict=True):
        total = np.maximum(total + joined, best) + shut[pitch]
        np.maximum(best, total.max(axis=1, keepdims=True), out=best)
    return int(best.max())


def means(rows: Sequence[Mapping[str, float]], key: str) -> tuple[float, float]:
    """Return median and 10th percentile of a score over songs, what is NaN left out."""
    values = np.array([row[key] for row in rows], np.float64)
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    return float(np.median(values)), float(np.percentile(values, 10))
