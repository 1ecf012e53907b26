"""What the dispatcher is told: what it refuses, plans anew, cancels and silences."""

from __future__ import annotations

import pytest

from gpio.test_dispatcher import BEGIN, COIL, MS, WIDTH, Bench, bench
from xylophone.gpio.coil_limits import SECOND, Limits
from xylophone.gpio.dispatcher import MERGE, Dispatcher, Switching
from xylophone.gpio.log import Count, Log

__all__ = ["bench"]  # a fixture


class TestRefused:
    @pytest.mark.parametrize(
        ("pulse", "reason"),
        [
            ((0, WIDTH, 64), Count.CHANNEL),
            ((0, WIDTH, 255), Count.CHANNEL),
            ((0, WIDTH, -1), Count.CHANNEL),
            ((0, COIL.longest + 1, 0), Count.WIDTH),
            ((0, 0, 0), Count.WIDTH),
            ((0, -1, 0), Count.WIDTH),
        ],
    )
    def test_at_once(self, bench, pulse, reason):
        bench.take(pulse)
        assert bench.counts() == {reason: 1}
        assert bench.dispatcher.due() is None
        bench.turn(0)
        assert bench.written() == []

    def test_a_pulse_as_long_as_may_be_is_played(self, bench):
        bench.take((0, COIL.longest, 0), (0, 1, 1))
        bench.play()
        assert bench.written() == [(0, 0b11), (1, 0b01), (COIL.longest, 0)]

    def test_what_starts_before_one_that_was_taken(self, bench):
        bench.take((5 * MS, WIDTH, 0), (5 * MS - 1, WIDTH, 1), (5 * MS, WIDTH, 2))
        bench.play()
        assert bench.written() == [(5 * MS, 0b101), (5 * MS + WIDTH, 0)]
        assert bench.log[Count.ORDER] == 1

    def test_what_was_refused_does_not_move_the_order_mark(self, bench):
        bench.take((5 * MS, COIL.longest + 1, 0), (0, WIDTH, 1))
        assert bench.log[Count.ORDER] == 0
        bench.play()
        assert bench.written() == [(0, 0b10), (WIDTH, 0)]

    def test_a_coil_that_is_on(self, bench):
        bench.take((0, WIDTH, 0), (1 * MS, WIDTH, 0))
        bench.play()
        assert bench.written() == [(0, 1), (WIDTH, 0)]
        assert bench.log[Count.REST] == 1

    def test_a_coil_that_has_not_rested(self, bench):
        free = WIDTH + COIL.rest
        bench.take((0, WIDTH, 0), (free - MERGE - 1, WIDTH, 0))
        bench.play()
        assert bench.written() == [(0, 1), (WIDTH, 0)]
        assert bench.log[Count.REST] == 1
        bench.take((free, WIDTH, 0))
        bench.play()
        assert bench.written() == [(free, 1), (free + WIDTH, 0)]

    def test_rest_is_counted_from_when_the_coil_went_off_really(self, bench):
        late = 4 * MS
        bench.take((0, WIDTH, 0), (WIDTH + COIL.rest, WIDTH, 0), (WIDTH + COIL.rest + late, WIDTH, 0))
        bench.turn(0, WIDTH + late)
        bench.play()
        free = WIDTH + late + COIL.rest
        assert bench.written() == [(0, 1), (WIDTH + late, 0), (free, 1), (free + WIDTH, 0)]
        assert bench.log[Count.REST] == 1

    def test_more_coils_at_once_than_may_be(self):
        bench = Bench(most_coils=2)
        bench.take((0, WIDTH, 0), (0, WIDTH, 1), (0, WIDTH, 2), (1 * MS, WIDTH, 3), (WIDTH, WIDTH, 4))
        bench.play()
        assert bench.written() == [(0, 0b11), (WIDTH, 1 << 4), (2 * WIDTH, 0)]
        assert bench.log[Count.OVERLOAD] == 2

    def test_a_coil_that_is_hot_until_it_has_cooled(self):
        bench = Bench(COIL._replace(rest=0, capacity=2 * WIDTH))
        bench.take((0, WIDTH, 0), (2 * WIDTH, WIDTH, 0), (4 * WIDTH, WIDTH, 0))
        bench.play()
        # After two pulses it stands 0.1 of the time from 0 to 4 widths: less than one.
        assert bench.written() == [(0, 1), (WIDTH, 0), (2 * WIDTH, 1), (3 * WIDTH, 0)]
        assert bench.log[Count.HEAT] == 1
        bench.take((9 * WIDTH, WIDTH, 0), (10 * WIDTH + MS, WIDTH, 0))
        bench.play()
        assert bench.written() == [(10 * WIDTH + MS, 1), (11 * WIDTH + MS, 0)]
        assert bench.log[Count.HEAT] == 2

    def test_a_pulse_that_was_refused_warms_no_coil(self):
        bench = Bench(COIL._replace(rest=0, capacity=2 * WIDTH, refill=0.0), most_coils=1)
        bench.take((0, WIDTH, 1), (0, WIDTH, 0), (0, WIDTH, 0), (WIDTH, WIDTH, 0), (3 * WIDTH, WIDTH, 0))
        bench.play()
        assert bench.log[Count.OVERLOAD] == 2
        assert bench.log[Count.HEAT] == 0
        assert bench.written() == [(0, 0b10), (WIDTH, 1), (2 * WIDTH, 0), (3 * WIDTH, 1), (4 * WIDTH, 0)]

    def test_a_coil_gets_no_cooler_than_cold(self):
        bench = Bench(COIL._replace(rest=0, capacity=WIDTH, refill=1e-3))
        bench.take((3600 * SECOND, WIDTH, 0), (3600 * SECOND + 2 * WIDTH, WIDTH, 0))
        bench.play()
        assert len(bench.written()) == 2
        assert bench.log[Count.HEAT] == 1


