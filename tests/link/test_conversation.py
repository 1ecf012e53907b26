"""What a session says to a board and when, to the instant."""

from __future__ import annotations

import numpy as np
import pytest

from link.scripted_board import DELAY, ScriptedBoard, Stage, playing, pulses
from xylophone.link import messages as m
from xylophone.link.bootloader import LEAVE, SETTLE, TIMES
from xylophone.link.frames import encode_frame
from xylophone.link.news import (
    BoardStopped,
    Reset,
    Resumed,
    Unfit,
    WaitsLong,
)
from xylophone.link.phases import Phase

COMMAND = TIMES * LEAVE
TALK = (m.Sync, m.Status)


def test_a_board_is_greeted_set_asked_sixteen_times_and_armed():
    stage = Stage()
    stage.run(0.1)
    stage.boot()
    stage.run(0.4)
    assert stage.session.phase is Phase.SETTING
    assert not stage.session.quiet or stage.board.state == m.BoardState.CONFIGURED
    stage.run(3.0)
    assert stage.session.phase is Phase.PLAYING
    assert stage.kinds(0.0, *TALK) == [m.Hello, m.Clear, *[m.ChannelConfig] * 30, m.Commit, m.Arm]
    assert stage.times(m.Hello) == [0.1 + DELAY]
    asked = np.array(stage.times(m.Sync))
    assert np.diff(asked[:20]) == pytest.approx(0.05, abs=0.003)
    assert stage.times(m.Arm)[0] == pytest.approx(asked[15] + 2 * DELAY)
    told = stage.times(m.Status)
    assert told[0] == pytest.approx(0.1 + 3 * DELAY)
    assert np.diff(told) == pytest.approx(1.0)
    assert stage.news() == []
    talk = stage.session.talk
    assert (talk.falls, talk.resets, talk.lost, stage.session.stopped, stage.session.quiet) == (
        1,
        0,
        False,
        False,
        True,
    )


def test_a_board_that_never_speaks_is_greeted_from_three_seconds_on_and_given_up_after_one_and_a_half():
    stage = Stage()
    stage.board.mute = True
    stage.run(4.499)
    assert stage.times(m.Hello) == [3.0, 3.25, 3.75, 4.25]
    assert [content for _, content in stage.raw] == [COMMAND] * 2
    assert [time for time, _ in stage.raw] == pytest.approx([3.5 + SETTLE, 4.0 + SETTLE])
    assert stage.session.phase is Phase.GREETING
    stage.run(4.5)
    assert stage.session.phase is Phase.DEAF
    assert stage.session.next_time() >= 4.5
    stage.session.open(6.0)
    stage.now, stage.board.mute = 6.0, False
    stage.boot()
    stage.run(8.0)
    assert stage.session.phase is Phase.PLAYING
    assert stage.news() == []  # opening a port resets the board: that is no news


def test_over_a_port_of_one_rate_nobody_is_there_only_after_the_silence():
    stage = Stage(fixed_baud=True)
    stage.board.mute = True
    stage.run(9.999)
    assert stage.times(m.Hello) == [3.0, 3.25, 3.5, 3.75, 4.0, 4.25]
    assert stage.session.phase is Phase.BOOTING
    assert stage.news() == [WaitsLong(5.5)]
    stage.run(11.499)
    assert stage.times(m.Hello)[6:] == [10.0, 10.25, 10.5, 10.75, 11.0, 11.25]
    stage.run(11.5)
    assert stage.session.phase is Phase.DEAF
    assert (stage.news(), stage.raw) == ([], [])


def test_an_answer_to_another_hello_is_none():
    stage = Stage()
    stage.board.mute = True
    stage.run(3.1)
    for message in (m.HelloReply(7, 1, 256, 0, 30, 2_000_000, 384, 50_000, 1, 0, 99), m.SyncReply(*[0] * 9)):
        stage.hear(stage.board.say(message))
    stage.run(3.2)
    assert (stage.session.phase, stage.session.talk.board) == (Phase.GREETING, None)
    stage.hear(stage.board.boots())
    stage.run(3.24)
    assert stage.times(m.Hello) == [
        3.0,
        3.2 + DELAY,
    ]  # a board that has only just started did not hear the first


