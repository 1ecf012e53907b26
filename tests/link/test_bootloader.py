"""The way out of the bootloader: what is said, when, at which baud rate; and that it hurts nobody else."""

from __future__ import annotations

import numpy as np
import pytest

from firmware.host import Bootloader, hear
from link.test_session import BAUD, LOOK, playing, pulses
from xylophone.link.bootloader import AGAIN, BOOTLOADER_BAUD, LEAVE, SETTLE, SILENCE, TIMES, WayOut
from xylophone.link.frames import FrameReader
from xylophone.link.messages import RAW_STOP, TICK_RATE
from xylophone.link.phases import Phase
from xylophone.link.session import Session

SKEWS = np.linspace(0.95, 1.05, 201)
"""Ratios of the two ends' clocks; resonators and dividers are good to 0.03."""


def test_the_command_is_a_message_of_the_bootloader_s():
    *message, checksum = LEAVE
    assert message == [0x1B, 1, 0, 1, 0x0E, 0x11]
    assert np.bitwise_xor.reduce(message) == checksum


def test_two_questions_without_an_answer_bring_it_and_no_word_goes_with_it():
    way = WayOut()
    way.asked()
    assert not way.wanted(1.0)
    way.asked()
    assert way.wanted(1.0)
    way.begin(1.0, line_free=1.005)
    assert way.take(1.014) == b""
    assert way.baud == BAUD
    assert way.take(way.next_time()) == TIMES * LEAVE
    assert way.baud == BOOTLOADER_BAUD
    assert way.next_time() >= 1.015 + TIMES * len(LEAVE) * 10 / BOOTLOADER_BAUD + SETTLE
    assert way.take(way.next_time()) == b""
    assert way.baud == BAUD
    assert not way.busy
    assert not way.wanted(1.0 + AGAIN - 0.01)
    assert way.wanted(1.0 + AGAIN)
    way.heard()
    assert not way.wanted(9.0)


@pytest.mark.parametrize("count", [1, TIMES])
def test_a_firmware_that_runs_hears_neither_a_stop_nor_a_frame_in_it(count):
    """At 250,000 baud, whatever the clocks at both ends: noise, which a 00 ends before the next frame."""
    for skew in SKEWS:
        noise = b"\0" + hear(count * LEAVE, 1 / BOOTLOADER_BAUD, skew / BAUD)["byte"].tobytes() + b"\0"
        assert len(noise) > count * len(LEAVE)
        assert RAW_STOP not in noise
        assert FrameReader().feed(noise) == []


def test_a_bootloader_hears_it_whatever_it_has_taken_for_a_message_before():
    for last in range(256):
        bootloader = Bootloader(0)
        bootloader.take(last, 1000)
        for byte in TIMES * LEAVE:
            bootloader.take(byte, 2000)
        assert bootloader.leaves < 0.25 * TICK_RATE


def test_the_silence_is_longer_than_a_bootloader_s_patience():
    bootloader = Bootloader(0)
    bootloader.take(0x55, 1000)
    assert bootloader.leaves < (SILENCE - 0.4) * TICK_RATE


def test_an_emergency_stop_does_not_wait_for_it():
    talk = playing()
    talk.alter = lambda content: b""
    while talk.session.baud == BAUD:
        talk.run(talk.now + LOOK)
    talk.alter = bytes
    talk.session.stop(talk.now)
    assert RAW_STOP in talk.session.turn(talk.now)
    assert talk.session.baud == BAUD


def test_a_port_of_one_baud_rate_is_silent_instead_and_says_so():
    talk = playing()
    talk.session = Session(talk.session.talk.instrument, talk.now, seed=2, fixed_baud=True)
    talk.run(6.5)
    assert talk.session.phase is Phase.PLAYING
    talk.session.play(pulses((12.0, 0.013, 3)))
    talk.session.take_news()
    talk.alter = lambda content: b""
    talk.run(7.6)
    told = [str(news) for news in talk.session.take_news()]
    assert any("saying nothing for 5.5 s" in line and "the only way out" in line for line in told)
    assert talk.session.phase is Phase.BOOTING
    before = len(talk.said)
    talk.alter = bytes
    talk.run(12.5)
    assert len(talk.said) == before
    talk.run(16.0)
    assert talk.session.phase is Phase.PLAYING
    assert talk.at_other_baud == []
