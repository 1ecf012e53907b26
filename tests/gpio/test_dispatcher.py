"""The dispatcher: masks and their times, exactly, and what it must never do whatever is asked of it."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from xylophone.gpio.coil_limits import SECOND, ChannelLimits, Limits
from xylophone.gpio.dispatcher import MERGE, TOLERANCE, Dispatcher, Switching
from xylophone.gpio.log import REFUSALS, Count, Log

MS = 1_000_000
WIDTH = 10 * MS
COIL = ChannelLimits(longest=20 * MS, rest=30 * MS, refill=0.1, capacity=500 * MS)
BEGIN = 10 * SECOND


class Bench:
    """A dispatcher, and all that it wrote with the time of the turn."""

    def __init__(self, coil: ChannelLimits = COIL, channels: int = 64, most_coils: int = 8) -> None:
        self.log = Log()
        self.now = 0
        self.writes: list[tuple[int, int]] = []
        limits = Limits(dict.fromkeys(range(channels), coil), most_coils)
        self.takes = 0  # ns for each write
        self.dispatcher = Dispatcher(limits, self._write, self.log)

    def _write(self, mask: int) -> int:
        self.writes.append((self.now, mask))
        return self.now + self.takes

    def take(self, *pulses: tuple[int, int, int]) -> None:
        """Hand over pulses of (start after BEGIN, width, channel)."""
        self.dispatcher.take([Switching(BEGIN + start, width, channel) for start, width, channel in pulses])

    def turn(self, *times: int) -> None:
        """Have turns at times after BEGIN."""
        for time in times:
            self.now = BEGIN + time
            self.dispatcher.turn(self.now)

    def play(self, until: int | None = None) -> None:
        """Have a turn when each edge is due."""
        while (due := self.dispatcher.due()) is not None and (until is None or due - BEGIN <= until):
            self.turn(due - BEGIN)

    def written(self) -> list[tuple[int, int]]:
        """Return what was written since the last time that this was asked: (time after BEGIN, mask)."""
        written, self.writes = self.writes, []
        return [(time - BEGIN, mask) for time, mask in written]

    def counts(self) -> dict[Count, int]:
        """Return the counters that are not zero."""
        return {count: self.log[count] for count in Count if self.log[count]}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_pulse_is_two_writes(bench):
    bench.take((0, WIDTH, 5))
    assert bench.dispatcher.due() == BEGIN
    bench.turn(0)
    assert bench.dispatcher.mask == 1 << 5
    assert bench.dispatcher.due() == BEGIN + WIDTH
    bench.turn(WIDTH)
    assert bench.dispatcher.mask == 0
    assert bench.dispatcher.due() is None
    assert bench.written() == [(0, 1 << 5), (WIDTH, 0)]
    assert bench.counts() == {Count.STRUCK: 1, Count.PLAYED: 1, Count.ENDED: 1, Count.WRITES: 2}


def test_nothing_is_written_before_an_edge_is_due(bench):
    bench.take((0, WIDTH, 0))
    bench.turn(-5 * MS, -MERGE - 1)
    assert bench.written() == []
    bench.turn(0, 1 * MS, WIDTH - MERGE - 1)
    assert bench.written() == [(0, 1)]


def test_a_chord_is_one_write(bench):
    bench.take((0, WIDTH, 0), (0, WIDTH, 7), (0, WIDTH, 63))
    bench.play()
    assert bench.written() == [(0, 1 << 63 | 1 << 7 | 1), (WIDTH, 0)]
    assert bench.log[Count.WRITES] == 2


def test_offs_and_ons_of_one_instant_are_one_write(bench):
    bench.take((0, WIDTH, 0), (WIDTH, WIDTH, 1))
    bench.play()
    assert bench.written() == [(0, 0b01), (WIDTH, 0b10), (2 * WIDTH, 0)]


def test_what_goes_off_makes_room_for_what_goes_on_at_that_instant():
    bench = Bench(most_coils=2)
    bench.take((0, WIDTH, 0), (0, WIDTH, 1), (WIDTH, WIDTH, 2), (WIDTH, WIDTH, 3))
    bench.play()
    assert bench.written() == [(0, 0b0011), (WIDTH, 0b1100), (2 * WIDTH, 0)]


def test_a_coil_that_must_go_off_is_off_in_that_write_also_when_it_is_asked_for_again(bench):
    bench.take((0, WIDTH, 0), (WIDTH, WIDTH, 0))
    bench.play()
    assert bench.written() == [(0, 1), (WIDTH, 0)]
    assert bench.log[Count.REST] == 1


@pytest.mark.parametrize("apart", [1, MERGE])
def test_edges_that_are_closer_than_merge_are_one_write(bench, apart):
    bench.take((0, WIDTH, 0), (apart, WIDTH, 1))
    bench.play()
    assert bench.written() == [(0, 0b11), (WIDTH, 0)]
    assert sorted(bench.log.lateness().tolist()) == [-apart, 0]


def test_edges_that_are_further_apart_are_two(bench):
    bench.take((0, WIDTH, 0), (MERGE + 1, WIDTH, 1))
    bench.play()
    assert bench.written() == [(0, 0b01), (MERGE + 1, 0b11), (WIDTH, 0b10), (MERGE + 1 + WIDTH, 0)]


def test_an_off_is_merged_with_an_on_that_is_due_a_little_sooner(bench):
    bench.take((0, WIDTH, 0), (WIDTH - MERGE, WIDTH, 1))
    bench.play()
    assert bench.written() == [(0, 0b01), (WIDTH - MERGE, 0b10), (2 * WIDTH - MERGE, 0)]
    assert bench.log.width_errors().tolist() == [-MERGE, 0]


def test_a_pulse_that_starts_late_keeps_its_width(bench):
    bench.take((0, WIDTH, 0))
    bench.turn(3 * MS)
    assert bench.dispatcher.due() == BEGIN + 3 * MS + WIDTH
    bench.play()
    assert bench.written() == [(3 * MS, 1), (3 * MS + WIDTH, 0)]
    assert bench.log.lateness().tolist() == [3 * MS]
    assert bench.log.width_errors().tolist() == [0]


def test_a_slow_write_makes_strikes_late_but_no_pulse_longer(bench):
    bench.takes = 3 * MS
    bench.take((0, WIDTH, 0), (50 * MS, WIDTH, 1))
    bench.play()
    assert [time for time, _ in bench.written()] == [0, WIDTH, 50 * MS, 50 * MS + WIDTH]
    assert bench.log.lateness().tolist() == [3 * MS, 3 * MS]
    assert bench.log.width_errors().tolist() == [0, 0]
    assert [bench.log[c] for c in (Count.WRITING, Count.SLOWEST, Count.SLOW)] == [12 * MS, 3 * MS, 4]


def test_an_off_write_that_is_slower_than_the_on_write_is_in_the_width(bench):
    bench.take((0, WIDTH, 0))
    bench.turn(0)
    bench.takes = 2 * MS
    bench.turn(WIDTH)
    assert bench.log.width_errors().tolist() == [2 * MS]


def test_an_off_that_comes_late_is_told(bench):
    bench.take((0, WIDTH, 0))
    bench.turn(0, WIDTH + 250)
    assert bench.log.width_errors().tolist() == [250]


def test_what_would_start_too_late_is_not_played(bench):
    bench.take((0, WIDTH, 0), (1, WIDTH, 1))
    bench.turn(TOLERANCE + 1)
    assert bench.written() == [(TOLERANCE + 1, 0b10)]
    assert bench.log[Count.LATE] == 1
    assert bench.log[Count.LATEST] == TOLERANCE + 1


def test_a_turn_in_which_all_is_too_late_writes_nothing(bench):
    bench.take((0, WIDTH, 0), (0, WIDTH, 1))
    bench.turn(SECOND)
    assert bench.written() == []
    assert bench.counts() == {Count.LATE: 2, Count.LATEST: SECOND}
    assert bench.dispatcher.due() is None


def test_what_cannot_be_played_any_more_expires_without_outputs(bench):
    bench.take((0, WIDTH, 0), (1 * MS, WIDTH, 1))
    bench.dispatcher.expire(BEGIN + TOLERANCE)
    assert bench.counts() == {}
    bench.dispatcher.expire(BEGIN + TOLERANCE + MS)
    assert bench.counts() == {Count.LATE: 1, Count.LATEST: TOLERANCE + MS}
    assert bench.dispatcher.due() == BEGIN + 1 * MS
    assert bench.written() == []


def intervals(writes: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Return (channel, on, off) of all that was on; what is still on at the end fails."""
    found, since, last = [], {}, 0
    for time, mask in writes:
        for channel in range(64):
            was, is_on = last >> channel & 1, mask >> channel & 1
            if is_on and not was:
                since[channel] = time
            elif was and not is_on:
                found.append((channel, since.pop(channel), time))
        last = mask
    assert not since, f"still on: {since}"
    return found


