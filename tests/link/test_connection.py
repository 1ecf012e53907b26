"""The host's end of the link, frame by frame: order, window, credit, repeats, and what is not believed."""

from __future__ import annotations

import random

import numpy as np
import pytest

from link.plain_board import BOOT_ID
from xylophone.link import messages as m
from xylophone.link.connection import Connection
from xylophone.link.frames import Frame, FrameReader, encode_frame
from xylophone.tables import Rows

SLOTS = 384


def hello_reply(nonce: int, slots: int = SLOTS) -> bytes:
    reply = m.HelloReply(BOOT_ID, 1, 256, 0, 30, 2_000_000, slots, 50_000, 1, 0, nonce)
    return encode_frame(0, reply.CODE, reply.pack())


def ack(wanted: int, nak: int = 0, free: int = SLOTS, state: int = 3) -> bytes:
    return encode_frame(wanted, m.Ack.CODE, m.Ack(free, nak, state, 0).pack())


def sync_reply(wanted: int, token: int = 1, free: int = SLOTS, boot: int = BOOT_ID) -> bytes:
    reply = m.SyncReply(token, 1000, 1100, boot & 0xFFFF, free, 3, 0, 0, 0)
    return encode_frame(wanted, reply.CODE, reply.pack())


def strikes(count: int = 8, first: int = 0) -> m.StrikesMessage:
    rows = np.zeros(count, m.STRIKE_ON_WIRE)
    rows["clock"], rows["width"] = np.arange(first, first + count), 2500
    return m.StrikesMessage(rows)


def frames(content: bytes) -> list[Frame]:
    reader = FrameReader()
    found = reader.feed(content)
    assert reader.damaged == 0
    return found


def sequences(content: bytes) -> list[int]:
    return [frame.sequence for frame in frames(content)]


@pytest.fixture
def link() -> Connection:
    """A connection that a board has greeted at 0.01 s."""
    made = Connection(0.0)
    made.hello(0.0, 7)
    made.bytes_to_send(0.0)
    made.receive(hello_reply(7), 0.01)
    return made


def test_hello_is_led_by_a_zero_and_alone():
    link = Connection(0.0)
    link.send(m.Status())
    link.send(m.Disarm())
    link.hello(0.0, 7)
    link.send(m.Disarm())
    sent = link.bytes_to_send(0.0)
    assert sent == b"\0" + encode_frame(m.UNSEQUENCED, m.Hello.CODE, m.Hello(7).pack())
    assert not link.greeted
    assert link.waiting == 1


def test_only_the_answer_to_the_last_hello_begins():
    link = Connection(0.0)
    link.hello(0.0, 7)
    link.hello(0.1, 8)
    link.send(m.Disarm())
    link.bytes_to_send(0.1)
    assert link.receive(hello_reply(7), 0.15) != []
    assert not link.greeted
    assert link.bytes_to_send(0.15) == b""
    link.receive(hello_reply(8), 0.16)
    assert link.greeted
    assert sequences(link.bytes_to_send(0.16)) == [0]


def test_sequenced_messages_keep_their_order_and_unsequenced_go_before_them(link):
    for message in (m.Disarm(), m.Clear(), m.Status(), m.Estop()):
        link.send(message)
    codes = [frame.code for frame in frames(link.bytes_to_send(0.02))]
    assert codes == [m.Estop.CODE, m.Status.CODE, m.Disarm.CODE, m.Clear.CODE]
    assert link.bytes_to_send(0.02) == b""


def test_the_raw_stop_is_before_everything_and_the_next_frame_is_led(link):
    link.send(m.Disarm())
    link.send(m.Estop())
    link.raw_stop()
    sent = link.bytes_to_send(0.02)
    assert sent.startswith(m.RAW_STOP + b"\0" + encode_frame(m.UNSEQUENCED, m.Estop.CODE, b""))
    assert m.RAW_STOP[:2] not in link.bytes_to_send(0.03)


