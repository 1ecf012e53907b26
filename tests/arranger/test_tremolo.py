"""Tremolo: long notes of the tune are struck again and again, one other bar at most with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from arranger.melodies import song_of, songs, together
from xylophone.arranger import Arrangement, Weights, arrange, preset
from xylophone.instrument import LAYOUTS, MATERIALS, Instrument, build_instrument
from xylophone.song import Song
from xylophone.tables import Priority

STEEL, WOOD = (build_instrument("song-bell", bars=bars) for bars in ("steel", "rosewood"))
VIRTUOSO = preset("virtuoso")

instruments = st.builds(
    build_instrument, st.sampled_from(sorted(LAYOUTS)), bars=st.sampled_from(sorted(MATERIALS))
)


def virtuoso(song: Song, instrument: Instrument = WOOD) -> Arrangement:
    return arrange(song, instrument, transpose=0, weights=VIRTUOSO)


def renewals(arrangement: Arrangement, source: int) -> list[float]:
    """Return when a note is renewed."""
    notes = arrangement.notes
    return notes["onset"][notes["again"] & (notes["source"] == source)].tolist()


def tune_over(*chord: tuple[float, int], lasts: float = 2.0) -> Song:
    """Return a tune of two notes, two seconds each, and what is held beneath the first."""
    tune = song_of([(0.0, 88), (2.0, 90)], track=1, duration=2.0)
    return together(tune, song_of(chord, track=2, duration=lasts), names={1: "melody", 2: "pad"})


@given(songs(), instruments)
def test_only_long_notes_of_the_tune_are_renewed_and_one_double_stop(
    song: Song, instrument: Instrument
) -> None:
    notes = virtuoso(song, instrument).notes
    own, again = notes[~notes["again"]], notes[notes["again"]]
    lasts = song.notes["duration"][again["source"]]
    assert np.all((lasts > 0.6) & (lasts > instrument.t60[again["hammer"]] / 2))
    first = {int(row["source"]): float(row["onset"]) for row in own}
    begun = np.array([first[int(source)] for source in again["source"]])
    tune = own["onset"][own["priority"] == Priority.MELODY]
    for row, since in zip(again, begun, strict=True):
        passed = tune[(tune > since + 0.03) & (tune <= row["onset"])]
        assert not len(passed), "the tune has gone on"
        together_ = {int(n) for n in again["source"][np.abs(begun - since) <= 0.03]}
        assert len(together_) <= 2
        assert np.any(own["priority"][np.isin(own["source"], list(together_))] == Priority.MELODY)
    assert np.all(np.searchsorted(again["onset"], again["onset"] + 1.0) - np.arange(len(again)) <= 10)


@given(songs(), instruments)
def test_renewals_leave_every_hammer_its_recovery(song: Song, instrument: Instrument) -> None:
    notes = virtuoso(song, instrument).notes
    for place, hammer in enumerate(instrument.hammers):
        assert np.all(np.diff(notes["onset"][notes["hammer"] == place]) >= hammer.recovery - 1e-9)


@given(songs(), instruments)
def test_tremolo_adds_strikes_and_changes_none(song: Song, instrument: Instrument) -> None:
    plain = arrange(song, instrument, transpose=0, weights=Weights()).notes
    notes = virtuoso(song, instrument).notes
    own = notes[~notes["again"]]
    for column in ("onset", "source", "hammer", "priority"):
        assert np.array_equal(own[column], plain[column])


@pytest.mark.parametrize("lasts", [0.6, 0.61])
def test_a_note_is_renewed_that_lasts_longer_than_two_quick_beats(lasts: float) -> None:
    assert (len(renewals(virtuoso(song_of([(0.0, 96)], duration=lasts)), 0)) > 0) == (lasts > 0.6)


@pytest.mark.parametrize(("beyond", "renewed"), [(-0.01, False), (0.01, True)])
@pytest.mark.parametrize("pitch", [67, 84, 96])
def test_steel_is_left_to_ring_for_half_its_decay(pitch: int, beyond: float, renewed: bool) -> None:
    lasts = float(STEEL.t60[STEEL.index(str(pitch))]) / 2 + beyond
    assert lasts > 1.6
    assert (len(renewals(virtuoso(song_of([(0.0, pitch)], duration=lasts), STEEL), 0)) > 0) == renewed


@pytest.mark.parametrize("apart", [3, 4, 8, 9, 12])
def test_a_third_sixth_or_octave_beneath_alternates_with_the_tune(apart: int) -> None:
    arrangement = virtuoso(tune_over((0.0, 88 - apart)))
    assert np.allclose(renewals(arrangement, 0), np.arange(2, 18, 2) / 9)
    assert np.allclose(renewals(arrangement, 1), np.arange(1, 18, 2) / 9)


@pytest.mark.parametrize("apart", [1, 2, 5, 6, 7, 10, 11, 19])
def test_nothing_else_is_renewed_beside_the_tune(apart: int) -> None:
    arrangement = virtuoso(tune_over((0.0, 88 - apart)))
    assert np.allclose(renewals(arrangement, 0), np.arange(1, 18) / 9)
    assert renewals(arrangement, 1) == []


def test_of_a_chord_beneath_the_nearest_alone_is_renewed() -> None:
    arrangement = virtuoso(tune_over((0.0, 76), (0.0, 80), (0.0, 84)))
    pitches = arrangement.song.notes["pitch"].tolist()
    renewed = {pitches[source] for source in arrangement.notes["source"][arrangement.notes["again"]]}
    assert renewed == {84, 88, 90}


@pytest.mark.parametrize(("onset", "lasts"), [(0.1, 2.0), (0.0, 1.0)])
def test_what_begins_later_or_ends_sooner_is_no_double_stop(onset: float, lasts: float) -> None:
    arrangement = virtuoso(tune_over((onset, 84), lasts=lasts))
    assert renewals(arrangement, 1) == []
    assert np.allclose(renewals(arrangement, 0), np.arange(1, 18) / 9)


def test_a_tune_s_note_is_renewed_until_the_tune_goes_on() -> None:
    arrangement = virtuoso(song_of([(0.0, 84), (1.0, 86)], duration=3.0))
    assert max(renewals(arrangement, 0)) <= 1.0 - 0.07
    assert max(renewals(arrangement, 1)) > 3.8
