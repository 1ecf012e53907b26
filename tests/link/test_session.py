"""Conversations of a session with the real core, turned only when it asks to be or something has come."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from firmware.building import need
from firmware.host import VirtualBoard
from xylophone.backends.serial_board import ending
from xylophone.errors import SafetyError
from xylophone.instrument import build_instrument
from xylophone.link.bootloader import LEAVE, TIMES
from xylophone.link.conversation import BOOT_PATIENCE
from xylophone.link.frames import FrameReader
from xylophone.link.messages import (
    BAUD,
    BOOT_EVERY,
    TICK_RATE,
    TO_BOARD,
    Arm,
    Cause,
    ChannelConfig,
    Commit,
    Disarm,
    Hello,
    Message,
    StrikesMessage,
    Sync,
)
from xylophone.link.news import BoardStopped, LinkLost, Reset, Resumed, StrikesRefused, Unfit
from xylophone.link.phases import Phase
from xylophone.link.session import Session
from xylophone.tables import PULSE, Rows

INSTRUMENT = build_instrument()
LOOK = 0.0005
"""s between two looks at what the board has sent."""


class Talk:
    """A session and a board; the session is turned no more often than it must."""

    def __init__(self, start: float = 0.2) -> None:
        """`start` is when the board has started, s after the port was opened."""
        need("make", "cc")
        self.now = 0.0
        self.session = Session(INSTRUMENT, 0.0, seed=1)
        self.said: list[Message] = []
        self.at_other_baud: list[bytes] = []
        self.turns = 0
        self.alter: Callable[[bytes], bytes] = bytes
        self._reader = FrameReader()
        self.start(start, boot=0x1_0001)

    def start(self, at: float, boot: int, cause: int = Cause.EXTERNAL) -> None:
        """Let a board start."""
        self.board = VirtualBoard(0, boot, cause)
        self._zero = at

    def run(self, until: float) -> None:
        """Let the time pass."""
        while self.now < until:
            self.now = min(until, self.now + LOOK)
            if self.now >= self._zero:
                self.board.advance(self.clock(self.now))
            arrived = self.board.sent()
            if arrived or self.now >= self.session.next_time():
                self.turn(arrived)

    def turn(self, arrived: bytes = b"") -> None:
        """Turn the session now."""
        self.turns += 1
        self.session.receive(self.alter(arrived), self.now)
        content = self.session.turn(self.now)
        if self.session.baud != BAUD:
            self.at_other_baud += [content] if content else []
            return
        frames = self._reader.feed(content)
        self.said += [TO_BOARD[frame.code].unpack(frame.payload) for frame in frames]
        if self.now >= self._zero:
            self.board.receive(content, self.clock(self.now + len(content) * 10 / BAUD))

    def clock(self, time: float) -> int:
        """Return the board's tick at a time."""
        return round((time - self._zero) * TICK_RATE)

    def heard(self, kind: type[Message]) -> list[Message]:
        """Return what the session has said of one kind."""
        return [message for message in self.said if isinstance(message, kind)]


def pulses(*rows: tuple[float, float, int]) -> Rows:
    """Return a table of (start, width, channel)."""
    table = np.zeros(len(rows), PULSE)
    for number, (start, width, channel) in enumerate(rows):
        table[number] = (start, width, number, channel)
    return table


def playing() -> Talk:
    """Return a talk that is ready at 2 s."""
    talk = Talk()
    talk.run(2.0)
    assert talk.session.phase is Phase.PLAYING
    return talk


def test_nothing_is_said_before_boot_then_all_that_is_needed_in_order():
    talk = Talk(start=1.0)
    talk.run(0.999)
    assert talk.said == []
    talk.run(1.0 + BOOT_EVERY)
    assert isinstance(talk.said[0], Hello)
    talk.run(3.0)
    assert talk.session.phase is Phase.PLAYING
    assert talk.board.armed
    kinds = [type(message) for message in talk.said if not isinstance(message, Sync)]
    assert kinds.count(ChannelConfig) == 30
    assert kinds.index(Commit) > max(n for n, kind in enumerate(kinds) if kind is ChannelConfig)
    assert kinds.index(Arm) > kinds.index(Commit)
    assert talk.heard(Arm) == [Arm(0x1_0001)]
    assert talk.session.take_news() == []


def test_without_a_boot_hello_is_said_after_three_seconds():
    talk = Talk(start=10.0)
    talk.run(BOOT_PATIENCE - 0.01)
    assert talk.said == []
    talk.run(BOOT_PATIENCE + 0.01)
    assert len(talk.heard(Hello)) == 1


def test_hello_is_said_again_and_in_the_end_nobody_is_there():
    talk = Talk(start=100.0)
    talk.run(4.4)
    assert len({message.nonce for message in talk.heard(Hello)}) == len(talk.heard(Hello)) == 4
    assert talk.at_other_baud == [TIMES * LEAVE] * 2, "in place of the third and the sixth HELLO"
    assert talk.session.phase is Phase.GREETING
    talk.run(4.6)
    assert talk.session.phase is Phase.DEAF


