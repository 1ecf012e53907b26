"""The core and the coils: what is refused, what ends a pulse, and what never happens."""

from __future__ import annotations

import struct

import pytest

from firmware.host import VirtualBoard
from firmware.order import CHANNELS, MS, SECOND, Order, wide
from xylophone.instrument import KINDS, build_instrument
from xylophone.link import messages as m
from xylophone.link.frames import crc16
from xylophone.link.limits import ceilings, limits_of

TRILL = 65
"""ms between two strikes of one hammer in a trill: about 15 a second."""


@pytest.fixture
def order() -> Order:
    return Order(VirtualBoard()).begin()


def sounded(order: Order) -> list[int]:
    """Return the channels that were struck, in order, once all is over."""
    order.wait(SECOND)
    return order.board.pulses()["channel"].tolist()


@pytest.mark.parametrize(
    ("channel", "width", "reason"),
    [(30, wide(5), "channel"), (255, wide(5), "channel"), (3, wide(25) + 1, "width"), (3, 49, "width")],
)
def test_a_strike_that_cannot_be(order: Order, channel: int, width: int, reason: str) -> None:
    order.strike((order.board.clock + 50 * MS, channel, width), (order.board.clock + 60 * MS, 4, wide(25)))
    assert sounded(order) == [4]
    assert getattr(order.status(), reason) == 1


def fault_of(order: Order, **limits: int) -> m.BoardFault:
    """Return the fault of a board that was greeted and given limits."""
    order.hello()
    answer = order.configure(**limits)
    assert isinstance(answer, m.Ack)
    return m.BoardFault(answer.fault)


AT_THE_CEILING = {
    "longest": wide(100),
    "rest": m.LEAST_REST_UNITS,
    "refill": m.MOST_REFILL_FRACTION,
    "capacity": m.MOST_CAPACITY_TICKS,
}


@pytest.mark.parametrize(
    "more",
    [
        {"longest": wide(100) + 1},
        {"rest": m.LEAST_REST_UNITS - 1},
        {"rest": 0},
        {"refill": m.MOST_REFILL_FRACTION + 1},
        {"refill": 65535},
        {"capacity": m.MOST_CAPACITY_TICKS + 1},
        {"capacity": 2**32 - 1},
    ],
    ids=str,
)
def test_no_message_raises_a_ceiling(more: dict[str, int]) -> None:
    order = Order(VirtualBoard())
    assert fault_of(order, **AT_THE_CEILING) is m.BoardFault.NONE
    assert fault_of(order, **AT_THE_CEILING | more) is m.BoardFault.CONFIG
    order.say(m.Arm(order.board.boot))
    assert not order.board.armed


@pytest.mark.parametrize("kind", KINDS)
def test_a_board_that_knows_its_hammers_takes_their_limits_and_no_more(kind: str) -> None:
    instrument = build_instrument(kind=kind)
    own = limits_of(instrument.hammers[0])
    board = VirtualBoard()
    board.keep(ceilings(instrument))
    order = Order(board)
    assert order.hello().longest == own.longest
    limits = {"longest": own.longest, "rest": own.rest, "refill": own.refill, "capacity": own.capacity}
    assert fault_of(order, **limits) is m.BoardFault.NONE
    for key, step in (("longest", 1), ("rest", -1), ("refill", 1), ("capacity", 1)):
        assert fault_of(order, **limits | {key: limits[key] + step}) is m.BoardFault.CONFIG


@pytest.mark.parametrize("place", range(12))
def test_a_record_that_is_damaged_means_the_general_ceilings(place: int) -> None:
    record = bytearray(ceilings(build_instrument()))
    record[place] ^= 0x10
    board = VirtualBoard()
    board.keep(bytes(record))
    assert fault_of(Order(board), **AT_THE_CEILING) is m.BoardFault.NONE


def test_no_record_raises_the_general_ceilings() -> None:
    record = struct.pack("<HHHI", 60_000, 0, 65535, 2**32 - 1)
    board = VirtualBoard()
    board.keep(record + struct.pack("<H", crc16(record)))
    order = Order(board)
    assert order.hello().longest == wide(100)
    assert fault_of(order, **AT_THE_CEILING) is m.BoardFault.NONE
    assert fault_of(order, **AT_THE_CEILING | {"capacity": m.MOST_CAPACITY_TICKS + 1}) is m.BoardFault.CONFIG


