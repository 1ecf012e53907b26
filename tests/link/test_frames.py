"""Frames: what goes in comes out, and nothing else does."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, strategies as st

from xylophone.link import messages as m
from xylophone.link.frames import (
    LONGEST_FRAME,
    Frame,
    FrameReader,
    crc16,
    encode_frame,
    read_frame,
    stuff,
    unstuff,
)

bytes_ = st.binary(max_size=m.LONGEST_PAYLOAD)
octets = st.integers(0, 255)


def test_the_checksum_is_x25():
    assert crc16(b"123456789") == 0x906E
    assert crc16(b"") == 0


def test_a_frame_byte_by_byte():
    content = b"\x02\x80\x02\x00\x07"
    check = crc16(content).to_bytes(2, "little")
    assert 0 not in check
    assert encode_frame(0x80, 0x02, b"\x00\x07") == b"\x04\x02\x80\x02\x04\x07" + check + b"\x00"


@given(st.binary(max_size=253))
def test_stuffing_leaves_no_zero_and_is_undone(content):
    stuffed = stuff(content)
    assert 0 not in stuffed
    assert len(stuffed) == len(content) + 1
    assert unstuff(stuffed) == content


@given(octets, octets, bytes_)
def test_a_frame_is_read_as_it_was_written(sequence, code, payload):
    frame = encode_frame(sequence, code, payload)
    assert len(frame) <= LONGEST_FRAME
    assert frame.index(0) == len(frame) - 1
    assert m.RAW_STOP[:2] not in b"\0" + frame
    assert read_frame(frame[:-1]) == Frame(sequence, code, payload)


@given(st.lists(st.tuples(octets, octets, bytes_), max_size=8), st.lists(st.integers(1, 80)))
def test_frames_are_found_however_the_stream_is_cut(contents, cuts):
    stream = b"\0".join(encode_frame(*content) for content in contents)
    reader, found, place = FrameReader(), [], 0
    for cut in [*cuts, len(stream)]:
        found += reader.feed(stream[place : place + cut])
        place += cut
    assert found == [Frame(*content) for content in contents]
    assert reader.damaged == 0


@pytest.mark.parametrize("bad", [(256, 1, b""), (0, -1, b""), (0, 1, bytes(57))])
def test_what_fits_in_no_frame_is_an_error(bad):
    with pytest.raises(ValueError, match=r"byte|range"):
        encode_frame(*bad)


@given(octets, octets, bytes_, st.integers(0, 511), st.integers(1, 255))
def test_a_changed_byte_is_noticed(sequence, code, payload, place, change):
    frame = bytearray(encode_frame(sequence, code, payload))
    frame[place % len(frame)] ^= change
    assert Frame(sequence, code, payload) not in FrameReader().feed(bytes(frame))
    reader = FrameReader()
    reader.feed(bytes(frame) + b"\0")
    assert reader.damaged >= 1


def test_a_lost_last_byte_leaves_no_frame():
    source = random.Random(5)
    for _ in range(20_000):
        frame = encode_frame(
            source.randrange(256), source.randrange(256), source.randbytes(source.randrange(57))
        )
        assert read_frame(frame[:-2]) is None


def test_frames_after_damage_are_found():
    good = encode_frame(1, 2, b"abc")
    reader = FrameReader()
    assert reader.feed(b"\x05noise\0" + good[:-3] + b"\0" + good + b"\xff" * 1000) == [Frame(1, 2, b"abc")]
    assert reader.damaged == 2
    assert reader.feed(b"\0" + good) == [Frame(1, 2, b"abc")]
    assert reader.damaged == 3


def test_a_frame_too_long_is_damaged_though_its_checksum_holds():
    content = bytes((57, 1, 2)) + bytes(57)
    long = stuff(content + crc16(content).to_bytes(2, "little"))
    reader = FrameReader()
    for byte in long:
        assert reader.feed(bytes((byte,))) == []
    assert reader.feed(b"\0") == []
    assert reader.damaged == 1


@pytest.mark.parametrize("length", [2, 4, 255])
def test_a_wrong_length_is_damaged_though_the_checksum_holds(length):
    content = bytes((length, 1, 2)) + b"abc"
    assert read_frame(stuff(content + crc16(content).to_bytes(2, "little"))) is None


def test_the_longest_frame_is_read_byte_by_byte():
    reader = FrameReader()
    frame = encode_frame(1, 2, bytes(range(100, 156)))
    found = [each for byte in frame for each in reader.feed(bytes((byte,)))]
    assert found == [Frame(1, 2, bytes(range(100, 156)))]


def test_a_million_random_bytes():
    source = random.Random(6)
    reader = FrameReader()
    frames = [frame for _ in range(1000) for frame in reader.feed(source.randbytes(1000))]
    assert reader.damaged > 3000
    assert len(frames) <= 1  # of some 3,800 blocks, most of which have the wrong length


@pytest.mark.parametrize("kind", [*m.TO_BOARD.values(), *m.TO_HOST.values()], ids=lambda kind: kind.__name__)
def test_every_message_packs_and_unpacks(kind):
    source = random.Random(kind.CODE)
    size = 21 if kind is m.StrikesMessage else kind.layout().size
    for _ in range(50):
        payload = source.randbytes(size)
        assert kind.unpack(payload).pack() == payload
    with pytest.raises(ValueError, match="bytes"):
        kind.unpack(bytes(size + 1))
