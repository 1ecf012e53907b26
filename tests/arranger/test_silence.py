"""Silence that nobody waits for is cut; nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from xylophone.arranger import Arrangement, arrange
from xylophone.arranger.silence import BEFORE, BETWEEN, LONGEST, RUNG, without_silence
from xylophone.instrument import build_instrument
from xylophone.song import Lyric, Song
from xylophone.tables import KEY, METER, NOTE, TEMPO, as_keys, as_meters, as_tempos

INSTRUMENT = build_instrument()


def piece(onsets: list[float], *, held: float = 0.25, end: float = 0.0, tempos: object = None) -> Arrangement:
    """Return an arrangement of single notes, in a song that lasts to `end` at least."""
    notes = np.zeros(len(onsets), NOTE)
    notes["onset"], notes["duration"] = onsets, held
    notes["pitch"] = [67 + n % 30 for n in range(len(onsets))]
    notes["velocity"] = notes["loudness"] = 80
    duration = max(end, max(onsets) + held)
    own = {} if tempos is None else {"tempos": as_tempos(np.array(tempos, TEMPO))}
    return arrange(Song(notes, duration=duration, **own), INSTRUMENT, transpose=0)


def onsets_of(fitted: Arrangement) -> list[float]:
    return [round(onset, 6) for onset in fitted.notes["onset"].tolist()]


def test_silence_before_the_first_strike_is_a_breath() -> None:
    fitted, told = without_silence(piece([60.0, 61.0]))
    assert onsets_of(fitted) == [BEFORE, BEFORE + 1.0]
    assert told == "silence is cut: 60.0 s before the first strike to 1 s"


def test_long_silence_between_strikes_is_a_rest() -> None:
    fitted, told = without_silence(piece([0.0, 300.0, 309.0, 330.0]))
    assert onsets_of(fitted) == [0.0, BETWEEN, BETWEEN + 9.0, BETWEEN + 9.0 + BETWEEN]
    assert told == "silence is cut: 2 of them, 300.0 s between strikes to 3 s"


def test_the_song_is_over_where_its_last_strike_has_rung() -> None:
    fitted, told = without_silence(piece([0.0, 1.0], end=100.0))
    assert fitted.song.duration == 1.0 + RUNG
    assert told == "silence is cut: 97.0 s at the end"


@pytest.mark.parametrize(("held", "end"), [(5.0, 6.0), (50.0, 1.0 + LONGEST)])
def test_a_last_note_that_is_held_rings_as_written_for_ten_seconds_at_most(held: float, end: float) -> None:
    assert without_silence(piece([1.0], held=held))[0].song.duration == end


def test_what_has_no_long_silence_stays_as_it_is() -> None:
    whole = piece([1.0, 11.0, 20.5])
    assert without_silence(whole) == (whole, "")


def test_words_and_keys_move_with_the_music() -> None:
    whole = piece([30.0, 60.0])
    keys = as_keys(np.array([(0.0, 0, False), (60.0, 2, False)], KEY))
    lyrics = (Lyric(30.0, "one"), Lyric(60.0, "two"))
    fitted, _ = without_silence(
        replace(whole, song=replace(whole.song, keys=keys, lyrics=lyrics, loop=(30.0, 60.0)))
    )
    assert fitted.song.keys["time"].tolist() == [0.0, pytest.approx(4.0)]
    assert [lyric.time for lyric in fitted.song.lyrics] == pytest.approx([1.0, 4.0])
    assert fitted.song.loop == pytest.approx((1.0, 4.0))


times = st.lists(st.sampled_from([0.5, 1.0, 3.0, 9.9, 10.1, 40.0, 3600.0]), min_size=1, max_size=12)


@given(first=st.sampled_from([0.0, 0.9, 1.1, 500.0]), gaps=times, tail=st.sampled_from([0.0, 5.0, 500.0]))
def test_no_silence_is_too_long_and_everything_stands_in_its_measure(
    first: float, gaps: list[float], tail: float
) -> None:
    onsets = np.cumsum([first, *gaps]).tolist()
    tempos = [(0.0, 0.0, 120.0), (7.0, 14.0, 60.0), (1000.0, 1007.0, 200.0)]
    whole = piece(onsets, end=onsets[-1] + tail, tempos=tempos)
    meters = as_meters(np.array([(0.0, 0.0, 4, 4), (40.0, 10.0, 3, 4)], METER))
    whole = replace(whole, song=replace(whole.song, meters=meters))
    fitted, _ = without_silence(whole)
    new = fitted.notes["onset"]
    assert new[0] <= BEFORE + 1e-9
    assert np.all(np.diff(new) <= LONGEST + 1e-6)
    kept = np.diff(onsets) <= LONGEST
    assert np.diff(new)[kept] == pytest.approx(np.diff(onsets)[kept])
    assert fitted.song.duration - new[-1] <= RUNG + 1e-6
    assert fitted.song.quarters_at(new) == pytest.approx(whole.song.quarters_at(np.array(onsets)), abs=1e-6)
    assert fitted.notes["hammer"].tolist() == whole.notes["hammer"].tolist()
    assert np.all(np.diff(fitted.song.tempos["time"]) > 0)
    assert (
        fitted.song.measures_at(new + 1e-6).tolist()
        == whole.song.measures_at(np.array(onsets) + 1e-6).tolist()
    )


def test_in_silence_that_is_cut_the_tempo_is_that_of_what_follows() -> None:
    whole = piece([20.0, 21.0, 60.0], tempos=[(0.0, 0.0, 120.0), (30.0, 60.0, 90.0)])
    song = without_silence(whole)[0].song
    assert [song.tempo_at(time) for time in (0.5, 1.0, 1.9, 2.1, 4.9, 5.0)] == [120, 120, 120, 90, 90, 90]
    assert song.tempos["bpm"].max() > 1000
