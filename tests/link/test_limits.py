"""What a board is told about an instrument, whether it fits, and what its counters say."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from xylophone.instrument import KINDS, Instrument, build_instrument, hammers_of
from xylophone.link.counters import NONE, STATUS_EVERY, STATUS_SOON, Counters
from xylophone.link.fitness import unfit
from xylophone.link.frames import crc16
from xylophone.link.limits import ceilings, configuration, limits_of
from xylophone.link.messages import PROTOCOL, TICK_RATE, Cause, HelloReply
from xylophone.link.news import FAULTS, REASONS, UNTOLD, StrikesLate, StrikesRefused, WaitsLong, cause_of

INSTRUMENT = build_instrument()
BOARD = HelloReply(
    boot=7,
    protocol=PROTOCOL,
    version=0x0102,
    board=1,
    channels=30,
    tick_rate=TICK_RATE,
    slots=384,
    longest=50_000,
    cause=0,
    config_crc=0,
    nonce=1,
)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_limits_are_those_of_the_hammer_in_the_units_of_the_wire(kind):
    hammer = hammers_of([72], kind)[0]
    limits = limits_of(hammer)
    assert limits.longest * 2e-6 == pytest.approx(hammer.longest_pulse, abs=1e-6)
    assert limits.rest * 2e-6 == pytest.approx((hammer.recovery - hammer.longest_pulse) / 2, abs=1e-6)
    assert 0 <= limits.refill / 65536 - hammer.refill < 2e-5
    assert 0 <= limits.capacity / TICK_RATE - hammer.capacity <= 5e-7


def test_limits_at_the_end_of_their_range_stay_within_the_wire():
    hammer = INSTRUMENT.hammers[0]
    slow = limits_of(replace(hammer, recovery=1.0, refill=1.0, capacity=1000.0))
    assert (slow.rest, slow.refill, slow.capacity) == (65535, 65535, 2_000_000_000)
    quick = limits_of(replace(hammer, recovery=0.01, longest_pulse=0.0095))
    assert quick.rest * 2e-6 == pytest.approx(0.002)
    slow.pack()


def test_as_many_coils_at_once_as_the_supply_drives_the_least_hungry_first():
    assert INSTRUMENT.most_coils == 8
    hammers = tuple(
        replace(hammer, current=0.5 if hammer.channel < 10 else 2.0) for hammer in INSTRUMENT.hammers
    )
    assert replace(INSTRUMENT, hammers=hammers).most_coils == 11  # 10 x 0.5 A + 2 A


def test_a_configuration_has_a_message_for_each_hammer_in_order_of_channels():
    hammers = tuple(replace(h, channel=29 - h.channel) for h in INSTRUMENT.hammers[:5])
    limits, commit = configuration(replace(INSTRUMENT, hammers=hammers), 30)
    assert [message.channel for message in limits] == [25, 26, 27, 28, 29]
    assert commit.simultaneous == 5


def test_the_checksum_is_of_all_channels_and_sees_every_bit_of_them():
    def crc(instrument: Instrument, channels: int = 30) -> int:
        return configuration(instrument, channels)[1].crc

    other = (replace(INSTRUMENT.hammers[0], recovery=0.0701), *INSTRUMENT.hammers[1:])
    assert crc(INSTRUMENT) == crc(build_instrument())
    assert crc(replace(INSTRUMENT, hammers=other)) != crc(INSTRUMENT)
    assert crc(INSTRUMENT, 31) != crc(INSTRUMENT)
    payloads = [limits_of(hammer).pack() for hammer in INSTRUMENT.hammers]
    assert crc(INSTRUMENT, 32) == crc16(b"".join(payloads) + bytes([30, *[0] * 10, 31, *[0] * 10, 8]))
    assert crc(replace(INSTRUMENT, supply_limit=7.0)) != crc(INSTRUMENT)
    with pytest.raises(ValueError, match="channel 29"):
        configuration(INSTRUMENT, 29)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_a_board_keeps_is_the_most_that_any_hammer_is_given(kind):
    hammers = tuple(
        replace(hammer, recovery=0.07 + 0.001 * (n % 7), refill=0.03 + 0.002 * (n % 5), capacity=1.0 + n % 3)
        for n, hammer in enumerate(build_instrument(kind=kind.name).hammers)
    )
    instrument = replace(INSTRUMENT, kind=kind, hammers=hammers)
    rows = [limits_of(hammer) for hammer in hammers]
    kept = ceilings(instrument)
    assert (len(kept), kept[12:]) == (16, b"\xff" * 4)
    assert struct.unpack("<HHHI", kept[:10]) == (
        max(row.longest for row in rows),
        min(row.rest for row in rows),
        max(row.refill for row in rows),
        max(row.capacity for row in rows),
    )
    assert int.from_bytes(kept[10:12], "little") == crc16(kept[:10])


def test_a_pulse_may_be_as_long_as_the_board_allows():
    longest = max(hammer.longest_pulse for hammer in INSTRUMENT.hammers)
    units = round(longest * TICK_RATE / 4)
    assert unfit(replace(BOARD, longest=units), INSTRUMENT) is None
    assert "lower its longest_pulse" in unfit(replace(BOARD, longest=units - 1), INSTRUMENT)


def test_a_board_of_this_version_fits():
    assert unfit(BOARD, INSTRUMENT) is None


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"protocol": PROTOCOL - 1}, ["older firmware", "1.2", "protocol 0", "xylophone firmware flash"]),
        ({"protocol": PROTOCOL + 1}, ["newer firmware", "protocol 2", "install a newer xylophone"]),
        ({"tick_rate": 250_000}, ["250000 ticks a second", "xylophone firmware flash"]),
        ({"channels": 16}, ["hammer C7 is on channel 29", "channels 0..15", "choose a layout"]),
        ({"longest": 5000}, ["up to 22 ms, the board allows 10 ms", "lower its longest_pulse"]),
    ],
)
def test_a_board_that_does_not_fit_is_one_line_with_the_remedy(change, parts):
    line = unfit(replace(BOARD, **change), INSTRUMENT)
    assert "\n" not in line
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (
            "refill",
            0.3,
            "a refill of 0.3 s a second, a board allows no coil more than 0.25: lower its refill",
        ),
        ("capacity", 20.0, "a capacity of 20 s, a board allows no coil more than 18: lower its capacity"),
    ],
)
def test_a_hammer_that_would_get_hotter_than_a_board_allows_is_told(key, value, words):
    hammers = list(INSTRUMENT.hammers)
    hammers[3] = replace(hammers[3], **{key: value})
    line = unfit(BOARD, replace(INSTRUMENT, hammers=tuple(hammers)))
    assert line == f"hammer {hammers[3].name} has {words}"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_fits_a_board(kind):
    assert unfit(BOARD, build_instrument(kind=kind.name)) is None


class TestCounters:
    def test_new_refusals_are_news_by_reason(self):
        counters = Counters()
        assert counters.take(replace(NONE, rest=2)) == [StrikesRefused("rest", 2)]
        assert counters.take(replace(NONE, rest=2)) == []
        assert counters.take(replace(NONE, rest=3, late=4, worst_late=2000)) == [
            StrikesLate(4, 0.001, "the machine is too busy, or the link is disturbed"),
            StrikesRefused("rest", 1),
        ]
        assert counters.refused == {"rest": 3}

    def test_they_go_on_over_a_start_of_the_board(self):
        counters = Counters()
        counters.take(replace(NONE, heat=2, worst_late=4000, fired=1, least_notice=2000))
        counters.restart()
        assert counters.take(replace(NONE, heat=1, fired=1, least_notice=8000)) == [StrikesRefused("heat", 1)]
        assert counters.refused == {"heat": 3}
        assert counters.worst_late == pytest.approx(0.002)
        assert counters.least_notice == pytest.approx(0.001)

    def test_a_board_that_was_off_refused_nothing_of_note(self):
        assert Counters().take(replace(NONE, disarmed=9)) == []

    def test_they_are_asked_for_every_second_and_soon_after_a_refusal(self):
        counters = Counters()
        counters.ask(5.0)
        assert counters.next_status() == 5.0 + STATUS_EVERY
        counters.hint(0)
        assert counters.next_status() == 5.0 + STATUS_EVERY
        counters.hint(1)
        assert counters.next_status() == 5.0 + STATUS_SOON
        counters.ask(5.1)
        counters.hint(1)
        assert counters.next_status() == 5.1 + STATUS_EVERY


def test_the_most_telling_cause_of_a_start_is_named():
    assert "watchdog" in cause_of(Cause.WATCHDOG | Cause.WARM)
    assert "power had failed" in cause_of(Cause.BROWN_OUT | Cause.POWER_ON)
    assert "supply dipped: check" in cause_of(Cause.BROWN_OUT | Cause.WARM)
    assert "reset line was pulled: the reset button" in cause_of(Cause.EXTERNAL | Cause.WARM)


@pytest.mark.parametrize("cause", [Cause.WARM, 0])
def test_where_nothing_is_known_one_line_has_both_remedies_and_guesses_nothing(cause):
    for part in ("reset line was pulled or its supply dipped", "reset button", "coil noise", "5 V supply"):
        assert part in cause_of(cause)


@pytest.mark.parametrize("line", [*FAULTS.values(), *REASONS.values(), UNTOLD, str(WaitsLong(5.5))])
def test_all_that_can_be_told_is_one_line(line):
    assert "\n" not in line
