"""The voices beneath the tune against their definition, note by note, with all octaves that may be tried."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from arranger.melodies import layouts, line, shifts, song_of, together
from arranger.test_plain_arranger import SEEDS, score_of, some_song
from counts import examples
from xylophone.arranger import Reason, arrange
from xylophone.arranger.around import Around
from xylophone.arranger.beneath import Beneath
from xylophone.arranger.fold import fold
from xylophone.arranger.reach import bars_of
from xylophone.arranger.weights import Weights
from xylophone.instrument import build_instrument
from xylophone.song import Song
from xylophone.tables import NOTE, Priority

FREE = 32767


def some_beneath(seed: int, instrument) -> Beneath:
    """Return a search over nine notes of two parts under a tune that is drawn by chance."""
    rng = np.random.default_rng(seed)
    notes = np.zeros(9, NOTE)
    notes["onset"] = np.cumsum(rng.choice([0.0, 0.25, 0.5, 1.6], 9))
    notes["pitch"], notes["track"] = rng.integers(36, 100, 9), rng.integers(0, 2, 9)
    notes["loudness"] = notes["velocity"] = 80
    score = score_of(Song(notes))
    tune = np.where(rng.random(9) < 0.7, rng.integers(60, 100, 9), FREE).astype(np.int16)
    column = {
        "ceiling": np.where(tune < FREE, tune - 1, FREE),
        "near": np.where((tune < FREE) & (rng.random(9) < 0.5), tune - 9, FREE),
        "beside": np.where(rng.random(9) < 0.5, tune, FREE),
        "octaves": np.where(tune < FREE, rng.integers(-2, 3, 9), FREE),
        "floor": np.where(rng.random(9) < 0.5, rng.integers(60, 90, 9), -FREE),
    }
    around = Around(**{name: values.astype(np.int16) for name, values in column.items()})
    weights = Weights(
        unlike=0.0,
        jump=float(rng.choice([0.3, 1.5])),
        tear=float(rng.choice([0.6, 3.0])),
        away=0.03,
        high_bass=float(rng.choice([0.0, 0.3])),
    )
    top = rng.random(9) < 0.5
    return Beneath(
        score, score.pitch, bars_of(instrument, score.pitch), weights, around, top, bool(rng.integers(2))
    )


def price(beneath: Beneath, n: int, octave: int, bass: bool, pitches: list[int]) -> float:
    """Return what a note costs with its voice so many octaves away."""
    weights, around = beneath.weights, beneath.around
    struck = int(beneath.pitch[n]) + 12 * octave
    cost = weights.away * abs(octave) + weights.near * (struck > around.near[n])
    if struck not in pitches:
        cost += weights.stray
    elif struck > around.ceiling[n]:
        cost += weights.cover
    if beneath.top[n] and around.octaves[n] != FREE:
        cost += weights.apart * (around.octaves[n] != octave)
    if bass:
        return cost + weights.high_bass * max(0, (struck - pitches[0]) // 12)
    return cost + weights.under * (struck < around.floor[n])


@given(SEEDS, layouts, st.booleans())
@examples(25)
def test_voices_go_to_the_cheapest_octaves_instant_by_instant(seed: int, instrument, bass: bool) -> None:
    beneath, pitches = some_beneath(seed, instrument), instrument.pitches.tolist()
    score = beneath.score
    units: list[list[int]] = []  # what a part strikes at one instant
    changes: list[float] = []  # what it costs to change the octave before each
    for part in (0, 1):
        last, begun = None, 0.0
        for n in [n for n in range(9) if score.part[n] == part]:
            if last is not None and score.instant[n] == score.instant[last]:
                units[-1].append(n)
                continue
            measure = last is None or score.measure[n] != score.measure[last]
            begun = float(score.onset[n]) if measure else begun
            before = -1 if last is None else int((score.onset[last] - begun) / 2)
            new = (
                measure
                or score.onset[n] - score.onset[last] > 1.5
                or int((score.onset[n] - begun) / 2) != before
            )
            changes.append(0.0 if last is None else beneath.weights.jump if new else beneath.weights.tear)
            units.append([n])
            last = n

    def cost(octaves: tuple[int, ...]) -> float:
        notes = sum(
            price(beneath, n, k, bass, pitches) for unit, k in zip(units, octaves, strict=True) for n in unit
        )
        return notes + sum(
            change
            for change, (one, other) in zip(changes[1:], pairwise(octaves), strict=True)
            if one != other
        )

    found = beneath.octaves(np.arange(9), bass)
    assert all(len({int(found[n]) for n in unit}) == 1 for unit in units)
    chosen = tuple(int(found[unit[0]]) for unit in units)
    if len(beneath.bars.octaves) ** len(units) < 5000:
        least = min(cost(octaves) for octaves in product(beneath.bars.octaves.tolist(), repeat=len(units)))
        assert cost(chosen) == pytest.approx(least, abs=1e-5)
    for place in range(len(units)):  # no instant alone would be better elsewhere
        for octave in beneath.bars.octaves.tolist():
            assert cost((*chosen[:place], octave, *chosen[place + 1 :])) >= cost(chosen) - 1e-5


@given(SEEDS, layouts, st.booleans())
@examples(25)
def test_what_leaves_its_voice_goes_to_the_best_octave_around_and_says_why(
    seed: int, instrument, bass: bool
) -> None:
    beneath, pitches = some_beneath(seed, instrument), instrument.pitches.tolist()
    rows = np.arange(9)
    moved = beneath.octaves(rows, bass)
    struck, why = beneath.voices(rows, bass)
    for n in range(9):
        ceiling, beside, floor = (
            int(getattr(beneath.around, key)[n]) for key in ("ceiling", "beside", "floor")
        )
        near = FREE if beneath.hymn else int(beneath.around.near[n])
        voice = int(beneath.pitch[n]) + 12 * int(moved[n])

        def fits(pitch: int, ceiling: int = ceiling, beside: int = beside) -> bool:
            return pitch in pitches and (pitch <= ceiling or pitch == beside)

        def weight(
            pitch: int, ceiling: int = ceiling, near: int = near, floor: int = floor, voice: int = voice
        ) -> float:
            return (
                abs(pitch - voice) / 12
                + 4.0 * (pitch > ceiling)
                + 1.5 * (pitch > near)
                + 0.5 * (pitch < floor)
            )

        good = voice in pitches and voice <= ceiling and voice <= near
        there = [voice + 12 * k for k in range(-3, 4) if fits(voice + 12 * k)]
        if struck[n] == FREE and not there:
            assert why[n] == Reason.NEAR
        elif struck[n] == FREE:
            best = voice if good else min(map(weight, there))
            assert why[n] == Reason.NEAR
            assert good or any(
                weight(pitch) == best and near < FREE and beside - 4 <= pitch <= beside for pitch in there
            )
        elif good:
            assert (struck[n], why[n]) == (voice, Reason.NONE)
        elif there:
            assert weight(int(struck[n])) == pytest.approx(min(map(weight, there)))
            assert (why[n] == Reason.NONE) == (struck[n] == voice)


@given(SEEDS, layouts, shifts)
@examples(40)
def test_nothing_that_is_written_below_the_tune_strikes_its_bar_or_above_until_its_next_note(
    seed: int, instrument, transpose: int
) -> None:
    song = some_song(seed, 120)
    made = arrange(song, instrument, transpose=transpose)
    notes, struck = song.notes, made.struck
    tune = [n for n in np.flatnonzero(made.roles == Priority.MELODY).tolist() if struck[n] >= 0]
    sources = made.notes["source"].tolist()
    table = made.changes.table
    unready = table["note"][table["reason"] == Reason.NOT_READY]
    for row, source in zip(made.notes, sources, strict=True):
        before = [n for n in tune if notes["onset"][n] <= row["onset"] + 0.03]
        if row["priority"] == Priority.MELODY or not before or made.counterpoint is not None:
            continue
        sounding = before[-1]
        later = slice(sounding + 1, source)  # a note of the tune whose hammer is not ready sounds no more
        if np.any((made.roles[later] == Priority.MELODY) & np.isin(np.arange(len(notes))[later], unready)):
            continue
        if (
            row["onset"] <= notes["onset"][sounding] + 1.5
            and notes["pitch"][source] < notes["pitch"][sounding]
        ):
            assert instrument.pitches[row["hammer"]] < struck[sounding]


@given(SEEDS)
@examples(40)
def test_a_bass_that_no_bar_sounds_is_beneath_nothing(seed: int) -> None:
    """With it or without it the notes between are struck alike, under a tune on white bars."""
    rng = np.random.default_rng(seed)
    black = np.isin(np.arange(67, 104) % 12, (1, 3, 6, 8, 10))
    white, without = (np.flatnonzero(names) + 67 for names in (~black, black))
    bounds = ((white, 88, 103), (white, 67, 100), (without, 67, 90))
    drawn = [rng.choice(names[(names >= low) & (names <= high)], 24) for names, low, high in bounds]
    parts = [song_of(line(*pitches.tolist()), track=track) for track, pitches in enumerate(drawn)]
    score = score_of(together(*parts))
    priority = np.array([Priority.MELODY, Priority.INNER, Priority.BASS], np.uint8)[score.part]
    few = np.flatnonzero(priority != Priority.BASS)
    instrument, weights = build_instrument("diatonic-15"), Weights(near=0.0, under=1.0)

    def hammers(rows: np.ndarray) -> list[int]:
        none = np.zeros(len(rows), np.int16)
        return fold(score.excerpt(rows), priority[rows], none, instrument, weights, True).hammer.tolist()

    every = hammers(np.arange(len(score)))
    assert {every[n] for n in np.flatnonzero(priority == Priority.BASS)} == {-1}
    assert [every[n] for n in few] == hammers(few)
