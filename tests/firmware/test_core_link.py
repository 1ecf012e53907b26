"""The core and the link: what it answers, in what order it takes frames, and what it does not take."""

from __future__ import annotations

import pytest

from firmware.host import VirtualBoard
from firmware.order import CHANNELS, MS, SECOND, Order, checksum, strikes, wide
from xylophone.link import messages as m
from xylophone.link.frames import encode_frame


@pytest.fixture
def order() -> Order:
    return Order(VirtualBoard(boot=0xABCD1234)).begin()


def test_boot_is_said_every_quarter_second_until_hello() -> None:
    order = Order(VirtualBoard(boot=77, cause=m.Cause.BROWN_OUT | m.Cause.WARM))
    order.board.advance(SECOND + 10 * MS)
    boots = order.heard()
    assert boots == [boots[0]] * 5
    assert isinstance(boots[0], m.Boot)
    assert (boots[0].boot, boots[0].nonce) == (77, 0)
    assert m.Cause(boots[0].cause) == m.Cause.BROWN_OUT | m.Cause.WARM
    order.hello()
    order.board.advance(3 * SECOND)
    assert order.heard() == []


def test_who_the_board_is() -> None:
    board = Order(VirtualBoard(boot=5)).hello()
    assert board == m.HelloReply(
        boot=5,
        protocol=m.PROTOCOL,
        version=board.version,
        board=m.BoardType.HOST,
        channels=CHANNELS,
        tick_rate=m.TICK_RATE,
        slots=384,
        longest=wide(100),
        cause=m.Cause.POWER_ON,
        config_crc=0,
        nonce=99,
    )


def test_a_sync_is_answered_with_the_tick_of_its_arrival(order: Order) -> None:
    now = order.board.clock
    frame = encode_frame(m.UNSEQUENCED, m.Sync.CODE, m.Sync(31).pack())
    order.board.receive(frame[:-1], now + 300)
    order.board.receive(frame[-1:], now + 700)
    order.board.advance(now + 2000)
    (reply,) = order.heard()
    assert isinstance(reply, m.SyncReply)
    assert (reply.token, reply.received) == (31, now + 700)
    assert 0 <= reply.sent - reply.received <= 150  # taken in one turn, carried out and answered in the next
    assert (reply.boot, reply.free) == (0x1234, 384)


def test_frames_are_taken_in_order_only(order: Order) -> None:
    number = order.sequence
    first = order.ask(m.Clear(), (number + 1) % 128)
    assert isinstance(first, m.Ack)
    assert (m.Nak(first.nak), order.last_sequence) == (m.Nak.GAP, number)
    order.ask(m.Clear(), number)
    again = order.ask(m.Clear(), number)
    assert isinstance(again, m.Ack)
    assert (m.Nak(again.nak), order.last_sequence) == (m.Nak.NONE, number + 1)
    assert order.status().gaps == 1


def test_a_frame_that_was_taken_before_does_nothing_again(order: Order) -> None:
    rows = strikes((order.board.clock + 100 * MS, 3, wide(5)))
    number = order.sequence
    assert order.say(m.StrikesMessage(rows)) == order.say(m.StrikesMessage(rows), number)
    order.wait(200 * MS)
    assert order.board.pulses()["channel"].tolist() == [3]


def test_sequence_numbers_go_round(order: Order) -> None:
    for _ in range(300):
        answer = order.ask(m.Clear())
        assert isinstance(answer, m.Ack)
        assert m.Nak(answer.nak) is m.Nak.NONE
        assert order.last_sequence == order.sequence


@pytest.mark.parametrize(
    "content",
    [
        encode_frame(0, 0x55, b""),  # no such type
        encode_frame(0, m.Arm.CODE, b"\0\0\0"),  # too short for its type
        encode_frame(0, m.Arm.CODE, bytes(5)),
        encode_frame(0, m.StrikesMessage.CODE, bytes(8)),  # no whole strikes
        encode_frame(0, m.StrikesMessage.CODE, b""),
        encode_frame(m.UNSEQUENCED, m.Arm.CODE, bytes(4)),  # must be numbered
        encode_frame(0, m.Sync.CODE, bytes(2)),  # must not be
        encode_frame(0, m.Clear.CODE, b"")[:-2] + b"\x01\0",  # another checksum
        b"\x05abc\0",  # no COBS
        b"\xff" + 254 * b"x" + b"\0",  # longer than any frame
    ],
)
def test_what_is_no_frame_is_answered_as_damaged_and_changes_nothing(order: Order, content: bytes) -> None:
    before = order.sequence
    (answer,) = order.raw(content)
    assert isinstance(answer, m.Ack)
    assert m.Nak(answer.nak) is m.Nak.DAMAGED
    assert order.last_sequence == before
    assert order.status().damaged == 1


def test_empty_frames_are_nothing(order: Order) -> None:
    assert order.raw(bytes(20)) == []
    assert order.status().damaged == 0


