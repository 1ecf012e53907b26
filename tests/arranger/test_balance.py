"""How loud strikes are: dynamics, the lead of the tune, volume, and what is written to a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from arranger.melodies import layouts, line, melodies, shifts, song_of, songs, together
from arranger.plain_balance import STEP, at_volume, balance, blows_of
from counts import examples
from xylophone import strikes_of
from xylophone.arranger import PRESETS, Arrangement, Weights, arrange
from xylophone.arranger.written import as_song
from xylophone.collection.library import songs as all_songs
from xylophone.instrument import build_instrument
from xylophone.midifile import load_song
from xylophone.song import Song
from xylophone.tables import ARRANGED, Arranged, Floats, Priority, as_arranged, filled, joined

BELLS = build_instrument("song-bell")
SCALE = (84, 86, 88, 89, 91, 93, 91, 89)
VOLUMES = st.floats(0.01, 10)

presets = st.sampled_from(list(PRESETS.values()))


@pytest.fixture(scope="module")
def book() -> list[Arrangement]:
    """Return all songs of the project as they are struck."""
    return [arrange(load_song(path), BELLS) for path in (entry.path for entry in all_songs())]


def lead_of(notes: Arranged) -> Floats:
    """Return for each tune note how much louder it is than the loudest beneath it until the next, dB.

    Notes that nothing accompanies are left out.
    """
    tune = (notes["priority"] == Priority.MELODY) & ~notes["again"]
    sung, others = notes[tune], notes[notes["priority"] != Priority.MELODY]
    note = np.searchsorted(sung["onset"], others["onset"], "right") - 1
    loudest = np.full(len(sung), -np.inf)
    np.maximum.at(loudest, np.maximum(note, 0), others["velocity"])
    lead = STEP * (sung["velocity"] - loudest)
    return lead[np.isfinite(lead)]


def scored(tune: list[float], chords: list[float], **columns: int) -> Song:
    """Return a tune of these loudnesses over notes, of those, that are struck with it."""
    pitches = (SCALE * len(tune))[: len(tune)]
    melody = song_of(line(*pitches), track=1, **columns).notes.copy()
    below = song_of(line(*(n - 9 for n in pitches)), track=2, channel=1, **columns).notes.copy()
    melody["loudness"], below["loudness"] = tune, chords
    if not columns:
        melody["velocity"], below["velocity"] = np.clip(tune, 1, 127), np.clip(chords, 1, 127)
    return together(melody, below, names={1: "Melody", 2: "chords"})


def voices(arrangement: Arrangement) -> tuple[Floats, Floats]:
    """Return the velocities of the tune, and of the rest."""
    tune = arrangement.notes["priority"] == Priority.MELODY
    return arrangement.notes["velocity"][tune], arrangement.notes["velocity"][~tune]


@given(songs(), layouts, shifts, presets, st.sampled_from([0.0, 1.5, 3.0, 6.0]))
@examples(60)
def test_every_strike_is_as_loud_as_the_law_says(song, instrument, transpose, weights, lead):
    arrangement = arrange(song, instrument, transpose=transpose, weights=replace(weights, lead=lead))
    blows = blows_of(arrangement)
    ahead = balance(blows, lead) if blows else 0.0
    assert arrangement.notes["velocity"] == pytest.approx([blow.velocity for blow in blows], abs=0.02)
    assert arrangement.notes["lead"] == pytest.approx(ahead)


@given(songs(), layouts, shifts, presets, VOLUMES, VOLUMES)
@examples(60)
def test_the_lead_stays_at_every_volume_and_nothing_becomes_softer_by_more(
    song, instrument, transpose, weights, one, two
):
    notes = arrange(song, instrument, transpose=transpose, weights=weights).notes
    softer, louder = (strikes_of(notes, volume=volume)["velocity"] for volume in sorted((one, two)))
    assert np.all(softer <= louder + 1e-3)
    for velocity in (softer, notes["velocity"], louder):
        at = notes.copy()
        at["velocity"] = velocity
        assert np.all(lead_of(at) >= 2.0 - 1e-3)


@given(st.floats(1, 127), st.floats(0, 69), st.booleans(), VOLUMES)
def test_a_volume_is_a_law_of_one_line(velocity, lead, tune, volume):
    priority = Priority.MELODY if tune else Priority.BASS
    row = as_arranged(filled(ARRANGED, 1, velocity=velocity, lead=lead, priority=priority))
    struck = float(strikes_of(row, volume=volume)["velocity"][0])
    assert struck == pytest.approx(at_volume(velocity, lead, tune, volume), abs=1e-3)


@pytest.mark.parametrize(
    ("volume", "tune", "rest"),
    [
        (1.0, [127.0, 60.0], [90.0, 10.0]),
        (0.5, [64.0, 64.0 - 28.3 * 67 / 91.3], [1.0 + 28.3 * 89 / 91.3, 1.0 + 28.3 * 9 / 91.3]),
        (0.01, [1.0 + 2 / STEP] * 2, [1.0] * 2),
        (2.0, [127.0, 93.5], [127 - 34.7 - 1.15, 127 - 34.7 - 41.15]),
    ],
)
def test_as_the_top_comes_down_dynamics_are_pressed_before_the_lead(volume, tune, rest):
    parts = [
        filled(ARRANGED, 2, velocity=velocity, lead=34.7, priority=priority)
        for velocity, priority in (([127, 60], Priority.MELODY), ([90, 10], Priority.INNER))
    ]
    struck = strikes_of(joined([as_arranged(part) for part in parts]), volume=volume)["velocity"]
    assert struck == pytest.approx([*tune, *rest], abs=1e-3)


@given(melodies, st.floats(0, 6), st.lists(st.integers(1, 127), min_size=40, max_size=40))
def test_a_tune_alone_has_no_lead_and_is_as_if_there_were_none(song, lead, velocities):
    notes = song.notes.copy()
    notes["velocity"] = notes["loudness"] = velocities[: len(notes)]
    alone, as_if = (
        arrange(Song(notes), BELLS, transpose=0, weights=Weights(lead=by, accompaniment=False)).notes
        for by in (lead, 0.0)
    )
    assert np.all(alone["lead"] == 0)
    assert np.array_equal(alone, as_if)


@given(st.lists(st.integers(1, 127), min_size=2, max_size=60), st.integers(1, 127))
def test_what_is_written_louder_in_a_tune_is_struck_louder(loudness, chords):
    tune, _ = voices(arrange(scored(loudness, [chords] * len(loudness)), BELLS, transpose=0))
    assert len(tune) == len(loudness)
    order = np.argsort(loudness, kind="stable")
    assert np.all(np.diff(tune[order]) >= -1e-3)
    inside = np.array(loudness)[order] > max(loudness) * 10 ** (-30 / 40)
    level, written = STEP * tune[order][inside], 40 * np.log10(np.array(loudness)[order][inside])
    if np.ptp(written) > 0:
        slope = np.ptp(level) / np.ptp(written)
        assert np.diff(level) == pytest.approx(slope * np.diff(written), abs=0.01)


@pytest.mark.parametrize("mix", [0.05, 0.5, 1.0, 1.27])
def test_the_mix_sets_the_balance_and_the_velocities_the_level(mix):
    song = scored([96 * mix] * 16, [72 * mix] * 16, velocity=96)
    tune, rest = voices(arrange(song, BELLS, transpose=0))
    below = 40 * np.log10(96 / 72) / STEP
    assert tune == pytest.approx([96] * 16, abs=1e-3)
    assert rest == pytest.approx([96 - below] * 16, abs=1e-3)


def test_what_is_written_even_leads_by_lowering_what_is_beneath():
    tune, rest = voices(arrange(scored([80] * 8, [80] * 8), BELLS, transpose=0))
    assert tune == pytest.approx([80] * 8, abs=1e-3)
    assert rest == pytest.approx([80 - 3 / STEP] * 8, abs=1e-3)


def test_an_accent_of_the_accompaniment_is_pressed_and_stays_two_dB_beneath():
    tune, rest = voices(arrange(scored([80] * 16, [65] * 12 + [70, 127] + [65] * 2), BELLS, transpose=0))
    assert tune == pytest.approx([80] * 16, abs=1e-3)
    below = STEP * (tune - rest)
    assert below[:12] == pytest.approx([40 * np.log10(80 / 65)] * 12, abs=0.01)
    assert below[12] == pytest.approx(2.0 + np.exp(40 * np.log10(80 / 70) - 3.0), abs=0.01)
    assert 2.0 - 1e-4 < below[13] < 2.01


@pytest.mark.parametrize("volume", [0.3, 1.0, 1.2])
def test_no_channel_volume_buries_the_tune(volume):
    song = scored([75 * volume, 80 * volume] * 8, [90] * 16, velocity=90)
    made = arrange(song, BELLS, transpose=0)
    step = 40 * np.log10(80 / 75)
    assert voices(made)[0] == pytest.approx([90 - step / STEP, 90] * 8, abs=0.01)
    assert lead_of(made.notes) == pytest.approx([3.0, 3.0 + step] * 8, abs=0.01)


@pytest.mark.parametrize(
    ("written", "struck"),
    [
        ([80, 84] * 20, 1.0),  # less than 2 dB: even
        ([70, 80] * 20, 1.5),
        ([40, 70, 90] * 20, 10.9 / (40 * np.log10(90 / 40))),
        ([5, 70, 120] * 20, 10.9 / 30),  # the echo is more than 30 dB beneath
    ],
)
def test_dynamics_are_pressed_or_stretched_into_the_range_there_is(written, struck):
    tune = song_of(line(*(SCALE * 8)[: len(written)]))
    tune.notes.flags.writeable = True
    tune.notes["velocity"] = tune.notes["loudness"] = written
    velocity = arrange(tune, BELLS, transpose=0).notes["velocity"]
    steps = 40 * np.diff(np.log10(written[-2:])) * struck
    assert STEP * np.diff(velocity[-2:]) == pytest.approx(steps, abs=0.01)


@pytest.mark.parametrize("wide", [1.0, 1.1, 1.2])
def test_a_soft_song_is_softer_than_a_loud_one(wide):
    means = [
        float(np.mean(voices(arrange(scored([v, wide * v] * 8, [v] * 16), BELLS, transpose=0))[0]))
        for v in (40, 60, 80, 100)
    ]
    assert np.all(np.diff(means) >= -1e-3)  # the softest may be as soft as a tune can be that leads
    assert np.all(np.diff(means)[1:] > 5)


def test_in_every_song_of_the_book_the_tune_leads_and_keeps_its_steps(book: list[Arrangement]) -> None:
    used, kept = [], []
    for made in book:
        notes, lead = made.notes, lead_of(made.notes)
        if len(lead) and made.counterpoint is None:
            assert np.median(lead) >= 2.5, made.song.title
            assert np.percentile(lead, 10) >= 1.5, made.song.title
        sung = notes[notes["priority"] == Priority.MELODY]
        written = 40 * np.log10(made.song.notes["loudness"][sung["source"]] / 127)
        level = STEP * sung["velocity"].astype(np.float64)
        if np.ptp(written) >= 2:
            inside = np.abs(written - np.median(written)) > 0.5
            slope = np.median((level - np.median(level))[inside] / (written - np.median(written))[inside])
            off = np.abs(np.diff(level) - slope * np.diff(written))
            kept.append(np.mean(off <= 0.5))
        every = 40 * np.log10(made.song.notes["loudness"][notes["source"]] / 127)
        if np.subtract(*np.percentile(every, [95, 5])) >= 4.5:
            used.append(STEP * np.subtract(*np.percentile(notes["velocity"], [95, 5])))
    assert np.median(used) >= 8.5
    assert min(kept) >= 0.95
    assert np.mean(kept) >= 0.99


def test_what_is_written_to_a_file_is_struck_as_loud_again(book: list[Arrangement]) -> None:
    same = 0
    for made in book:
        again = arrange(as_song(made), BELLS)
        assert np.array_equal(again.notes["onset"], made.notes["onset"])
        tunes = [each.notes["priority"] == Priority.MELODY for each in (made, again)]
        if np.array_equal(made.notes["hammer"], again.notes["hammer"]) and np.array_equal(*tunes):
            same += 1
            off = STEP * np.abs(again.notes["velocity"] - made.notes["velocity"])
            assert np.mean(off <= 0.5) >= 0.99, made.song.title
    assert same > 0.8 * len(book)
