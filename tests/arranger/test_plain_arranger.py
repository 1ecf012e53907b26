"""Parts of the arranger against their definitions, note by note and with all that could be tried."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from arranger.melodies import layouts
from counts import examples
from xylophone.arranger.fold import Folding
from xylophone.arranger.form import ostinato, repeats, usual
from xylophone.arranger.reach import bars_of
from xylophone.arranger.score import Score, instants, on_top, read_score
from xylophone.arranger.transpose import best_transposition
from xylophone.arranger.viterbi import cheapest_path
from xylophone.arranger.voices import followed, leader, priorities
from xylophone.arranger.weights import Weights
from xylophone.song import Lyric, Song, Track
from xylophone.tables import NOTE, Priority

SEEDS = st.integers(0, 10**6)
NAMES = ["Melody", "Lead (vox)", "right hand", "Strings", "bass melody", "chords", "Lead 2 (sawtooth)", ""]
POINTS = [3.0, 2.5, 0.3, 0.0, 3.0 - 2.0, -2.0, 0.0, 0.0]


def some_song(seed: int, length: int = 80) -> Song:
    """Return a song of a few parts on a grid, with rests, chords and figures that return."""
    rng = np.random.default_rng(seed)
    notes = np.zeros(length, NOTE)
    steps = rng.choice(
        [0.0, 0.012, 0.25, 0.5, 0.5, 2.0, 6.0], length, p=[0.3, 0.1, 0.2, 0.2, 0.1, 0.05, 0.05]
    )
    notes["onset"] = np.cumsum(steps)
    notes["track"] = rng.integers(0, 4, length)
    notes["pitch"] = 40 + 12 * notes["track"] + rng.integers(0, 14, length)
    notes["loudness"] = notes["velocity"] = rng.integers(20, 120, length)
    notes["duration"] = 0.2
    notes["program"] = np.array([0, 33, 73, 40])[notes["track"]]
    names = rng.permutation(len(NAMES))[:4]
    return Song(
        notes, tracks=tuple(Track(n, NAMES[name], 0, (), ()) for n, name in enumerate(names.tolist()))
    )


def score_of(song: Song) -> Score:
    return read_score(song, np.arange(len(song)), {})


@given(st.lists(st.sampled_from([0.0, 0.01, 0.025, 0.026, 0.1]), min_size=1, max_size=30))
def test_an_instant_ends_before_a_gap_and_is_never_longer_than_one(steps: list[float]) -> None:
    onset = np.cumsum(steps)
    wanted, begun = [0], onset[0]
    for before, now in pairwise(onset):
        if now - before > 0.025:
            begun = now
            wanted.append(wanted[-1] + 1)
        else:
            slot = int((before - begun) / 0.025)
            wanted.append(wanted[-1] + (int((now - begun) / 0.025) != slot))
    assert instants(onset).tolist() == wanted


@given(SEEDS)
@examples(30)
def test_repeats_are_notes_of_equal_measures_and_most_of_them_choose(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 40
    part, measure = rng.integers(0, 2, size), np.sort(rng.integers(0, 8, size))
    place, pitch = rng.integers(0, 2, size), rng.integers(60, 62, size)
    found = repeats(part, measure, place, pitch)
    figure = [
        frozenset(
            Counter(
                (place[m], pitch[m]) for m in range(size) if (part[m], measure[m]) == (part[n], measure[n])
            ).items()
        )
        for n in range(size)
    ]
    same = [(part[n], figure[n], place[n], pitch[n]) for n in range(size)]
    for one, other in product(range(size), repeat=2):
        assert (found[one] == found[other]) == (same[one] == same[other])
    choice = rng.integers(-2, 3, size)
    for n, chosen in enumerate(usual(found, choice)):
        votes = Counter(choice[found == found[n]].tolist())
        assert chosen == min(votes, key=lambda octave: (-votes[octave], abs(octave), octave))
    again = [
        any(found[m] == found[n] and measure[m] == measure[n] - 1 for m in range(size)) for n in range(size)
    ]
    assert ostinato(found, measure).tolist() == again


def plain_counts(score: Score, rows: list[int], slots: range, slot: np.ndarray) -> dict[str, float]:
    """Return what is counted of some notes of a line."""
    near = [n for n in rows if slot[n] in slots]
    found = dict.fromkeys(("heads", "chords", "tops", "small", "same", "said"), 0)
    top = on_top(score)
    for n in near:
        place = rows.index(n)
        before = rows[place - 1] if place else None
        after = rows[place + 1] if place + 1 < len(rows) else None
        joined = before is not None and score.instant[before] == score.instant[n]
        leap = (
            abs(int(score.pitch[n]) - int(score.pitch[before])) if before is not None and not joined else 99
        )
        found["heads"] += not joined
        found["chords"] += joined or (after is not None and score.instant[after] == score.instant[n])
        found["tops"] += bool(top[n])
        found["small"] += leap <= 4
        found["same"] += leap == 0
        found["said"] += not joined and bool(score.syllable[n])
    pitches = np.array([score.pitch[n] for n in near] or [0], float)
    loudness = np.array([score.loudness[n] for n in near] or [0], float)
    return found | {
        "notes": len(near), "mean": pitches.mean(), "spread": pitches.std(), "loudness": loudness.mean()
    }  # fmt: skip


def plain_rating(of: dict[str, float]) -> float:
    """Return the points of a line for what is counted of it, loudness apart."""
    heads, register = max(of["heads"], 1), np.clip((of["mean"] - 48) / 12, 0, 1)
    points = 2 * min(1, of["tops"] / heads) + 1.5 * (1 - of["chords"] / max(of["notes"], 1))
    points += 0.5 * of["small"] / heads + min(1.0, of["same"] / heads / 0.2)
    return float(points + np.clip(2 - of["spread"] / 4.5, 0, 1) + register)


def plain_singer(lines: list[dict[str, float]], plays: list[bool]) -> list[float]:
    """Return the points of lines, the last of which is what is on top of all, for being the singer."""

    def way(value: float, first: float, last: float) -> float:
        return min(1.0, max(0.0, (value - first) / (last - first)))

    sings = [
        (of["notes"] >= 8)
        * here
        * way(1 - of["chords"] / max(of["notes"], 1), 0.8, 1)
        * way(of["small"] / max(of["heads"], 1), 0.5, 0.75)
        * way(of["spread"], 1, 2)
        * way(of["spread"], 6, 4.5)
        * way(of["mean"], 48, 60)
        for of, here in zip(lines[:-1], plays, strict=False)
    ]
    points = []
    for number, of in enumerate(lines[:-1]):
        others = [other for place, other in enumerate(lines[:-1]) if place != number]
        chords = sum(other["chords"] for other in others) / max(1, sum(other["notes"] for other in others))
        rival = max(sing for place, sing in enumerate([*sings, 0.0]) if place != number)
        said = min(of["said"] / max(lines[-1]["said"], 1), of["said"] / max(of["heads"], 1))
        lyrics = way(said, 0.5, 0.8) * (lines[-1]["said"] >= 4)
        points.append(2 * sings[number] * (1 - rival) * way(chords, 0, 0.3) + 3 * lyrics)
    return [*points, 0.0]


def voice_and_hands(seed: int) -> Song:
    """Return a tune with rests beside chords, with or without lyrics to what one of them plays."""
    rng = np.random.default_rng(seed)
    onset = np.cumsum(rng.choice([0.25, 0.5, 1.0, 16.0], 40, p=[0.3, 0.5, 0.15, 0.05]))
    size = rng.integers(1, 4, 40)
    voice, hands = np.zeros(40, NOTE), np.zeros(int(size.sum()), NOTE)
    voice["onset"], voice["pitch"] = onset, 66 + np.cumsum(rng.integers(-4, 5, 40))
    hands["onset"], hands["track"] = np.repeat(onset, size) + rng.choice([0.0, 0.25]), 1
    hands["pitch"] = rng.integers(48, 84, len(hands))
    notes = np.concatenate((voice, hands))
    notes["loudness"] = notes["velocity"] = 80
    notes["duration"] = rng.choice([0.2, 3.0, 30.0], len(notes), p=[0.8, 0.1, 0.1])
    notes = notes[np.argsort(notes["onset"], kind="stable")]
    sung = [onset, np.unique(hands["onset"]), onset[:0]][seed % 3]
    sung = sung[rng.random(len(sung)) < rng.uniform(0.5, 1)].tolist()
    tracks = tuple(Track(n, "", 0, (), ()) for n in range(2))
    return Song(notes, tracks=tracks, lyrics=tuple(Lyric(time, "la") for time in sung))


@given(SEEDS, st.booleans())
@examples(8)
def test_who_leads_is_found_from_the_points_of_each_line_at_each_moment(seed: int, sung: bool) -> None:
    song = voice_and_hands(seed) if sung else some_song(seed, 60)
    score = score_of(song)
    first = float(score.onset[0])
    slot = ((score.onset - first) / 0.5).astype(int)
    slots, parts = int(slot[-1]) + 1, len(score.names)
    last = np.minimum(((score.released - first) / 0.5).astype(int), np.minimum(slot + 20, slots - 1))
    named = [POINTS[NAMES.index(name)] - (32 <= score.programs[n] < 40) for n, name in enumerate(score.names)]
    lines = [[n for n in range(len(score)) if score.part[n] == p] for p in range(parts)]
    top = on_top(score)
    lines.append(
        [
            n
            for n in range(len(score))
            if top[n] and not any(top[m] and score.instant[m] == score.instant[n] for m in range(n))
        ]
    )
    near = [
        [plain_counts(score, rows, range(at - 10, at + 11), slot) for at in range(slots)] for rows in lines
    ]
    points, plays = np.zeros((parts + 1, slots)), np.ones((parts + 1, slots), bool)
    for number, rows in enumerate(lines):
        struck = {slot[n] for n in rows}
        sounds = struck | {at for n in rows for at in range(slot[n], last[n] + 1)}
        for at in range(slots):
            inside = [s for s in range(at - 10, at + 11) if 0 <= s < slots]
            present = np.mean([any(t in struck for t in range(s - 2, s + 3)) for s in inside])
            points[number, at] = plain_rating(near[number][at]) + 1.5 * min(1.0, present / 0.6)
            before = max((s for s in sounds if s <= at), default=-slots)
            after = min((s for s in sounds if s >= at), default=2 * slots)
            plays[number, at] = number == parts or after - before <= 8
    loud = np.array([[of["loudness"] for of in row] for row in near])
    points += 0.5 * loud / loud.max()
    passage = np.where(plays, points, 5.0) + np.array([*named, 0.3])[:, None]
    for at in range(slots):
        sides = (max(at - 10, 0), min(at + 10, slots - 1))
        passage[:, at] += np.max(
            [plain_singer([row[s] for row in near], plays[:, at].tolist()) for s in sides], axis=0
        )
    best = np.array([np.mean(sorted(row)[-max(1, int(0.25 * slots)) :]) for row in passage])
    rating = 0.7 * best[:, None] + 0.3 * passage
    lead, rated, there = followed(score)
    order = [*lead.tolist(), parts]
    assert np.array_equal(there, plays[order])
    assert rated == pytest.approx(rating[order], abs=1e-6)
    cost = np.maximum(18.0 - np.where(plays, rating, 0.0), 0.0)
    path = cheapest_path(cost.T, np.full(slots, 5.0))
    found = leader(score)
    for n in range(len(score)):
        assert found[n] == (path[slot[n]] in (parts, score.part[n]))


@given(SEEDS, layouts)
@examples(10)
def test_the_best_transposition_is_the_cheapest_of_all(seed: int, instrument) -> None:
    rng = np.random.default_rng(seed)
    score = score_of(some_song(seed))
    priority = priorities(score)
    weights = Weights(key=float(rng.uniform(0, 0.1)), octave=float(rng.uniform(0, 0.05)))
    extra = {shift: float(rng.choice([0.0, 0.01, 0.1])) for shift in range(-72, 73)}
    bars, top = set(instrument.pitches.tolist()), on_top(score)
    line = top & (priority != Priority.MELODY)

    def unfit(pitch: int) -> float:
        named = any((pitch - bar) % 12 == 0 for bar in bars)
        return 0.0 if pitch in bars else weights.folded if named else weights.lost

    def share(rows: np.ndarray, of: int, shift: int) -> float:
        return sum(unfit(int(score.pitch[n]) + shift) for n in np.flatnonzero(rows)) / max(1, of)

    def cost(shift: int) -> float:
        off_key = min(shift % 12, -shift % 12)
        total = weights.octave * abs(shift) / 12 + (weights.key * (1 + off_key / 6) if off_key else 0.0)
        for voice, worth in (
            (Priority.MELODY, 1.0),
            (Priority.BASS, weights.bass),
            (Priority.INNER, weights.inner),
        ):
            rows = (priority == voice) & ~line
            total += worth * share(rows, np.count_nonzero(rows), shift)
        total += weights.line * share(line, np.count_nonzero(top), shift)
        tune = [int(score.pitch[n]) + shift for n in np.flatnonzero(priority == Priority.MELODY)]
        low = [1 - min(1.0, max(0.0, (p - min(bars) + 1) / 12)) if p in bars else 0.5 for p in tune]
        others = [int(score.pitch[n]) + shift for n in np.flatnonzero(priority != Priority.MELODY)]
        folded = sum(unfit(p) > 0 for p in others) / max(1, len(score))
        return total + weights.cramped * folded * sum(low) / max(1, len(tune)) + extra[shift]

    costs = {shift: cost(shift) for shift in range(-72, 73)}
    found = best_transposition(score, priority, instrument, weights, extra.__getitem__)
    assert costs[found] == pytest.approx(min(costs.values()), abs=1e-8)
    flat = best_transposition(
        score, priority, instrument, Weights(key=0.0, octave=0.0, folded=0.0, lost=0.0), lambda _: 0.0
    )
    assert flat == 0  # of equal ones the nearest


@given(SEEDS, layouts)
@examples(15)
def test_octaves_of_a_melody_cost_the_least_of_all_that_there_are(seed: int, instrument) -> None:
    rng = np.random.default_rng(seed)
    notes = np.zeros(6, NOTE)
    notes["onset"] = np.cumsum(rng.choice([0.5, 1.5, 1.6], 6))
    notes["pitch"], notes["track"] = rng.integers(40, 110, 6), np.sort(rng.integers(0, 2, 6))
    notes["loudness"] = notes["velocity"] = 80
    score, rows = score_of(Song(notes)), np.arange(6)
    weights = Weights(melody_away=float(rng.choice([0.0005, 0.3])), unlike=0.2)
    bars, pitches = bars_of(instrument, score.pitch), set(instrument.pitches.tolist())
    wanted = rng.choice(bars.octaves, 6) if rng.integers(2) else None

    def cost(octaves: tuple[int, ...]) -> float:
        total = 0.0
        for n, octave in enumerate(octaves):
            total += weights.melody_away * abs(octave)
            total += weights.melody_stray * (int(score.pitch[n]) + 12 * octave not in pitches)
            total += 0.0 if wanted is None else weights.unlike * (octave != wanted[n])
            if n and octave != octaves[n - 1]:
                new = score.onset[n] - score.onset[n - 1] > 1.5 or score.part[n] != score.part[n - 1]
                total += weights.phrase_jump if new else weights.melody_jump
        return total

    found, told = Folding(score, score.pitch, bars, weights).melody_octaves(rows, wanted)
    least = (
        min(cost(octaves) for octaves in product(bars.octaves.tolist(), repeat=6))
        if len(bars.octaves) < 6
        else told
    )
    assert told == pytest.approx(least)
    assert cost(tuple(found.tolist())) == pytest.approx(told)