def test_a_full_queue_takes_no_frame_in_part(order: Order) -> None:
    """384 slots, 8 strikes a frame: 48 frames fit, the next one has to wait, then fits."""
    first = order.board.clock + SECOND // 2
    for n in range(48):
        order.strike(*((first + 4 * MS * (8 * n + k), (8 * n + k) % CHANNELS, wide(2)) for k in range(8)))
    late = strikes((first + 4 * MS * 400, 1, wide(2)))
    number = order.sequence
    full = order.ask(m.StrikesMessage(late))
    assert isinstance(full, m.Ack)
    assert (m.Nak(full.nak), full.free, order.last_sequence) == (m.Nak.FULL, 0, number)
    order.wait(SECOND)
    taken = order.ask(m.StrikesMessage(late), number)
    assert isinstance(taken, m.Ack)
    assert m.Nak(taken.nak) is m.Nak.NONE
    assert taken.free > 0
    order.wait(2 * SECOND)
    assert len(order.board.pulses()) == 385


def test_hello_disarms_empties_and_begins_anew(order: Order) -> None:
    order.strike((order.board.clock + 100 * MS, 3, wide(5)))
    order.hello()
    assert not order.board.armed
    assert order.status().fired == 0
    order.board.advance(order.board.clock + 300 * MS)
    assert len(order.board.edges()) == 0


def test_what_was_damaged_before_hello_is_not_held_against_the_first_frame(order: Order) -> None:
    order.raw(b"\x05abc\0" + encode_frame(m.UNSEQUENCED, m.Hello.CODE, m.Hello(5).pack()))
    answer = order.ask(m.Clear(), 0)
    assert isinstance(answer, m.Ack)
    assert m.Nak(answer.nak) is m.Nak.NONE


def test_a_configuration_with_another_checksum_is_not_taken() -> None:
    order = Order(VirtualBoard())
    boot = order.hello().boot
    row = m.ChannelConfig(3, wide(20), wide(2), 16384, 1000)
    order.say(row)
    refused = order.ask(m.Commit(8, 0x1234))
    assert isinstance(refused, m.Ack)
    assert (m.BoardFault(refused.fault), refused.state) == (m.BoardFault.CONFIG, 0)
    order.say(m.Arm(boot))
    assert not order.board.armed


def test_channels_without_configuration_count_as_zeros_in_the_checksum() -> None:
    order = Order(VirtualBoard())
    order.hello()
    given = m.ChannelConfig(3, wide(20), wide(2), 16384, 1000)
    rows = [given if channel == 3 else m.ChannelConfig(channel, 0, 0, 0, 0) for channel in range(CHANNELS)]
    order.say(given)
    taken = order.ask(m.Commit(8, checksum(rows, 8)))
    assert isinstance(taken, m.Ack)
    assert (m.BoardFault(taken.fault), m.BoardState(taken.state)) == (
        m.BoardFault.NONE,
        m.BoardState.CONFIGURED,
    )
    assert order.hello().config_crc == checksum(rows, 8)


def test_a_new_configuration_forgets_the_old_one() -> None:
    order = Order(VirtualBoard()).begin()
    boot = order.hello().boot
    given = m.ChannelConfig(0, wide(20), wide(2), 16384, 1_000_000)
    rows = [given] + [m.ChannelConfig(channel, 0, 0, 0, 0) for channel in range(1, CHANNELS)]
    order.say(given)
    order.say(m.Commit(8, checksum(rows, 8)))
    order.say(m.Arm(boot))
    order.strike((order.board.clock + 50 * MS, 0, wide(5)), (order.board.clock + 60 * MS, 1, wide(5)))
    order.wait(200 * MS)
    assert order.board.pulses()["channel"].tolist() == [0]
    assert order.status().channel == 1


def test_limits_cannot_be_changed_while_armed(order: Order) -> None:
    order.say(m.ChannelConfig(3, wide(100), 0, 65535, 1_000_000))
    order.strike((order.board.clock + 50 * MS, 3, wide(26)))
    assert order.board.armed
    assert order.status().width == 1


def test_arming_needs_the_present_boot_id() -> None:
    order = Order(VirtualBoard(boot=7))
    order.hello()
    order.configure()
    order.say(m.Arm(6))
    assert not order.board.armed
    order.say(m.Arm(7))
    assert order.board.armed


def test_cancel_takes_back_the_queue_and_the_order_mark(order: Order) -> None:
    now = order.board.clock
    order.strike(*((now + n * 50 * MS, n, wide(5)) for n in range(1, 6)))
    order.say(m.Cancel((now + 3 * 50 * MS) % 2**32))
    order.strike((now + 2 * 50 * MS + 100, 9, wide(5)))
    order.wait(400 * MS)
    assert order.board.pulses()["channel"].tolist() == [1, 2, 9]
    status = order.status()
    assert (status.cancelled, status.order) == (3, 0)


def test_cancel_leaves_what_is_on(order: Order) -> None:
    now = order.board.clock
    order.strike((now + 50 * MS, 1, wide(20)), (now + 100 * MS, 2, wide(20)))
    order.wait(60 * MS - (order.board.clock - now))
    order.say(m.Cancel(now % 2**32))
    assert order.board.outputs == 1 << 1
    order.wait(200 * MS)
    (pulse,) = order.board.pulses().tolist()
    assert pulse[1] - pulse[0] > 19 * MS


def test_lost_bytes_are_told(order: Order) -> None:
    order.board.overrun(3)
    order.wait(MS)
    assert order.status().overruns == 3


def test_the_least_notice_is_told(order: Order) -> None:
    now = order.board.clock
    order.say(m.StrikesMessage(strikes((now + 40 * MS, 1, wide(5)))))
    order.say(m.StrikesMessage(strikes((order.board.clock + 90 * MS, 2, wide(5)))))
    assert 39 * MS <= order.status().least_notice <= 40 * MS