class TestPlan:
    def test_changes_nothing(self, bench):
        bench.take((0, WIDTH, 0), (0, WIDTH, 0), (0, COIL.longest, 1))
        bench.turn(0)
        before = bench.counts()
        for time in (WIDTH, SECOND):
            assert bench.dispatcher.plan(BEGIN + time) == bench.dispatcher.plan(BEGIN + time)
        assert (bench.counts(), bench.dispatcher.mask) == (before, 0b11)
        bench.play()
        assert bench.written() == [(0, 0b11), (WIDTH, 0b10), (COIL.longest, 0)]

    def test_is_nothing_where_nothing_is_due(self, bench):
        assert bench.dispatcher.plan(BEGIN) is None
        bench.take((0, WIDTH, 0))
        assert bench.dispatcher.plan(BEGIN - MERGE - 1) is None

    def test_made_a_little_later_keeps_the_width_and_tells_the_lateness(self, bench):
        bench.take((0, WIDTH, 0))
        step = bench.dispatcher.plan(BEGIN)
        bench.now = BEGIN + 700
        bench.dispatcher.make(step, bench.now)
        bench.play()
        assert bench.written() == [(700, 1), (700 + WIDTH, 0)]
        assert (bench.log.lateness().tolist(), bench.log.width_errors().tolist()) == ([700], [0])

    def test_of_a_step_in_which_all_is_refused_is_made_without_a_write(self, bench):
        bench.take((0, WIDTH, 0), (MS, WIDTH, 0))
        bench.turn(0, MS)
        assert bench.written() == [(0, 1)]
        assert (bench.log[Count.REST], bench.log[Count.WRITES]) == (1, 1)


class TestCancel:
    def test_tells_how_many_and_takes_back_only_what_starts_then_or_later(self, bench):
        bench.take((0, WIDTH, 0), (1 * MS, WIDTH, 1), (1 * MS, WIDTH, 2), (2 * MS, WIDTH, 3))
        assert bench.dispatcher.cancel(BEGIN + 1 * MS) == 3
        bench.play()
        assert bench.written() == [(0, 1), (WIDTH, 0)]
        assert bench.log[Count.CANCELLED] == 3

    def test_of_nothing_is_nothing(self, bench):
        assert bench.dispatcher.cancel(0) == 0
        bench.take((0, WIDTH, 0))
        assert bench.dispatcher.cancel(BEGIN + 1) == 0
        assert bench.counts() == {}

    def test_leaves_what_is_on(self, bench):
        bench.take((0, WIDTH, 0), (1 * MS, WIDTH, 1))
        bench.turn(0)
        assert bench.dispatcher.cancel(0) == 1
        bench.play()
        assert bench.written() == [(0, 1), (WIDTH, 0)]
        assert bench.log[Count.PLAYED] == 1

    def test_takes_the_order_mark_back_to_what_is_left(self, bench):
        bench.take((1 * MS, WIDTH, 0), (9 * MS, WIDTH, 1))
        bench.dispatcher.cancel(BEGIN + 2 * MS)
        bench.take((1 * MS - 1, WIDTH, 2), (1 * MS, WIDTH, 3))
        assert bench.log[Count.ORDER] == 1
        bench.play()
        assert bench.written() == [(1 * MS, 0b1001), (1 * MS + WIDTH, 0)]

    def test_of_all_leaves_no_order_mark(self, bench):
        bench.take((9 * MS, WIDTH, 1))
        bench.dispatcher.cancel(0)
        bench.take((0, WIDTH, 0))
        bench.play()
        assert bench.written() == [(0, 1), (WIDTH, 0)]


class TestSilence:
    def test_switches_off_forgets_and_counts(self, bench):
        bench.take((0, WIDTH, 0), (0, WIDTH, 1), (1 * MS, WIDTH, 2))
        bench.turn(0)
        bench.now = BEGIN + 500
        assert bench.dispatcher.silence(bench.now) == 1
        assert bench.written() == [(0, 0b11), (500, 0)]
        assert bench.dispatcher.mask == 0
        assert bench.dispatcher.due() is None
        assert bench.counts() == {Count.STRUCK: 2, Count.CUT: 2, Count.CANCELLED: 1, Count.WRITES: 1}

    def test_writes_also_when_nothing_should_be_on(self, bench):
        assert bench.dispatcher.silence(BEGIN) == 0
        assert [mask for _, mask in bench.writes] == [0]

    def test_a_coil_that_was_cut_rests(self, bench):
        bench.take((0, WIDTH, 0))
        bench.turn(0)
        bench.dispatcher.silence(BEGIN + MS)
        bench.take((MS + COIL.rest - MERGE - 1, WIDTH, 0))
        bench.play()
        assert bench.log[Count.REST] == 1
        bench.take((MS + COIL.rest, WIDTH, 0))
        bench.play()
        assert bench.log[Count.PLAYED] == 1

    def test_does_all_but_write_where_the_outputs_fail(self):
        log, limits = Log(), Limits({0: COIL}, 1)

        def fail(_: int) -> None:
            raise OSError("the bus is gone")

        dispatcher = Dispatcher(limits, fail, log)
        dispatcher.take([Switching(BEGIN, WIDTH, 0), Switching(BEGIN + SECOND, WIDTH, 0)])
        with pytest.raises(OSError, match="the bus is gone"):
            dispatcher.turn(BEGIN)
        assert dispatcher.forget(BEGIN + 1) == 1
        assert (dispatcher.mask, dispatcher.due()) == (0, None)
        assert (log[Count.CUT], log[Count.CANCELLED]) == (1, 1)