def test_the_raw_stop_goes_without_any_board_and_survives_hello():
    link = Connection(0.0)
    link.raw_stop()
    link.hello(0.0, 1)
    assert link.bytes_to_send(0.0)[:4] == m.RAW_STOP


def test_silence_is_ended_by_a_zero(link):
    link.send(m.Status())
    link.bytes_to_send(0.02)
    link.send(m.Status())
    assert link.bytes_to_send(0.03)[0] != 0
    link.send(m.Status())
    assert link.bytes_to_send(0.2)[0] == 0


def test_at_most_eight_frames_are_under_way(link):
    for _ in range(20):
        link.send(m.Disarm())
    assert sequences(link.bytes_to_send(0.02)) == list(range(8))
    link.receive(ack(3), 0.03)
    assert sequences(link.bytes_to_send(0.03)) == [8, 9, 10]
    assert link.waiting == 17


def test_at_most_192_bytes_are_under_way(link):
    for _ in range(5):
        link.send(strikes())
    assert sequences(link.bytes_to_send(0.02)) == [0, 1, 2]  # of 63 bytes
    link.receive(ack(1), 0.03)
    assert sequences(link.bytes_to_send(0.03)) == [3]


def test_sequences_wrap(link):
    for number in range(300):
        link.send(m.Disarm())
        assert sequences(link.bytes_to_send(0.02 + number / 100)) == [number % 128]
        link.receive(ack((number + 1) % 128), 0.025 + number / 100)
    assert link.idle
    assert link.retransmits == 0


def test_no_more_strikes_than_there_are_slots(link):
    link.receive(sync_reply(0, free=20), 0.02)
    for _ in range(4):
        link.send(strikes())
    assert sequences(link.bytes_to_send(0.02)) == [0, 1]
    assert link.free == 4
    link.receive(ack(2, free=7), 0.03)
    assert link.bytes_to_send(0.03) == b""
    assert link.next_time() == float("inf")
    link.receive(sync_reply(2, free=8), 0.04)
    assert sequences(link.bytes_to_send(0.04)) == [2]


def test_a_full_queue_does_not_hold_up_what_is_no_strike(link):
    link.receive(sync_reply(0, free=0), 0.02)
    link.send(m.Cancel(5))
    link.send(strikes())
    assert [frame.code for frame in frames(link.bytes_to_send(0.02))] == [m.Cancel.CODE]


def test_frames_refused_as_full_go_again_when_there_is_room(link):
    link.send(strikes())
    link.bytes_to_send(0.02)
    link.receive(ack(0, m.Nak.FULL, free=3), 0.03)
    assert link.bytes_to_send(0.03) == b""
    assert link.bytes_to_send(0.3) == b""
    link.receive(sync_reply(0, free=300), 0.31)
    assert sequences(link.bytes_to_send(0.31)) == [0]
    assert link.naks == {m.Nak.FULL: 1}


def test_one_nak_brings_one_repeat_of_all_from_there_on(link):
    for _ in range(4):
        link.send(m.Disarm())
    link.bytes_to_send(0.020)
    link.receive(ack(1), 0.021)
    link.receive(ack(1, m.Nak.DAMAGED), 0.0215)
    again = link.bytes_to_send(0.0215)
    assert again[0] == 0
    assert sequences(again) == [1, 2, 3]
    for _ in range(2):  # the answers to what had been sent behind the damaged frame
        link.receive(ack(1, m.Nak.GAP), 0.022)
        assert link.bytes_to_send(0.022) == b""
    link.receive(ack(4), 0.023)
    assert link.retransmits == 3
    assert link.idle


def test_a_nak_of_the_repeated_frame_is_followed_too(link):
    link.send(m.Disarm())
    link.bytes_to_send(0.020)
    link.receive(ack(0, m.Nak.DAMAGED), 0.022)
    assert sequences(link.bytes_to_send(0.022)) == [0]
    link.receive(ack(0, m.Nak.DAMAGED), 0.052)
    assert sequences(link.bytes_to_send(0.052)) == [0]