PULSES = st.lists(
    st.tuples(
        st.integers(0, 120 * MS),
        st.one_of(st.integers(-1, 25 * MS), st.integers(1, 3 * MERGE)),
        st.integers(0, 9),
    ),
    max_size=60,
)
TURNS = st.lists(
    st.one_of(st.integers(0, 2 * MERGE), st.integers(0, 12 * MS), st.just(0)), min_size=1, max_size=120
)


@given(
    pulses=PULSES, steps=TURNS, in_order=st.booleans(), most_coils=st.integers(1, 4), halt=st.integers(0, 200)
)
def test_whatever_comes_and_whenever_turns_are_no_pulse_is_too_long(
    pulses, steps, in_order, most_coils, halt
):
    coil = ChannelLimits(longest=20 * MS, rest=5 * MS, refill=0.2, capacity=60 * MS)
    bench = Bench(coil, channels=8, most_coils=most_coils)
    bench.take(*(sorted(pulses) if in_order else pulses))
    turns, time = [], 0
    for number, step in enumerate(steps):
        time += step
        if number == halt:
            bench.now = BEGIN + time
            bench.dispatcher.silence(bench.now)
        turns.append(BEGIN + time)
        bench.turn(time)
    while (due := bench.dispatcher.due()) is not None:
        turns.append(max(due, BEGIN + time))
        bench.turn(turns[-1] - BEGIN)
    most, off = max((mask.bit_count() for _, mask in bench.writes), default=0), {}
    assert most <= most_coils
    for channel, on, end in sorted(intervals(bench.writes), key=lambda one: one[1]):
        assert end - on <= coil.longest or not any(on + coil.longest <= turn < end for turn in turns)
        assert on >= off.get(channel, 0) - MERGE
        off[channel] = end + coil.rest
    log = bench.log
    gone = Count.PLAYED, Count.LATE, Count.CUT, Count.CANCELLED, *REFUSALS
    assert sum(log[count] for count in gone) == len(pulses)
    assert log[Count.STRUCK] == log[Count.PLAYED] + log[Count.CUT] == len(intervals(bench.writes))


