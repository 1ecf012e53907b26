"""What a song becomes is bounded by its file: no few bytes hold a hammer at work for years."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from counts import examples
from midifile import smf
from xylophone.arranger import PRESETS, Arrangement, ChangeKind, arrange
from xylophone.arranger.account import describe
from xylophone.arranger.tremolo import MOST
from xylophone.instrument import build_instrument
from xylophone.midifile.reading import parse_song

INSTRUMENT = build_instrument()
LONGEST = (1 << 28) - 1
"""Ticks that a delta time holds."""

SLOWEST = 0xFFFFFF
"""Microseconds to a quarter note, the most that a file can ask for."""

deltas = st.sampled_from([0, 1, 480, 32767, 1 << 21, LONGEST])
notes = st.tuples(st.integers(40, 110), deltas, deltas, st.booleans())
divisions = st.sampled_from([1, 2, 96, 480, 32767, 0xE728])


def written(division: int, micros: int, row: list[tuple[int, int, int, bool]]) -> bytes:
    """A file of notes, each a pitch, ticks before it and ticks that it lasts, and whether it ever ends."""
    played = [
        smf.note(pitch, ticks, 90, before) if ends else smf.on(pitch, 90, before)
        for pitch, before, ticks, ends in row
    ]
    return smf.song(smf.track(smf.tempo(micros), *played), division=division)


def arranged(content: bytes, preset: str = "virtuoso", transpose: int | None = None) -> Arrangement:
    return arrange(parse_song(content), INSTRUMENT, transpose=transpose, weights=PRESETS[preset])


@pytest.mark.parametrize("preset", PRESETS)
@examples(20)
@given(division=divisions, micros=st.sampled_from([1, 500_000, SLOWEST]), row=st.lists(notes, max_size=30))
def test_strikes_are_never_more_than_a_fixed_number_for_each_note(
    preset: str, division: int, micros: int, row: list[tuple[int, int, int, bool]]
) -> None:
    arrangement = arranged(written(division, micros, row), preset, transpose=0)
    assert len(arrangement.notes) <= (1 + MOST) * len(arrangement.song)
    assert arrangement.again <= MOST * (arrangement.kept + arrangement.folded + arrangement.replaced)


def test_a_note_of_44_bytes_that_is_held_for_a_century_is_renewed_so_often_and_no_more() -> None:
    content = written(1, SLOWEST, [(72, 0, LONGEST, True)])
    assert len(content) <= 48
    arrangement = arranged(content)
    assert arrangement.again == MOST
    assert [str(change) for change in arrangement.changes] == [
        f"measure 1, beat 1: C5 struck again {MOST} times, not until it ends"
    ]
    assert (arrangement.kept, arrangement.shortened) == (1, 1)
    assert (
        describe(arrangement)[-1]
        == f"long notes of the tune struck again, {MOST} times in all; 1 note not until its end"
    )


def test_a_folded_note_is_told_as_folded_and_as_shortened() -> None:
    arrangement = arranged(written(1, SLOWEST, [(20, 0, LONGEST, True), (90, 0, 1, True), (91, 0, 1, True)]))
    kinds = [change.kind for change in arrangement.changes if change.note == 0]
    assert kinds == [ChangeKind.FOLDED, ChangeKind.SHORTENED]


def test_music_is_renewed_until_it_ends() -> None:
    """The longest note of the project's songs lasts 9.5 s; one of 20 s is renewed to its end."""
    arrangement = arranged(written(480, 500_000, [(72, 0, 480 * 40, True)]))
    assert 0 < arrangement.again < MOST
    assert arrangement.notes["onset"][-1] > 19.8
    assert not arrangement.shortened
