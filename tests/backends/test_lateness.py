"""Lines about late pulses: few, and none of the pulses is left out of them."""

from __future__ import annotations

import re

import pytest

from xylophone.backends.lateness import BUSY, CALM, Lateness


def lines_of(seconds: range, *, every: float = 0.1) -> list[tuple[float, str]]:
    """Return what is said, and when, if a pulse comes 20 ms late every so often in these seconds."""
    lateness, told = Lateness(), []
    for turn in range(round(seconds.start / every), round(seconds.stop / every)):
        now = turn * every
        lateness.add(now, 1, 0.020, BUSY)
        told += [(fault.time, fault.message) for fault in lateness.tell(now)]
    return told


def test_the_first_is_told_at_once_and_a_machine_that_is_too_slow_says_so_in_one_line() -> None:
    told = lines_of(range(80))
    assert [time for time, _ in told] == pytest.approx([0.0, 10.0])
    first, again = (message for _, message in told)
    assert first == f"1 pulse came up to 20.0 ms late and was not played: {BUSY}"
    assert again == (
        f"100 pulses came up to 20.0 ms late and were not played: {BUSY}, again and again within 10 s, and "
        "may be too slow to play: end other programs, or play from another one"
    )


def test_lines_get_rarer_and_each_counts_what_no_line_has_counted() -> None:
    told = lines_of(range(1200))
    assert [time for time, _ in told] == pytest.approx([0.0, 10.0, 110.0, 1110.0])
    assert sum(int(re.match(r"\d+", message)[0]) for _, message in told) == 11_101


def test_after_a_while_without_any_the_next_one_is_told_at_once() -> None:
    lateness = Lateness()
    moments = (0.0, 5.0, 6.0 + CALM, 7.0 + CALM)
    told = []
    for now in moments:
        lateness.add(now, 2, 0.001 * now, BUSY)
        told += lateness.tell(now)
    assert [fault.time for fault in told] == [0.0, 6.0 + CALM]
    assert "4 pulses came up to 66.0 ms late" in told[1].message
    assert "again" not in told[1].message


def test_what_came_late_is_summed_up_without_another_late_pulse() -> None:
    lateness = Lateness()
    lateness.add(0.0, 1, 0.0, BUSY)
    assert len(lateness.tell(0.0)) == 1
    lateness.add(0.5, 3, 0.0, BUSY)
    assert lateness.tell(9.9) == ()
    (fault,) = lateness.tell(10.0)
    assert fault.message.startswith("3 pulses came up to ")
    assert "too slow" not in fault.message
    assert lateness.tell(500.0) == ()
