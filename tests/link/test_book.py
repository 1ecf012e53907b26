"""The host's book of pulses: what waits, what is on the board, and what counts as played."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from xylophone.link.book import MARGIN, Book
from xylophone.link.messages import TICK_RATE
from xylophone.link.sender import ON_BOARD, next_frame
from xylophone.tables import PULSE, Rows

WIDTH = 0.013


def pulses(*starts: float) -> Rows:
    """Return pulses of WIDTH, each on a channel of its own."""
    table = np.zeros(len(starts), PULSE)
    table["start"], table["width"], table["channel"] = starts, WIDTH, range(len(starts))
    return table


def to_clock(time: float) -> float:
    return 1000.0 + TICK_RATE * time


def book(*starts: float, sent: int = 0) -> Book:
    """Return a book of these pulses, the first ones sent."""
    made = Book()
    made.add(pulses(*starts))
    made.sent(np.array([round(to_clock(start)) for start in starts[:sent]], np.int64))
    return made


def test_a_pulse_counts_once_the_board_has_told_of_it_and_it_has_ended():
    held = book(0.1, 0.2, 0.3, sent=3)
    held.confirm(int(to_clock(0.21)), 2, 0.21)
    assert (held.played, held.ended(0.21, True)) == (1, 1)
    held.confirm(int(to_clock(0.25)), 2, 0.25)
    assert (held.played, len(held.pulses)) == (2, 1)


def test_until_the_board_has_told_what_ended_counts_while_the_board_is_heard():
    held = book(0.1, 0.2, sent=2)
    assert held.ended(0.15, True) == 1
    assert held.ended(0.15, False) == 0
    held.confirm(int(to_clock(0.12)), 1, 0.12)
    assert held.ended(0.12, False) == 1


def test_what_is_not_sent_has_not_been_played():
    held = book(0.1, 0.2, sent=1)
    assert held.ended(1.0, True) == 1


def test_a_strike_that_the_board_has_not_started_is_missed():
    held = book(0.1, 0.2, 0.3, sent=3)
    held.confirm(int(to_clock(0.4)), 2, 0.4)
    assert (held.missed, held.ended(0.4, True)) == (1, 2)


@pytest.mark.parametrize("fired", [1, 2])
def test_at_the_moment_of_a_strike_the_board_may_have_counted_it_or_not(fired):
    held = book(0.1, 0.2, sent=2)
    held.confirm(int(to_clock(0.2)) + MARGIN // 2, fired, 0.2)
    assert held.missed == 0
    held.confirm(int(to_clock(0.3)), 2, 0.3)
    assert (held.missed, held.played) == (0, 2)


def test_taking_back_tells_the_clock_of_the_first_that_the_board_has():
    held = book(0.1, 0.2, 0.3, 0.4, sent=3)
    assert held.take_back(0.35) == (1, None)
    assert held.take_back(0.2) == (2, round(to_clock(0.2)))
    assert held.pulses["start"].tolist() == [0.1]
    assert held.take_back(0.0)[0] == 1


def test_a_strike_that_was_taken_back_too_late_counts_as_played():
    held = book(0.1, 0.2, sent=2)
    held.take_back(0.2)
    held.confirm(int(to_clock(0.3)), 2, 0.3)
    assert (held.ended(0.3, True), held.missed, held.overtaken) == (2, 0, 1)


def test_a_strike_that_begins_before_the_board_hears_of_the_silence_counts_as_cut():
    held = book(0.1, 0.2, 0.3, sent=3)
    assert held.silence(0.19) == 2
    held.confirm(int(to_clock(0.25)), 2, 0.25)
    assert (held.ended(0.25, True), held.missed, held.cut, held.overtaken) == (1, 0, 1, 1)


def test_silence_cuts_what_runs_and_keeps_what_has_ended():
    held = book(0.1, 0.2, 0.205, 0.3, 0.4, sent=4)
    assert held.silence(0.21) == 2
    assert held.cut == 2
    assert held.ended(0.21, True) == 1
    held.confirm(int(to_clock(0.3)), 3, 0.3)
    assert (held.played, held.missed) == (1, 0)


def test_silence_leaves_what_was_never_sent_and_is_past_to_be_counted_as_late():
    held = book(0.1, 0.2, 0.3, sent=1)
    assert held.silence(0.25) == 1
    assert held.cut == 0
    assert held.drop_before(0.25)["start"].tolist() == [0.2]


def test_late_pulses_are_dropped_from_among_the_unsent():
    held = book(0.1, 0.2, 0.3, 0.4, sent=1)
    assert held.drop_before(0.3)["start"].tolist() == [0.2]
    assert held.pulses["start"].tolist() == [0.1, 0.3, 0.4]
    assert len(held.unsent) == 2


def test_after_a_reset_what_is_past_is_lost_and_the_rest_is_sent_again():
    held = book(0.1, 0.2, 0.3, 0.4, sent=4)
    held.confirm(int(to_clock(0.15)), 1, 0.15)
    assert held.restart(0.35, False) == 2
    assert held.unsent["start"].tolist() == [0.4]
    held.sent(np.array([500], np.int64))  # the clock of a board that has started anew
    held.confirm(500 + 2 * MARGIN, 1, 0.5)
    assert (held.played, held.missed) == (2, 0)


def test_what_ended_before_a_reset_and_was_told_is_not_lost():
    held = book(0.1, 0.2, sent=2)
    held.confirm(int(to_clock(0.108)), 1, 0.108)  # has started, has not ended
    assert held.restart(0.15, False) == 0
    assert held.ended(0.15, False) == 1


def test_missed_strikes_of_before_a_reset_stay_missed():
    held = book(0.1, 0.2, 0.3, sent=2)
    held.confirm(int(to_clock(0.25)), 1, 0.25)
    held.restart(0.26, False)
    held.sent(np.array([round(to_clock(0.3))], np.int64))
    held.confirm(int(to_clock(0.4)), 1, 0.4)
    assert (held.missed, held.ended(0.4, True)) == (1, 2)


def test_what_a_board_that_counts_on_had_played_is_regained():
    held = book(0.1, 0.2, 0.3, 0.4, 0.5, sent=5)
    held.confirm(int(to_clock(0.15)), 1, 0.15)
    assert held.restart(0.45, True) == 3
    held.confirm(int(to_clock(0.46)), 3, 0.46)
    assert (held.regained, held.ended(0.46, True), held.missed) == (2, 3, 0)


class TestFrames:
    def test_no_strike_is_sent_sooner_than_its_time_on_the_board(self):
        held = book(1.0, 1.1)
        assert next_frame(held, 1.0 - ON_BOARD - 0.001, to_clock) is None
        frame = next_frame(held, 1.0 - ON_BOARD, to_clock)
        assert frame.rows["clock"].tolist() == [round(to_clock(1.0))]
        assert len(held.unsent) == 1

    def test_a_frame_has_eight_strikes_at_most(self):
        held = book(*np.linspace(0.1, 0.3, 11).tolist())
        assert [len(next_frame(held, 0.0, to_clock).rows) for _ in range(2)] == [8, 3]
        assert next_frame(held, 0.0, to_clock) is None

    def test_a_chord_stays_together_when_the_fit_changes_between_its_frames(self):
        held = book(*[0.1] * 10, 0.1 + 1e-6)
        first = next_frame(held, 0.0, to_clock)
        second = next_frame(held, 0.0, lambda time: to_clock(time) - 7)
        clocks = [*first.rows["clock"].tolist(), *second.rows["clock"].tolist()]
        assert clocks[:10] == [round(to_clock(0.1))] * 10
        assert clocks[10] == clocks[0] + 1  # never before, never with one that starts sooner

    def test_widths_are_in_units_of_two_microseconds_and_clocks_wrap(self):
        held = book(0.1)
        held.pulses["width"] = 0.0123456
        frame = next_frame(held, 0.0, lambda time: to_clock(time) + 2**32)
        assert frame.rows["width"].tolist() == [6173]
        assert frame.rows["clock"].tolist() == [round(to_clock(0.1))]


ACTS = st.lists(
    st.tuples(st.sampled_from(["confirm", "restart", "take back", "miss"]), st.integers(0, 3)), max_size=14
)


@given(ACTS)
def test_no_more_is_regained_than_was_given_up_as_lost(acts):
    held, lost, now = book(*np.arange(0.1, 3.0, 0.1), sent=29), 0, 0.0
    for due, (act, number) in enumerate(acts, 1):
        now += 0.1
        if act == "restart":
            lost += held.restart(now, True)
            held.sent(np.array([round(to_clock(s)) for s in held.unsent["start"]], np.int64))
        elif act == "take back":
            held.take_back(now + 0.1 * number)
        else:
            held.confirm(round(to_clock(now + 0.05)), due + number * (act == "confirm"), now + 0.05)
        assert 0 <= held.regained <= lost
