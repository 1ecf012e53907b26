"""Arrangements made worse at a stated dose, which a judge must tell from the original.

Each fault takes `Heard` and returns another arrangement of the same song, or None where the song has too
little of what the fault is done to. Which notes are hit is drawn by chance, always the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from arrangements.listener import FEWEST, SPAN, Heard
from arrangements.rules import Bools, Floats, Ints
from xylophone import Arrangement, judge
from xylophone.arranger import ChangeKind, Reason
from xylophone.arranger.changes import NO_HAMMER, Changes
from xylophone.tables import Arranged, as_arranged, joined, ordered

BURST = 4
"""Notes of the tune in a row that are missing."""

RUN = 6
"""Notes of the tune in a row that are moved."""

BURIED = 6.0
"""dB by which the tune loses to its accompaniment."""

ECHO = 0.15
"""s after which a strike is repeated; its bar is then free for at least as long."""

STEPS = 126.0 / SPAN
"""Steps of velocity in a dB."""

Fault = Callable[[Heard], Arrangement | None]


def chopped(heard: Heard) -> Arrangement | None:
    """Leave out a tenth of the tune's strikes, in bursts of four."""
    tune = np.flatnonzero(~heard.accompanies)
    return _without(heard, tune[_runs(len(tune), 0.1, BURST)]) if len(tune) >= 2 * FEWEST else None


def shifted(heard: Heard) -> Arrangement | None:
    """Strike a fifth of the tune an octave off, in runs of six; up where the bars allow, else down."""
    tune = np.flatnonzero(~heard.accompanies)
    if len(tune) < 2 * FEWEST:
        return None
    rows = tune[_runs(len(tune), 0.2, RUN)]
    up = _moved(heard, rows, 12)
    return _rebarred(heard, rows, np.where(up == NO_HAMMER, _moved(heard, rows, -12), up))


def buried(heard: Heard) -> Arrangement | None:
    """Lower the tune by 6 dB beside its accompaniment, which is raised where the tune is too soft."""
    if heard.accompanies.sum() < FEWEST:
        return None
    notes = heard.arrangement.notes.copy()
    tune = ~heard.accompanies
    before = notes["velocity"][tune]
    notes["velocity"][tune] = np.maximum(1.0, before - BURIED * STEPS)
    lacks = BURIED * STEPS - float(np.median(before - notes["velocity"][tune]))
    notes["velocity"][~tune] = np.minimum(127.0, notes["velocity"][~tune] + lacks)
    return _rebuilt(heard, as_arranged(notes))


def cluttered(heard: Heard) -> Arrangement | None:
    """Strike half of the accompaniment an octave higher, and repeat a third of it after 0.15 s."""
    rows = np.flatnonzero(heard.accompanies)
    if len(rows) < FEWEST:
        return None
    some = rows[_chance(len(rows)) < 0.5]
    higher = Heard(_rebarred(heard, some, _moved(heard, some, 12)), heard.tune)
    again = rows[_chance(len(rows), 1) < 1 / 3]
    time, hammer = higher.time[again] + ECHO, higher.arrangement.notes["hammer"][again]
    return _with(higher, again, time, hammer)


def dropped(heard: Heard) -> Arrangement | None:
    """Leave out two fifths of the accompaniment."""
    rows = np.flatnonzero(heard.accompanies)
    return _without(heard, rows[_chance(len(rows)) < 0.4]) if len(rows) >= FEWEST else None


def seconds_added(heard: Heard) -> Arrangement | None:
    """Strike the bar above, one or two semitones off, together with a third of the accompaniment."""
    rows = np.flatnonzero(heard.accompanies)
    if len(rows) < FEWEST:
        return None
    some = rows[_chance(len(rows)) < 1 / 3]
    one, two = _moved(heard, some, 1), _moved(heard, some, 2)
    return _with(heard, some, heard.time[some], np.where(one == NO_HAMMER, two, one))


FAULTS: dict[str, Fault] = {
    "chopped": chopped,
    "shifted": shifted,
    "buried": buried,
    "cluttered": cluttered,
    "dropped": dropped,
    "seconds": seconds_added,
}
"""The faults by name."""


