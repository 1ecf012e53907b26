"""Parts of the arranger against their definitions, note by note and with all that could be tried."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from arranger.melodies import layouts
from counts import examples
from xylophone.arranger import arrange, judge
from xylophone.arranger.arrangement import NO_ROLE
from xylophone.arranger.fold import Folding, bars_of
from xylophone.arranger.form import ostinato, repeats, usual
from xylophone.arranger.score import Score, instants, on_top, read_score
from xylophone.arranger.transpose import best_transposition
from xylophone.arranger.viterbi import cheapest_path
from xylophone.arranger.voices import leader, priorities
from xylophone.arranger.weights import Weights
from xylophone.song import Song, Track
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


def plain_rating(score: Score, rows: list[int], slots: range, slot: np.ndarray) -> tuple[float, float]:
    """Return the points of a line for some of its notes, loudness apart, and its mean loudness."""
    near = [n for n in rows if slot[n] in slots]
    if not near:
        return 0.0, 0.0
    heads = chords = tops = small = same = 0
    top = on_top(score)
    for n in near:
        place = rows.index(n)
        before = rows[place - 1] if place else None
        after = rows[place + 1] if place + 1 < len(rows) else None
        joined = before is not None and score.instant[before] == score.instant[n]
        heads += not joined
        chords += joined or (after is not None and score.instant[after] == score.instant[n])
        leap = (
            abs(int(score.pitch[n]) - int(score.pitch[before])) if before is not None and not joined else 99
        )
        tops, small, same = tops + bool(top[n]), small + (leap <= 4), same + (leap == 0)
    pitches = np.array([score.pitch[n] for n in near], float)
    heads = max(heads, 1)
    points = 2 * min(1, tops / heads) + 1.5 * (1 - chords / len(near)) + 0.5 * small / heads
    points += min(1.0, same / heads / 0.2) + np.clip(2 - pitches.std() / 4.5, 0, 1)
    points += np.clip((pitches.mean() - 48) / 12, 0, 1)
    return float(points), float(np.mean([score.loudness[n] for n in near]))


@given(SEEDS)
@examples(6)
def test_who_leads_is_found_from_the_points_of_each_line_at_each_moment(seed: int) -> None:
    song = some_song(seed, 60)
    score = score_of(song)
    slot = ((score.onset - score.onset[0]) / 0.5).astype(int)
    slots, parts = int(slot[-1]) + 1, len(score.names)
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
    points, loud, plays = (np.zeros((parts + 1, slots)) for _ in range(3))
    for number, rows in enumerate(lines):
        struck = {slot[n] for n in rows}
        for at in range(slots):
            near = range(at - 10, at + 11)
            points[number, at], loud[number, at] = plain_rating(score, rows, near, slot)
            inside = [s for s in near if 0 <= s < slots]
            present = np.mean([any(t in struck for t in range(s - 2, s + 3)) for s in inside])
            points[number, at] += 1.5 * min(1.0, present / 0.6)
            before = max((s for s in struck if s <= at), default=-slots)
            after = min((s for s in struck if s >= at), default=2 * slots)
            plays[number, at] = after - before <= 8
    plays[-1] = 1
    empty = [
        [not any(slot[n] in range(at - 10, at + 11) for n in rows) for at in range(slots)] for rows in lines
    ]
    points[np.array(empty)] += 1.5 + 1.0 + 0.0  # nothing is no chord, and has no compass
    points += 0.5 * loud / loud.max()
    passage = np.where(plays > 0, points, 5.0) + np.array([*named, 0.3])[:, None]
    best = np.array([np.mean(sorted(row)[-max(1, int(0.25 * slots)) :]) for row in passage])
    cost = np.maximum(13.0 - np.where(plays > 0, 0.7 * best[:, None] + 0.3 * passage, 0.0), 0.0)
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


@given(SEEDS, layouts)
@examples(15)
def test_quality_counts_what_is_lost_note_by_note(seed: int, instrument) -> None:
    made = arrange(some_song(seed), instrument)
    notes, struck = made.song.notes, made.struck.tolist()
    tune = [n for n in range(len(notes)) if made.roles[n] == Priority.MELODY]
    others = [n for n in range(len(notes)) if made.roles[n] not in (Priority.MELODY, NO_ROLE)]
    away = [bar - (int(pitch) + made.transpose) for bar, pitch in zip(struck, notes["pitch"], strict=True)]
    steps = [(a, b) for a, b in pairwise(tune) if notes["onset"][b] - notes["onset"][a] < 1.5]
    kept = [struck[a] >= 0 <= struck[b] and away[a] == away[b] for a, b in steps]
    strikes = [(row["onset"], int(instrument.pitches[row["hammer"]])) for row in made.notes]
    covered = []
    for n in tune:
        if struck[n] >= 0:
            time = made.notes["onset"][made.carrier[n]]
            covered.append(any(abs(at - time) <= 0.03 + 1e-9 and bar > struck[n] for at, bar in strikes))
    sounding = [n for n in others if struck[n] >= 0]
    wanted = {
        "melody": [not (struck[n] >= 0 and away[n] % 12 == 0) for n in tune],
        "intervals": [not one for one in kept],
        "covered": covered,
        "notes": [struck[n] < 0 for n in others],
        "octaves": [away[n] != 0 for n in sounding],
    }
    quality = judge(made)
    if not strikes:
        assert (quality.score, quality.melody) == (0, "")
        return
    shares = {name: sum(of) / max(1, len(of)) for name, of in wanted.items()}
    assert {cost.name: cost.share for cost in quality.costs} == pytest.approx(shares)
    worth = {"melody": 60, "intervals": 40, "covered": 30, "notes": 20, "octaves": 5}
    assert {cost.name: cost.points for cost in quality.costs} == pytest.approx(
        {k: worth[k] * s for k, s in shares.items()}
    )
    assert quality.score == max(0, round(100 - math.fsum(worth[k] * s for k, s in shares.items())))
    most = Counter(notes["track"][tune].tolist())
    track = min(most, key=lambda number: (-most[number], number))
    assert quality.melody == (made.song.tracks[track].name or f"track {track}")


@given(SEEDS, layouts)
@examples(20)
def test_accompaniment_goes_to_the_cheapest_octaves_phrase_by_phrase(seed: int, instrument) -> None:
    rng = np.random.default_rng(seed)
    notes = np.zeros(9, NOTE)
    notes["onset"] = np.cumsum(rng.choice([0.25, 0.5, 1.6], 9))
    notes["pitch"], notes["track"] = rng.integers(36, 100, 9), rng.integers(0, 2, 9)
    notes["loudness"] = notes["velocity"] = 80
    score, rows = score_of(Song(notes)), np.arange(9)
    priority = rng.choice([Priority.INNER, Priority.BASS], 9)
    ceiling = rng.integers(60, 100, 9).astype(np.int16)
    weights = Weights(
        unlike=0.0, jump=float(rng.choice([0.3, 1.5])), away=0.03, high_bass=float(rng.choice([0.0, 0.3]))
    )
    bars, pitches = bars_of(instrument, score.pitch), instrument.pitches.tolist()
    phrases: list[list[int]] = []  # of voices: what one part plays as bass, or not
    for voice in product((0, 1), (Priority.INNER, Priority.BASS)):
        begun, last, before = 0.0, None, -1
        for n in [n for n in range(9) if (score.part[n], priority[n]) == voice]:
            new_measure = last is None or score.measure[n] != score.measure[last]
            begun = float(score.onset[n]) if new_measure else begun
            slot = int((score.onset[n] - begun) / 2)
            if new_measure or score.onset[n] - score.onset[last] > 1.5 or slot != before:
                phrases.append([])
            phrases[-1].append(n)
            last, before = n, slot

    def price(n: int, octave: int) -> float:
        struck = int(score.pitch[n]) + 12 * octave
        high = max(0, (struck - pitches[0]) // 12) if priority[n] == Priority.BASS else 0
        out = weights.stray * (struck not in pitches) + weights.cover * (struck > ceiling[n])
        return out + weights.high_bass * high + weights.away * abs(octave)

    def cost(octaves: tuple[int, ...]) -> float:
        total = sum(price(n, octave) for phrase, octave in zip(phrases, octaves, strict=True) for n in phrase)
        for (one, here), (other, there) in pairwise(zip(phrases, octaves, strict=True)):
            same = (score.part[one[0]], priority[one[0]]) == (score.part[other[0]], priority[other[0]])
            total += weights.jump * (same and here != there)
        return total

    found = Folding(score, score.pitch, bars, weights).inner(rows, priority, ceiling)
    assert all(len({int(found[n]) for n in phrase}) == 1 for phrase in phrases)
    chosen = tuple(int(found[phrase[0]]) for phrase in phrases)
    if len(bars.octaves) ** len(phrases) < 3000:
        least = min(cost(octaves) for octaves in product(bars.octaves.tolist(), repeat=len(phrases)))
        assert cost(chosen) == pytest.approx(least, abs=1e-5)
    for place in range(len(phrases)):  # no phrase alone would be better elsewhere
        for octave in bars.octaves.tolist():
            assert cost((*chosen[:place], octave, *chosen[place + 1 :])) >= cost(chosen) - 1e-5