def test_the_clock_is_asked_twenty_times_in_the_first_second_then_ten_times_a_second():
    talk = Talk(start=0.0)
    talk.run(1.0)
    assert 18 <= len(talk.heard(Sync)) <= 22
    talk.run(11.0)
    assert 85 <= len(talk.heard(Sync)) - 20 <= 115


def test_it_needs_no_more_turns_than_there_is_to_do():
    talk = playing()
    before = talk.turns
    talk.run(12.0)
    assert talk.turns - before < 10 * 30


def test_strikes_are_placed_on_the_clock_and_played():
    talk = playing()
    talk.session.play(pulses((2.5, 0.013, 3), (2.5, 0.012, 4), (3.0, 0.013, 5)))
    talk.run(4.0)
    played = talk.board.pulses()
    assert played["channel"].tolist() == [3, 4, 5]
    assert np.abs(played["on"] - [talk.clock(time) for time in (2.5, 2.5, 3.0)]).max() < 2000
    assert talk.session.book.ended(talk.now, True) == 3
    assert [len(message.rows) for message in talk.heard(StrikesMessage)] == [2, 1]


def test_strikes_wait_for_the_board_s_room_and_none_is_lost():
    talk = playing()
    rows = [(2.1 + 0.001 * n, 0.0002, n % 30) for n in range(600)]
    talk.session.play(pulses(*rows))
    talk.run(4.0)
    assert len(talk.board.pulses()) == 600


def test_silence_disarms_and_arms_again():
    talk = playing()
    talk.session.play(pulses((2.1, 0.02, 3), (2.3, 0.02, 4)))
    talk.run(2.105)
    assert talk.board.outputs == 1 << 3
    assert talk.session.silence(talk.now) == 1
    talk.turn()
    assert not talk.session.quiet
    talk.run(2.11)
    assert talk.session.quiet
    assert talk.board.outputs == 0
    assert talk.board.armed
    assert isinstance(talk.said[-1], Arm | Sync)
    assert len(talk.heard(Disarm)) == 1


def test_a_reset_is_noticed_by_the_boot_id_even_when_no_boot_arrives():
    talk = playing()
    reader = FrameReader()

    def without_boot(content: bytes) -> bytes:
        return b"" if any(frame.code == 0x40 for frame in reader.feed(content)) else content

    talk.alter = without_boot
    talk.start(talk.now, 0x1_0002, Cause.WATCHDOG)
    talk.run(4.0)
    assert talk.session.phase is Phase.PLAYING
    assert talk.session.take_news() == [Reset(Cause.WATCHDOG), Resumed(0)]
    assert talk.heard(Arm)[-1] == Arm(0x1_0002)


def test_a_reset_while_it_is_stopped_leaves_it_stopped():
    talk = playing()
    talk.session.stop(talk.now)
    talk.run(2.2)
    talk.start(talk.now, 0x1_0002, Cause.BROWN_OUT)
    talk.run(4.0)
    assert talk.session.phase is Phase.STOPPED
    assert not talk.board.armed
    talk.session.clear()
    talk.run(4.2)
    assert talk.board.armed


def test_an_output_that_was_forced_off_ends_the_playing():
    talk = playing()
    talk.board.stick(7)
    talk.run(2.5)
    news = talk.session.take_news()
    assert [type(each) for each in news] == [BoardStopped]
    assert ending(news[0]) is SafetyError
    assert "an output was on for too long" in str(news[0])
    assert talk.session.phase is Phase.FAILED
    assert talk.board.outputs == 0


def test_refused_strikes_are_told_soon():
    talk = playing()
    talk.session.play(pulses((2.3, 0.013, 3), (2.32, 0.013, 3)))
    talk.run(2.7)
    assert talk.session.take_news() == [StrikesRefused("rest", 1)]


def test_a_link_that_is_silent_is_lost_after_0_8_s_and_deaf_after_2_5_s():
    talk = playing()
    talk.alter = lambda content: b""
    talk.run(2.7)
    assert talk.session.take_news() == []
    talk.run(3.0)
    assert talk.session.take_news() == [LinkLost(0.8)]
    assert talk.session.phase is Phase.PLAYING
    talk.run(4.7)
    assert talk.session.phase is Phase.DEAF


def test_a_host_that_was_away_does_not_call_the_link_lost():
    talk = playing()
    talk.now += 0.9  # nobody turned the session
    talk.board.advance(talk.clock(talk.now))
    talk.turn()
    talk.run(3.5)
    assert talk.session.take_news() == []
    assert talk.session.phase is Phase.PLAYING


@pytest.mark.parametrize("seed", range(4))
def test_noise_never_raises_and_never_ends_the_conversation(seed):
    talk = playing()
    rng = np.random.default_rng(seed)
    talk.alter = lambda content: content + rng.integers(0, 256, 40, np.uint8).tobytes()
    talk.session.play(pulses(*((2.5 + 0.05 * n, 0.013, n % 30) for n in range(60))))
    talk.run(6.0)
    assert talk.session.phase is Phase.PLAYING
    assert len(talk.board.pulses()) == 60
    assert not any(isinstance(news, Unfit) for news in talk.session.take_news())