def points_lost(heard: Heard) -> dict[str, float]:
    """Return the points that the judge takes off for each fault; NaN where it cannot be made."""
    own = judge(heard.arrangement).score
    worse = {name: fault(heard) for name, fault in FAULTS.items()}
    return {name: np.nan if one is None else float(own - judge(one).score) for name, one in worse.items()}


def _chance(count: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).random(count)


def _runs(count: int, part: float, length: int) -> Bools:
    """Return which of so many places are in runs of a length, one in each stretch, in all a part of them."""
    hit = np.zeros(count, np.bool_)
    runs = max(1, round(part * count / length))
    stretch = count / runs
    for run, chance in enumerate(_chance(runs).tolist()):
        first = int(run * stretch + chance * max(0.0, stretch - length - 1))
        hit[first : first + length] = True
    return hit


def _moved(heard: Heard, strikes: Ints, semitones: int) -> Ints:
    """Return the hammer so far from that of each strike, NO_HAMMER where there is none."""
    bars = heard.arrangement.instrument.pitches
    wanted = heard.pitch[strikes] + semitones
    place = np.minimum(np.searchsorted(bars, wanted), len(bars) - 1)
    return np.where(bars[place] == wanted, place, NO_HAMMER)


def _rebarred(heard: Heard, strikes: Ints, hammer: Ints) -> Arrangement:
    """Return the arrangement with some strikes on other hammers, where these are not struck at that time."""
    notes = heard.arrangement.notes.copy()
    free = (hammer != NO_HAMMER) & _free(notes, notes["onset"][strikes], hammer)
    notes["hammer"][strikes[free]] = hammer[free]
    _, first = np.unique(np.stack([notes["onset"], notes["hammer"]], axis=1), axis=0, return_index=True)
    double = np.ones(len(notes), np.bool_)  # two that were moved to one bar
    double[first] = False
    notes["hammer"][double] = heard.arrangement.notes["hammer"][double]
    return _rebuilt(heard, as_arranged(notes))


def _free(notes: Arranged, time: Floats, hammer: Ints) -> Bools:
    """Return whether each hammer is not struck within `ECHO`, exclusively, of its time."""
    apart = 1e6  # s, longer than any song
    there = np.sort(notes["hammer"] * apart + notes["onset"])
    wanted = hammer.astype(np.float64) * apart + time
    reach = ECHO - 1e-6
    return np.searchsorted(there, wanted + reach) == np.searchsorted(there, wanted - reach)


def _with(heard: Heard, strikes: Ints, time: Floats, hammer: Ints) -> Arrangement:
    """Return the arrangement with copies of some strikes at other times and hammers, where these are free."""
    notes = heard.arrangement.notes
    free = (hammer != NO_HAMMER) & _free(notes, time, hammer)
    more = notes[strikes[free]].copy()
    more["onset"], more["hammer"], more["again"] = time[free], hammer[free], True
    _, first = np.unique(np.stack([more["onset"], more["hammer"]], axis=1), axis=0, return_index=True)
    return _rebuilt(heard, ordered(joined((notes, as_arranged(more[np.sort(first)]))), "onset"))


def _without(heard: Heard, strikes: Ints) -> Arrangement:
    """Return the arrangement without some strikes."""
    notes = heard.arrangement.notes
    gone = np.isin(notes["source"], notes["source"][strikes])
    return _rebuilt(heard, as_arranged(notes[~gone]))


def _rebuilt(heard: Heard, notes: Arranged) -> Arrangement:
    """Return an arrangement of these strikes; notes that lost theirs are dropped as not ready."""
    old, song = heard.arrangement, heard.song
    table = old.changes.table
    reason, into = np.zeros(len(song), np.uint8), np.full(len(song), -1, np.int32)
    reason[table["note"]], into[table["note"]] = table["reason"], table["into"]
    bars = np.full(len(song), NO_HAMMER, np.uint8)
    first = np.flatnonzero(~notes["again"])
    bars[notes["source"][first]] = notes["hammer"][first]
    bars[into >= 0] = bars[into[into >= 0]]
    reason[(bars == NO_HAMMER) & (reason == Reason.NONE)] = Reason.NOT_READY
    other = table["note"][table["kind"] == ChangeKind.REPLACED]
    changes = Changes.of(song, old.instrument, old.wanted, reason, bars, into, other)
    return replace(old, notes=notes, changes=changes)
