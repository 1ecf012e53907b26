"""The table of an arrangement for other programs: every note with its bar, every strike with its notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..pitch import interval_words
from ..tables import Priority
from .arrangement import Arrangement
from .changes import ChangeKind, Reason
from .quality import Quality, judge

_DIGITS = 6  # a microsecond


def as_json(arrangement: Arrangement) -> dict[str, Any]:
    """Return the stable JSON of an arrangement (docs/arranging.md): notes, strikes, score and its costs.

    Times are song time in seconds, pitches MIDI numbers. `struck` of a note is the pitch of the bar that
    carries it, None where none does; `sources` of a strike are the places of its notes. Each struck note
    is in the sources of one strike, and of those that renew it.
    """
    quality = judge(arrangement)
    return {
        "title": arrangement.song.title or None,
        "instrument": arrangement.instrument.name,
        "transpose": arrangement.transpose,
        "shifts": shifts_json(arrangement),
        "score": quality.score,
        "costs": costs_json(quality),
        "notes": _notes(arrangement),
        "strikes": _strikes(arrangement),
    }


def shifts_json(arrangement: Arrangement) -> list[dict[str, Any]]:
    """Return the transpositions one after another, a table each: one, unless the song modulates."""
    return [{"time": round(time, _DIGITS), "semitones": semitones} for time, semitones in arrangement.shifts]


def costs_json(quality: Quality) -> list[dict[str, Any]]:
    """Return what costs points, a table each; also what costs none."""
    rounded = (
        replace(cost, share=round(cost.share, 4), points=round(cost.points, 2)) for cost in quality.costs
    )
    return [asdict(cost) for cost in rounded]


def _notes(arrangement: Arrangement) -> list[dict[str, Any]]:
    notes, why = arrangement.song.notes, _reasons(arrangement)
    return _tables(
        onset=[round(onset, _DIGITS) for onset in notes["onset"].tolist()],
        pitch=notes["pitch"].tolist(),
        track=notes["track"].tolist(),
        melody=(arrangement.roles == Priority.MELODY).tolist(),
        struck=[pitch if pitch >= 0 else None for pitch in arrangement.struck.tolist()],
        why=[why.get(row) for row in range(len(notes))],
    )


def _strikes(arrangement: Arrangement) -> list[dict[str, Any]]:
    notes = arrangement.notes
    return _tables(
        time=[round(time, _DIGITS) for time in notes["onset"].tolist()],
        pitch=arrangement.instrument.pitches[notes["hammer"]].tolist(),
        velocity=np.rint(notes["velocity"]).astype(int).tolist(),
        priority=[Priority(voice).name.lower() for voice in notes["priority"].tolist()],
        sources=_sources(arrangement),
    )


def _tables(**columns: list[Any]) -> list[dict[str, Any]]:
    """Return a table for each row of columns."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _rows(*columns: npt.NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    """Return rows of plain values."""
    return zip(*(column.tolist() for column in columns), strict=True)


def _sources(arrangement: Arrangement) -> list[list[int]]:
    """Return for each strike the notes that it stands for; one that renews a note stands for that note."""
    sources: list[list[int]] = [[] for _ in range(len(arrangement.notes))]
    for note, strike in enumerate(arrangement.carrier.tolist()):
        if strike >= 0:
            sources[strike].append(note)
    again = np.flatnonzero(arrangement.notes["again"])
    for strike, note in _rows(again, arrangement.notes["source"][again]):
        sources[strike] = [note]
    return sources


def _reasons(arrangement: Arrangement) -> dict[int, str]:
    """Return for each note that is not struck as written why, in a short sentence."""
    table, song = arrangement.changes.table, arrangement.song.notes
    table = table[table["kind"] != ChangeKind.SHORTENED]
    note, into = table["note"], table["into"]
    track = song["track"].astype(np.int64)
    mine, other = track[note], np.where(into < 0, -1, track[into])
    columns = (note, table["kind"], table["reason"], arrangement.away[note], mine, other)
    return {
        row: _why(ChangeKind(kind), Reason(reason), *places) for row, kind, reason, *places in _rows(*columns)
    }


def _why(kind: ChangeKind, reason: Reason, away: int, mine: int, other: int) -> str:
    if kind is ChangeKind.DROPPED:
        return reason.words
    moved = f"{'up' if away > 0 else 'down'} {interval_words(away)}"
    words = [f"folded {moved}"] if away and away % 12 == 0 else []
    if words and reason:
        words.append(reason.words)
    if away % 12:
        words = [f"replaced by its neighbour, {Reason.NO_BAR.words}"]
    if kind is ChangeKind.MERGED:
        whose = "its own track" if mine == other else f"track {other}"
        words.append(f"carried by a strike of {whose}")
    return ", ".join(words)