def test_what_is_not_answered_goes_again_after_twice_the_time_each(link):
    link.send(m.Disarm())
    link.send(m.Clear())
    now, times = 0.02, []
    while now < 1.0:
        if sequences(link.bytes_to_send(now)) == [0, 1]:
            times.append(now)
        now = max(link.next_time(), now + 1e-6)
    waits = np.diff(times)
    assert 0.025 <= waits[0] <= 0.1
    assert waits[1] == pytest.approx(min(0.2, 2 * waits[0]), abs=0.001)
    assert waits[-1] == pytest.approx(0.2, abs=0.001)
    assert link.retransmits == 2 * len(waits)


def test_the_timeout_follows_the_round_trip(link):
    for number in range(100):
        link.send(m.Disarm())
        link.bytes_to_send(0.1 * number + 1)
        link.receive(ack((number + 1) % 128), 0.1 * number + 1.040)
    assert link.timeout.smooth == pytest.approx(0.040, abs=0.001)
    link.send(m.Disarm())
    link.bytes_to_send(12.0)
    assert link.next_time() == pytest.approx(12.040, abs=0.002)


def test_a_frame_that_was_sent_twice_tells_no_round_trip(link):
    before = link.timeout.smooth
    link.send(m.Disarm())
    link.bytes_to_send(1.0)
    again = link.next_time()
    assert sequences(link.bytes_to_send(again)) == [0]
    link.receive(ack(1), again + 0.001)
    assert link.timeout.smooth == before


def test_progress_ends_the_doubling(link):
    link.send(m.Disarm())
    link.bytes_to_send(1.0)
    first = link.next_time() - 1.0
    for _ in range(5):
        link.bytes_to_send(link.next_time())
    link.receive(ack(1), 3.0)
    link.send(m.Disarm())
    link.bytes_to_send(3.0)
    assert link.next_time() - 3.0 == pytest.approx(first, abs=1e-4)


def test_progress_gives_what_is_still_under_way_its_time_anew(link):
    link.send(m.Disarm())
    link.send(m.Disarm())
    link.bytes_to_send(1.0)
    before = link.next_time()
    link.receive(ack(1), 1.02)
    assert link.next_time() > before - 0.01
    assert link.bytes_to_send(before) == b""
    assert link.next_time() > 1.02 + 0.025


def test_strikes_go_in_shorter_frames_while_many_are_damaged(link):
    now = 0.02
    for sequence in range(10):  # each frame is damaged once
        link.send(m.Disarm())
        link.bytes_to_send(now)
        link.receive(ack(sequence, m.Nak.DAMAGED), now + 0.01)
        link.bytes_to_send(now + 0.01)
        link.receive(ack(sequence + 1), now + 0.02)
        now += 0.05
    link.send(strikes(8, 100))
    link.send(strikes(3, 108))
    assert link.waiting == 2
    sent = frames(link.bytes_to_send(now))
    rows = [m.StrikesMessage.unpack(frame.payload).rows["clock"].tolist() for frame in sent]
    assert rows == [[100, 101, 102, 103], [104, 105, 106, 107], [108, 109, 110]]
    assert link.waiting == 3


def test_hello_forgets_what_is_under_way(link):
    for _ in range(3):
        link.send(m.Disarm())
    link.bytes_to_send(0.02)
    link.hello(0.03, 9)
    assert link.waiting == 0
    link.bytes_to_send(0.03)
    link.receive(hello_reply(9), 0.04)
    link.send(m.Clear())
    assert [(frame.sequence, frame.code) for frame in frames(link.bytes_to_send(0.04))] == [(0, m.Clear.CODE)]


def test_an_answer_to_hello_that_comes_again_changes_nothing(link):
    link.receive(sync_reply(0, free=20), 0.02)
    link.receive(hello_reply(7), 0.03)
    assert link.free == 20