@pytest.mark.parametrize("known", [False, True])
def test_a_board_that_cannot_play_this_instrument_is_told_and_left_alone(known: bool):
    stage = playing() if known else Stage()
    begin = stage.now
    stage.board.refuses_limits = True
    stage.boot()
    stage.run(begin + 2.0)
    assert stage.session.phase is Phase.FAILED
    (*_, told) = stage.news()
    assert isinstance(told, Unfit)
    assert "does not take the limits" in str(told)
    assert stage.session.quiet
    assert m.Arm not in stage.kinds(begin)
    stage.session.play(pulses(stage.now + 0.1))
    stage.turn()
    assert (stage.session.lost(stage.now), len(stage.session.book.pulses)) == (1, 0)


def test_a_board_that_refuses_to_be_armed_is_greeted_three_times_more():
    stage = Stage()
    stage.board.refuses_arms = True
    stage.boot()
    stage.run(9.0)
    assert len(stage.times(m.Hello)) == len(stage.times(m.Arm)) == 4
    assert stage.session.talk.falls == 1 + 3
    assert stage.session.phase is Phase.FAILED
    (told,) = stage.news()
    assert "refuses to be armed" in str(told)


def test_refusals_that_were_followed_by_an_armed_board_are_forgotten():
    stage = Stage()
    stage.board.refuses_arms = True
    stage.boot()
    while len(stage.times(m.Arm)) < 3:
        stage.run(stage.now + 0.01)
    stage.board.refuses_arms = False
    stage.run(stage.now + 2.0)
    assert stage.session.phase is Phase.PLAYING
    stage.board.refuses_arms = True
    stage.board.disarms(m.BoardFault.SILENT)
    stage.board.fault = m.BoardFault.NONE
    stage.run(stage.now + 4.0)
    assert stage.session.phase is Phase.FAILED
    assert len(stage.times(m.Arm)) == 3 + 1 + 1 + 3  # again, then after each of three HELLOs


@pytest.mark.parametrize("fault", [m.BoardFault.NONE, m.BoardFault.SILENT])
def test_a_board_that_has_disarmed_itself_is_armed_again_and_the_fault_is_told(fault: m.BoardFault):
    stage = playing()
    stage.session.play(pulses(2.05, 2.3, 2.31))
    stage.run(2.1)
    stage.board.play(2.1)
    assert len(stage.board.waiting) == 2
    stage.board.disarms(m.BoardFault.NONE)
    stage.hear(stage.board.say(m.Ack(384, 0, m.BoardState.CONFIGURED, fault)))
    stage.run(2.2)
    assert stage.session.phase is Phase.PLAYING
    assert stage.kinds(2.1, *TALK) == [m.Arm, m.StrikesMessage]
    stage.run(3.0)
    assert (stage.board.fired, stage.session.book.ended(3.0, True)) == (3, 3)
    assert stage.news() == [BoardStopped(fault)] * bool(fault) + [Resumed(0)]
    assert stage.session.talk.falls == 1 + 1


def test_an_emergency_stop_is_said_every_50_ms_until_the_board_confirms_it_and_ended_by_clear():
    stage = playing()
    stage.board.ignores_stops = True
    stage.session.play(pulses(2.1, 2.2, 2.3))
    stage.run(2.15)
    assert stage.session.stop(stage.now) == 2
    assert (stage.session.stopped, stage.session.quiet, stage.session.phase) == (True, False, Phase.STOPPED)
    stage.run(2.3)
    stops = [time for time, content in stage.raw if content == m.RAW_STOP]
    assert stops == pytest.approx([2.15, 2.2, 2.25, 2.3])
    assert stage.times(m.Estop) == stops
    stage.board.ignores_stops = False
    stage.run(3.0)
    assert len(stage.raw) == 5
    assert stage.session.quiet
    assert stage.kinds(2.4, *TALK) == []
    stage.session.clear()
    stage.run(3.2)
    assert stage.kinds(3.0, *TALK) == [m.Disarm, m.Clear, m.Arm]
    assert (stage.session.phase, stage.session.stopped) == (Phase.PLAYING, False)


def test_a_board_that_was_stopped_by_hand_stays_stopped_until_clear():
    stage = playing()
    stage.board.disarms(m.BoardFault.STOPPED)
    stage.run(2.5)
    assert (stage.session.phase, stage.session.stopped) == (Phase.STOPPED, True)
    assert stage.news() == [BoardStopped(m.BoardFault.STOPPED)]
    assert stage.raw == []
    stage.session.clear()
    stage.run(3.0)
    assert stage.session.phase is Phase.PLAYING