def test_what_is_still_on_after_silence_ends_when_it_loses_its_limits() -> None:
    """A new configuration while a pulse runs out is no stuck output."""
    order = Order(VirtualBoard()).begin(longest=wide(100))
    begin = order.board.clock
    order.strike((begin + SECOND - 20 * MS, 5, wide(90)))
    order.board.advance(begin + SECOND + 30 * MS)
    assert not order.board.armed
    assert order.board.outputs == 1 << 5
    order.say(m.ChannelConfig(0, wide(5), m.LEAST_REST_UNITS, 1, 1))
    assert order.board.outputs == 0
    order.wait(10 * MS)
    assert order.status().forced == 0


def test_order(order: Order) -> None:
    now = order.board.clock
    order.strike((now + 90 * MS, 1, wide(5)), (now + 80 * MS, 2, wide(5)), (now + 90 * MS, 3, wide(5)))
    assert sounded(order) == [1, 3]
    assert order.status().order == 1


def test_disarmed(order: Order) -> None:
    order.say(m.Disarm())
    order.strike((order.board.clock + 50 * MS, 1, wide(5)))
    assert sounded(order) == []
    assert order.status().disarmed == 1


def test_a_coil_gets_its_rest() -> None:
    order = Order(VirtualBoard()).begin(rest=wide(24))
    now = order.board.clock
    order.strike((now + 50 * MS, 1, wide(10)), (now + 83 * MS, 1, wide(10)))
    order.strike((now + 84 * MS, 2, wide(10)), (now + 85 * MS, 1, wide(9)))
    assert sounded(order) == [1, 2, 1]
    assert order.status().rest == 1


def test_a_coil_is_never_on_twice() -> None:
    order = Order(VirtualBoard()).begin()
    now = order.board.clock
    order.strike(
        (now + 50 * MS, 1, wide(20)), (now + 60 * MS, 1, wide(20)), (now + 72 * MS + 64, 1, wide(20))
    )
    assert sounded(order) == [1, 1]
    assert order.status().rest == 1


def test_pulses_that_touch_do_not_become_one() -> None:
    order = Order(VirtualBoard()).begin()
    first = (order.board.clock + 50 * MS) // 64 * 64
    order.strike((first, 1, wide(8)), (first + 8 * MS, 1, wide(8)), (first + 16 * MS + 16, 1, wide(8)))
    assert sounded(order) == [1, 1]
    assert order.status().rest == 1


def test_too_many_coils_at_once() -> None:
    order = Order(VirtualBoard()).begin(simultaneous=8)
    now = order.board.clock
    order.strike(*((now + 50 * MS, n, wide(10)) for n in range(10)), (now + 60 * MS + 64, 20, wide(10)))
    assert sounded(order) == [*range(8), 20]
    assert order.status().overload == 2


def test_coils_that_take_turns_at_the_limit_are_all_played() -> None:
    """One goes off as the next goes on: snapping may let them overlap by a few microseconds."""
    order = Order(VirtualBoard()).begin(simultaneous=1)
    now = order.board.clock + 50 * MS
    order.strike(*((now + n * 10 * MS + n % 7, n % CHANNELS, wide(10)) for n in range(80)))
    assert len(sounded(order)) == 80
    assert order.status().overload == 0


def bucket(watts: float) -> dict[str, int]:
    """Return the bucket of a coil that stands 1.2 W for ever and 13 J/K x 20 K at once."""
    capacity = min(round(260 / watts * SECOND), m.MOST_CAPACITY_TICKS)
    return {"refill": round(65536 * 1.2 / watts), "capacity": capacity}


def test_a_ten_second_trill_passes() -> None:
    order = Order(VirtualBoard()).begin(rest=wide(20), **bucket(12.0))
    count = 10_000 // TRILL
    first = order.board.clock + 50 * MS
    for n in range(count):
        order.strike((first + n * TRILL * MS, 7, wide(22)))
        order.wait(TRILL * MS - 2 * MS)
    assert len(sounded(order)) == count
    assert order.status().heat == 0