def test_acknowledgements_that_make_no_sense_are_left_alone(link):
    for _ in range(3):
        link.send(m.Disarm())
    link.bytes_to_send(0.02)
    link.receive(ack(4) + ack(127) + ack(60, free=5), 0.03)
    assert link.waiting == 3
    assert link.free == SLOTS
    link.receive(ack(3), 0.03)
    assert link.waiting == 0


def test_a_board_that_starts_anew_ends_the_conversation(link):
    link.send(m.Disarm())
    link.bytes_to_send(0.02)
    boot = m.Boot(1, 1, 256, 0, 30, 2_000_000, SLOTS, 50_000, 8, 0, 0)
    assert link.receive(encode_frame(0, boot.CODE, boot.pack()), 0.03) == [boot]
    assert not link.greeted
    assert link.bytes_to_send(0.5) == b""
    link.receive(ack(1), 0.5)
    assert link.waiting == 1


def test_strikes_that_were_not_sent_can_be_taken_back(link):
    rows = [strikes(8, first) for first in range(0, 40, 8)]
    for each in rows[:4]:
        link.send(each)
    link.send(m.Cancel(9))
    link.send(rows[4])
    link.bytes_to_send(0.02)
    taken: Rows = link.take_back_strikes()
    assert taken.dtype == m.STRIKE_ON_WIRE
    assert taken["clock"].tolist() == list(range(24, 40))
    assert link.waiting == 4
    assert len(link.take_back_strikes()) == 0


def test_a_sync_waits_for_the_line_and_knows_when_it_left(link):
    for _ in range(4):
        link.send(strikes())
    link.bytes_to_send(1.0)  # 190 bytes with the leading 00: 7.6 ms
    link.send(m.Sync(5))
    link.send(strikes())
    link.receive(ack(3), 1.004)
    assert link.bytes_to_send(1.004) == b""
    assert link.next_time() == pytest.approx(1.0076)
    sent = frames(link.bytes_to_send(1.008))
    assert [frame.code for frame in sent] == [m.Sync.CODE, m.StrikesMessage.CODE, m.StrikesMessage.CODE]
    assert link.sent_at(5) == pytest.approx(1.008)
    assert link.sent_at(6) is None


def test_the_time_of_a_sync_counts_what_is_before_it(link):
    link.raw_stop()
    link.send(m.Sync(5))
    link.bytes_to_send(1.0)
    assert link.sent_at(5) == pytest.approx(1.0 + 5 * 40e-6)
    link.send(m.Sync(6))
    link.bytes_to_send(3.5)
    assert link.sent_at(5) is None  # too long ago


def test_noise_is_not_heard(link):
    link.receive(b"\x05noise\0", 0.5)
    assert link.damaged == 1
    assert link.last_heard == 0.01
    link.receive(ack(0), 0.9)
    assert link.last_heard == 0.9


def test_what_no_board_sends_counts_as_damaged(link):
    assert (
        link.receive(encode_frame(0, m.Ack.CODE, b"\0" * 4) + encode_frame(0, m.Sync.CODE, b"\0\0"), 0.1)
        == []
    )
    assert link.damaged == 2
    assert link.last_heard == 0.01


def test_a_million_random_bytes_and_mutated_frames_are_borne():
    source = random.Random(7)
    link = Connection(0.0)
    link.hello(0.0, 7)
    link.receive(hello_reply(7), 0.0)
    now = 0.0
    for number in range(5000):
        now += 0.001
        noise = bytearray(source.randbytes(180) + b"\0" + ack(source.randrange(128), source.randrange(4)))
        if number % 2:
            noise[source.randrange(len(noise))] = source.randrange(256)
        link.receive(bytes(noise), now)
        link.send(m.Disarm() if number % 3 else strikes(3))
        sent = link.bytes_to_send(now)
        assert len(sent) <= 250
        assert link.next_time() > 0.0
    assert link.damaged > 3000
    assert 0 < link.waiting < 5000
    assert link.naks.total() > 1000