@given(pulses=PULSES, steps=TURNS)
def test_every_pulse_is_as_long_as_asked_for_and_the_turn_is_late(pulses, steps):
    """One coil each, so that the width of each on interval is known."""
    bench = Bench(channels=64, most_coils=64)
    rows = [(start, max(1, width), number) for number, (start, width, _) in enumerate(sorted(pulses))]
    bench.take(*rows)
    turns, time = [], 0
    for step in steps:
        time += step
        turns.append(BEGIN + time)
        bench.turn(time)
    while (due := bench.dispatcher.due()) is not None:
        turns.append(max(due, BEGIN + time))
        bench.turn(turns[-1] - BEGIN)
    asked = {channel: (BEGIN + start, width) for start, width, channel in rows}
    played = {}
    for channel, on, end in intervals(bench.writes):
        start, width = asked[channel]
        assert -MERGE <= on - start <= TOLERANCE
        first = next(
            turn for place, turn in enumerate(turns) if place > turns.index(on) and turn + MERGE >= on + width
        )
        assert end == first
        played[channel] = (on, end)
    too_long = {channel for channel, (_, width) in asked.items() if width > COIL.longest}
    assert len(played) + len(too_long) + bench.log[Count.LATE] == len(asked)
    assert bench.log[Count.WIDTH] == len(too_long)
