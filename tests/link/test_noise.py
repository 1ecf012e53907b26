"""Songs over a line that loses and flips bytes, to a host that is held up, with a queue that is full."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from link.plain_board import PlainBoard
from link.songs import Song
from link.wire import Wire
from xylophone.link import messages as m
from xylophone.link.conversation import LOST_AFTER


def play(board: PlainBoard, noise: float = 0.0, seed: int = 1, seconds: float = 10.0) -> Wire:
    """Play 480 strikes a second; all must be played, as they are, and nothing else."""
    wire = Wire(board, noise, seed)
    wire.greet()
    song = Song(wire, round(480 * seconds), 480.0)
    wire.run(song.end, song)
    assert board.played == song.wanted()
    assert board.late == 0
    return wire


def test_a_clean_line_repeats_nothing():
    wire = play(PlainBoard())
    assert wire.link.retransmits == 0
    assert wire.link.damaged == 0
    assert wire.link.timeout.smooth < 0.003


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("noise", "storm"), [(0.005, 700), (0.01, 2000)])
def test_every_strike_arrives_once_though_bytes_are_lost_and_flipped(noise, storm, seed):
    wire = play(PlainBoard(), noise, seed)
    assert 100 < wire.link.retransmits < storm
    assert wire.link.damaged > 20
    assert wire.link.naks[m.Nak.FULL] == 0


def test_a_host_that_is_held_up_for_0_4_s_misses_nothing():
    wire = Wire(board := PlainBoard())
    wire.greet()
    song = Song(wire, 4800, 480.0)
    while wire.now < song.end:
        wire.run(wire.now + 0.9, song)
        wire.run(wire.now + 0.4, song, stalled=True)
    wire.run(wire.now + 0.1, song)
    assert board.played == song.wanted()


@pytest.mark.parametrize(("noise", "slots"), [(0.0, 20), (0.005, 40)])
def test_a_queue_that_is_full_takes_all_in_the_end(noise, slots):
    wire = Wire(board := PlainBoard(slots), noise)
    wire.greet()
    song = Song(wire, 400, 100.0)  # 50 strikes are within the lookahead
    wire.run(song.end, song)
    assert board.played == song.wanted()
    assert wire.link.naks[m.Nak.FULL] == 0


class MuteBoard(PlainBoard):
    """A board that is unplugged at some tick."""

    dead_from = 2**40

    def arrive(self, content: bytes, clock: int) -> None:
        if clock < self.dead_from:
            super().arrive(content, clock)


def test_a_dead_link_is_seen_after_0_8_s_and_not_sooner():
    wire = Wire(board := MuteBoard())
    wire.greet()
    song = Song(wire, 2000, 480.0)
    wire.run(2.0, song)
    board.dead_from = round(wire.now * m.TICK_RATE)
    wire.run(2.79, song)
    assert wire.now - wire.link.last_heard <= LOST_AFTER
    wire.run(2.81, song)
    assert wire.now - wire.link.last_heard > LOST_AFTER
    assert wire.there.carried * 40e-6 < 2.81 / 4  # which is not spent on repeats


def told(noise: float, act: Callable[[Wire], object]) -> Wire:
    wire = Wire(PlainBoard(), noise, seed=9)
    wire.greet()
    act(wire)
    wire.run(wire.now + 3.0)
    return wire


def test_every_message_arrives_in_its_order_through_noise():
    def act(wire: Wire) -> None:
        for channel in range(30):
            wire.link.send(m.ChannelConfig(channel, 9000, 500, 3000, 400_000))
        wire.link.send(m.Commit(8, 0x1234))
        wire.link.send(m.Arm(1))

    wire = told(0.02, act)
    assert wire.link.idle
    assert wire.link.retransmits > 5


def test_syncs_come_back_with_the_time_at_which_they_left():
    def act(wire: Wire) -> None:
        for token in range(20):
            wire.link.send(m.Sync(token))
            wire.run(wire.now + 0.05)

    wire = told(0.0, act)
    replies = [message for message in wire.heard if isinstance(message, m.SyncReply)]
    assert [reply.token for reply in replies] == list(range(20))
    for reply in replies:
        sent = wire.link.sent_at(reply.token)
        if sent is not None:
            assert reply.received / m.TICK_RATE - sent == pytest.approx(9 * 40e-6, abs=1e-6)