def test_a_stop_before_the_board_is_armed_keeps_it_from_being():
    stage = Stage()
    stage.session.stop(0.0)
    stage.run(0.2)
    assert stage.raw == []  # the port was only just opened: nobody plays
    stage.boot()
    stage.run(0.5)
    assert stage.session.phase is Phase.SETTING
    stage.session.stop(0.5)
    stage.session.clear()
    stage.session.stop(0.5)
    stage.run(3.0)
    assert [content for _, content in stage.raw] == [m.RAW_STOP]
    assert stage.session.phase is Phase.STOPPED
    assert m.Arm not in stage.kinds(0.0)


def test_silence_before_hello_is_answered_and_in_a_wait_is_below_all_frames():
    stage = Stage(fixed_baud=True)
    stage.board.mute = True
    stage.session.silence(0.0)
    stage.run(3.1)
    assert stage.raw == []
    stage.session.silence(3.1)
    stage.run(5.0)
    assert [content for _, content in stage.raw] == [m.RAW_STOP]
    stage = playing(fixed_baud=True)
    stage.board.mute = True
    stage.run(5.0)
    assert stage.session.phase is Phase.BOOTING
    stage.session.stop(5.0)
    stage.run(5.1)
    assert [content for _, content in stage.raw] == [m.RAW_STOP]  # the board may well play


@pytest.mark.parametrize("hard", [False, True])
def test_silence_disarms_and_arms_anew_a_hard_one_past_all_frames(hard: bool):
    stage = playing()
    stage.session.play(pulses(2.1, 2.2, 2.3))
    stage.run(2.15)
    assert stage.session.silence(2.15, hard) == 2
    stage.run(2.3)
    assert stage.kinds(2.15, *TALK) == [m.Disarm, *[m.Clear] * hard, m.Arm]
    assert [content for _, content in stage.raw] == [m.RAW_STOP] * hard
    assert (stage.board.fired, stage.session.phase, stage.news()) == (1, Phase.PLAYING, [])


def test_what_is_taken_back_is_cancelled_at_the_clock_of_its_first():
    stage = playing()
    stage.session.play(pulses(2.1, 2.2, 2.3, 3.5))
    stage.run(2.15)
    assert stage.session.cancel(3.0) == 1
    assert stage.session.cancel(2.2) == 2
    stage.run(4.0)
    assert stage.kinds(2.15, *TALK) == [m.Cancel]
    assert stage.board.fired == 1
    assert stage.session.lost(4.0) == 0


def test_a_reset_in_play_is_told_and_its_clock_found_from_ten_questions_20_ms_apart():
    stage = playing()
    stage.board = ScriptedBoard(boot=0x1_0002, begun=2.0)
    stage.boot(m.Cause.BROWN_OUT)
    stage.run(4.0)
    asked = [time for time in stage.times(m.Sync, 2.0) if time < stage.times(m.Arm, 2.0)[0]]
    assert len(asked) == 10
    assert np.diff(asked) == pytest.approx(0.02, abs=0.004)
    assert stage.news() == [Reset(m.Cause.POWER_ON), Resumed(0)]  # as the answer to HELLO has it
    talk = stage.session.talk
    assert (talk.resets, talk.falls) == (1, 1 + 1)
    stage.session.play(pulses(4.1))
    stage.run(4.5)
    assert (stage.board.fired, stage.session.book.ended(4.5, True)) == (1, 1)


def test_a_port_that_is_opened_again_begins_anew_and_counts_on():
    stage = playing()
    stage.hear(b"\x05noise\0" + encode_frame(0, 0x77, b""))
    stage.hear(stage.board.ack(m.Nak.DAMAGED))
    stage.run(2.2)
    assert stage.session.talk.questions.link.damaged == 2
    assert stage.session.talk.noise > 1000  # every byte that has come
    stage.session.play(pulses(2.3, 2.4, 5.0))
    stage.run(2.25)
    stage.session.gone(2.25)
    assert (stage.session.phase, stage.session.talk.falls) == (Phase.DEAF, 1 + 1)
    stage.now = 2.5
    stage.board = ScriptedBoard(boot=0x1_0003, begun=2.5)
    stage.session.open(2.5)
    stage.run(2.6)
    stage.boot()
    stage.hear(b"\x05noise\0")
    stage.run(6.0)
    assert len([t for t in stage.times(m.Sync, 2.6) if t < stage.times(m.Arm, 2.6)[0]]) == 16
    assert stage.session.talk.questions.link.damaged == 3
    assert stage.session.talk.resets == 0
    assert stage.news() == [Resumed(2)]
    assert stage.session.lost(6.0) == 2
    assert (stage.board.fired, stage.session.book.ended(6.0, True)) == (1, 1)
