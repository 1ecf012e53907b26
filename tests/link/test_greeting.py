"""What stands between a host and a board that do not know each other: frozen messages, and no false trust."""

from __future__ import annotations

import numpy as np
import pytest

from firmware.host import VirtualBoard
from link.test_connection import SLOTS, ack, hello_reply, strikes, sync_reply
from xylophone.instrument import build_instrument
from xylophone.link import messages as m
from xylophone.link.connection import Connection
from xylophone.link.fitness import unfit
from xylophone.link.frames import FrameReader, encode_frame

HELLO = bytes.fromhex("00 0A 04 80 01 EF BE AD DE BE 51 00")
"""HELLO with the nonce DEADBEEF on the line."""

HELLO_REPLY = bytes.fromhex(
    "10 18 1A 41 78 56 34 12 02 03 01 01 1E 80 84 1E 0E 80 01 50 C3 10 22 11 EF BE AD DE 78 0E 00"
)
"""An answer to it."""

FROZEN = m.HelloReply(
    boot=0x12345678,
    protocol=2,
    version=0x0103,
    board=1,
    channels=30,
    tick_rate=2_000_000,
    slots=384,
    longest=50_000,
    cause=16,
    config_crc=0x1122,
    nonce=0xDEADBEEF,
)


def test_hello_is_frozen_for_every_protocol():
    assert encode_frame(0x80, m.Hello.CODE, m.Hello(0xDEADBEEF).pack()) == HELLO.lstrip(b"\0")


def test_hello_reply_is_frozen_for_every_protocol():
    assert encode_frame(0x1A, m.HelloReply.CODE, FROZEN.pack()) == HELLO_REPLY
    (frame,) = FrameReader().feed(HELLO_REPLY)
    assert m.HelloReply.unpack(frame.payload) == FROZEN
    assert m.Boot.unpack(frame.payload) is not None


def test_the_firmware_answers_the_frozen_bytes_in_the_frozen_layout():
    board = VirtualBoard(boot=0x12345678)
    board.advance(1)
    board.sent()  # BOOT
    board.receive(HELLO, 10)
    board.advance(20_000)
    (frame,) = FrameReader().feed(board.sent())
    assert (frame.code, len(frame.payload)) == (0x41, 24)
    assert frame.payload[:4] == bytes.fromhex("78 56 34 12")
    assert frame.payload[20:] == bytes.fromhex("EF BE AD DE")


def test_a_board_of_a_later_protocol_is_understood_as_far_as_to_say_so():
    said = unfit(FROZEN, build_instrument())
    assert said is not None
    assert "newer firmware: version 1.3 speaks protocol 2" in said


def busy(count: int) -> Connection:
    """Return a connection that has had so many frames acknowledged and has three more under way."""
    link = Connection(0.0)
    link.hello(0.0, 7)
    link.bytes_to_send(0.0)
    link.receive(hello_reply(7), 0.01)
    for number in range(count):
        link.send(m.Clear())
        link.bytes_to_send(0.02)
        link.receive(ack((number + 1) % 128), 0.03)
    for _ in range(3):
        link.send(strikes())
    link.bytes_to_send(0.04)
    assert link.waiting == 3
    return link


@pytest.mark.parametrize("count", [125, 126, 127])
@pytest.mark.parametrize(
    "said",
    [
        ack(0, m.Nak.GAP, state=0),
        ack(0, m.Nak.DAMAGED, state=0),
        sync_reply(0, boot=m.HelloReply.CODE),
        encode_frame(0, m.StatusReply.CODE, bytes(m.StatusReply.layout().size)),
    ],
)
def test_a_board_that_has_not_been_greeted_acknowledges_nothing(count, said):
    """It wants 0 next, which would acknowledge the frames before 128 to one that has forgotten them."""
    link = busy(count)
    link.receive(said, 0.05)
    assert link.waiting == 3
    assert link.free == SLOTS - 24


def test_a_nak_of_the_board_that_was_greeted_acknowledges_what_came_before():
    link = busy(0)
    link.receive(ack(2, m.Nak.GAP), 0.05)
    assert link.waiting == 1


def test_the_firmware_that_has_not_been_greeted_says_so_in_its_naks():
    board = VirtualBoard()
    board.advance(1)
    board.sent()  # BOOT
    rows = np.zeros(1, m.STRIKE_ON_WIRE)
    board.receive(encode_frame(125, m.StrikesMessage.CODE, m.StrikesMessage(rows).pack()), 10)
    board.advance(20_000)
    (frame,) = FrameReader().feed(board.sent())
    answer = m.Ack.unpack(frame.payload)
    assert (m.Nak(answer.nak), answer.state, frame.sequence) == (m.Nak.GAP, 0, 0)