def test_lasting_overload_is_refused_and_counted() -> None:
    """A bucket of 0.5 s that refills by a tenth: of a trill with a third of on-time a tenth remains."""
    order = Order(VirtualBoard()).begin(rest=wide(20), refill=6554, capacity=SECOND // 2)
    struck = 0
    while order.board.clock < 60 * SECOND:
        order.strike((order.board.clock + 20 * MS, 7, wide(22)))
        order.wait(63 * MS)
        struck += 1
    played = order.board.pulses()
    on_time = int((played["off"] - played["on"]).sum())
    seconds = order.board.clock / SECOND
    assert on_time <= SECOND // 2 + 0.1 * seconds * SECOND
    assert on_time >= 0.97 * (SECOND // 2 + 0.1 * seconds * SECOND) - 22 * MS
    assert order.status().heat == struck - len(played)


def test_no_host_heats_a_coil_for_more_than_its_ceilings() -> None:
    """An hour of the longest pulses at the least rest, with limits set again and again."""
    order = Order(VirtualBoard())
    order.begin(**AT_THE_CEILING)
    count = 0
    while order.board.clock < 3600 * SECOND:
        first = order.board.clock + 20 * MS
        order.strike(*((first + n * 102 * MS, 7, wide(100)) for n in range(8)))
        order.wait(8 * 102 * MS)
        count += 1
        if count % 500 == 0:
            order.begin(**AT_THE_CEILING)
    played = order.board.pulses()
    on_time = int((played["off"] - played["on"]).sum())
    most = m.MOST_CAPACITY_TICKS + 0.25 * order.board.clock
    assert 0.99 * most <= on_time <= most
    burst = played[played["off"] <= played["on"][0] + 23 * SECOND]
    assert (burst["off"] - burst["on"]).sum() > 0.95 * m.MOST_CAPACITY_TICKS


def test_greeting_does_not_cool_a_coil() -> None:
    order = Order(VirtualBoard()).begin(refill=1, capacity=40 * MS)
    order.strike((order.board.clock + 50 * MS, 7, wide(25)))
    order.wait(100 * MS)
    order.begin(refill=1, capacity=40 * MS)
    order.strike((order.board.clock + 50 * MS, 7, wide(25)))
    assert sounded(order) == [7]
    assert order.status().heat == 1


def test_a_silent_host_disarms_after_a_second(order: Order) -> None:
    said = order.board.clock
    order.strike((said + SECOND - 10 * MS, 1, wide(20)), (said + SECOND + 20 * MS, 2, wide(20)))
    said = order.board.clock
    order.board.advance(said + SECOND - 2 * MS)
    assert order.board.armed
    order.board.advance(said + SECOND + 2 * MS)
    assert not order.board.armed
    order.board.advance(said + 2 * SECOND)
    (pulse,) = order.board.pulses().tolist()
    assert pulse[2] == 1
    assert pulse[1] - pulse[0] > 19 * MS
    reply = order.ask(m.Sync(1))
    assert isinstance(reply, m.SyncReply)
    assert m.BoardFault(reply.fault) is m.BoardFault.SILENT


@pytest.mark.parametrize("way", ["disarm", "estop", "raw stop"])
def test_ways_to_switch_everything_off(order: Order, way: str) -> None:
    now = order.board.clock
    order.strike((now + 50 * MS, 1, wide(20)), (now + 52 * MS, 2, wide(20)), (now + 200 * MS, 3, wide(20)))
    order.wait(now + 55 * MS - order.board.clock)
    assert order.board.outputs == 0b110
    if way == "raw stop":
        order.raw(b"\x07\x07" + m.RAW_STOP)
    else:
        order.say(m.Disarm() if way == "disarm" else m.Estop())
    assert order.board.outputs == 0
    assert not order.board.armed
    assert sounded(order) == [1, 2]
    latched = m.BoardFault.NONE if way == "disarm" else m.BoardFault.STOPPED
    reply = order.ask(m.Sync(1))
    assert isinstance(reply, m.SyncReply)
    assert m.BoardFault(reply.fault) is latched


def test_a_stop_is_latched_until_clear(order: Order) -> None:
    order.raw(m.RAW_STOP)
    boot = order.board.boot
    order.say(m.Arm(boot))
    assert not order.board.armed
    order.say(m.Clear())
    assert not order.board.armed
    order.say(m.Arm(boot))
    assert order.board.armed


@pytest.mark.parametrize(
    "noise", [b"\x00\xff\xe5", b"\x00\xff\xe5\x01\x00", b"\xff\xe5\x00", b"\x00\xff\x00\xe5\x00"]
)
def test_what_only_looks_like_a_stop(order: Order, noise: bytes) -> None:
    order.raw(b"\x01" + noise)
    assert order.board.armed


def test_a_stop_behind_a_stop_that_began(order: Order) -> None:
    order.raw(b"\x00\xff\x00\xff\xe5\x00")
    assert not order.board.armed


def test_a_stuck_output_is_forced_off(order: Order) -> None:
    begin = order.board.clock
    order.board.stick(5)
    order.wait(100 * MS)
    (pulse,) = order.board.pulses().tolist()
    assert 25 * MS <= pulse[1] - begin <= 26 * MS
    status = order.status()
    assert status.forced == 1
    reply = order.ask(m.Sync(1))
    assert isinstance(reply, m.SyncReply)
    assert m.BoardFault(reply.fault) is m.BoardFault.STUCK
