"""What a session counts and tells, and what it asks a board that is silent or in doubt."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from link.scripted_board import DELAY, INSTRUMENT, ScriptedBoard, Stage, playing, pulses
from xylophone.link import messages as m
from xylophone.link.bootloader import LEAVE, TIMES
from xylophone.link.news import (
    LINK_BUSY,
    LinkLost,
    Reset,
    Resumed,
    StrikesLate,
    WaitsLong,
)
from xylophone.link.phases import Phase

COMMAND = TIMES * LEAVE


def test_pulses_that_pass_while_the_board_is_away_are_counted_as_they_pass():
    stage = playing()
    stage.session.play(pulses(2.55, 2.65, 2.75, 2.9, 5.0))
    stage.run(2.1)
    stage.session.gone(2.1)
    lost = []
    for now in (2.55, 2.6, 2.7, 2.95):
        stage.now = now
        lost.append(stage.session.lost(now))
    assert lost == [0, 1, 2, 4]
    assert stage.session.notes(2.95)["lost"] == 4


def test_late_pulses_are_told_of_at_most_twice_a_second_with_their_number_and_how_late():
    stage = playing()
    for moment, starts in ((2.0, (1.9, 1.95)), (2.1, (2.08,)), (2.2, (2.1, 2.15))):
        stage.run(moment)
        stage.session.play(pulses(*starts))
        stage.turn()
    assert (stage.session.late, stage.session.latest) == (5, pytest.approx(0.1))
    assert stage.news() == [StrikesLate(2, pytest.approx(0.1), LINK_BUSY)]
    stage.run(2.499)
    stage.turn()
    assert stage.news() == []
    stage.run(2.5)
    stage.turn()
    assert stage.news() == [StrikesLate(3, pytest.approx(0.1), LINK_BUSY)]
    stage.run(4.0)
    assert stage.news() == []
    for _ in range(2):
        stage.session.play(pulses(3.99))
        stage.turn()
    stage.board = ScriptedBoard(boot=0x1_0002, begun=4.0)
    stage.boot()
    stage.run(6.0)
    late = [StrikesLate(1, pytest.approx(0.01), LINK_BUSY)]
    assert stage.news() == [*late, *late, Reset(m.Cause.POWER_ON), Resumed(0)]
    stage.session.play(pulses(5.9))
    stage.turn()
    assert stage.news() == [StrikesLate(1, pytest.approx(0.1), LINK_BUSY)]


def test_pulses_that_are_late_since_the_host_was_away_say_so():
    stage = playing()
    stage.session.play(pulses(2.9, 3.05))
    stage.now = 3.1  # nobody turned the session for 1.1 s
    stage.turn()
    (news,) = stage.news()
    assert (news.count, news.by) == (2, pytest.approx(0.2))
    assert 1.1 <= stage.session.talk.stalled < 1.3
    assert f"no CPU for {stage.session.talk.stalled:.1f} s" in news.cause
    stage.run(3.95)
    stage.session.play(pulses(3.8))
    stage.turn()
    assert [each.cause for each in stage.news()] == [LINK_BUSY]  # that was long ago


def test_a_silent_board_is_asked_again_after_50_ms_told_to_leave_and_lost():
    stage = playing()
    stage.board.mute = True
    stage.run(4.4)
    heard = stage.session.talk.questions.link.last_heard
    commands = [time for time, content in stage.raw if content == COMMAND]
    assert np.diff(commands) == pytest.approx(0.3, abs=0.06)
    first = [time for time in stage.times(m.Sync, heard) if time < commands[0]]
    assert len(first) == 2
    assert first[1] - first[0] == pytest.approx(0.05)
    assert stage.news() == [LinkLost(0.8)]
    assert stage.session.talk.lost
    stage.board.mute = False
    stage.run(4.9)
    assert (stage.session.phase, stage.session.talk.lost, stage.news()) == (Phase.PLAYING, False, [])
    stage.board.mute = True
    stage.run(stage.session.talk.questions.link.last_heard + 2.4)
    assert stage.session.phase is Phase.PLAYING
    stage.run(stage.session.talk.questions.link.last_heard + 2.7)
    assert stage.session.phase is Phase.DEAF


def test_strikes_of_another_start_of_the_board_are_sent_to_it_once_it_is_armed():
    stage = playing()
    stage.session.play(pulses(2.3, 2.4, 3.5, 3.6))
    stage.run(2.1)
    other = ScriptedBoard(boot=0x1_0009, begun=2.1)
    other.state = m.BoardState.CONFIGURED | m.BoardState.ARMED
    stage.board = other
    stage.run(4.0)
    assert stage.news() == [Reset(m.Cause.POWER_ON), Resumed(2)]
    assert stage.session.notes(4.0)["lost"] == stage.session.lost(4.0) == 2
    assert stage.board.fired == 2


def test_the_board_s_count_goes_on_where_16_bits_wrap():
    stage = playing()
    for fired in (40_000, 65_535, 10, 30_000):
        stage.board.fired = fired
        stage.run(stage.now + 0.3)
    assert stage.session.talk.questions._fired == 65_536 + 30_000


def test_notes_name_all_that_is_counted():
    stage = playing()
    stage.board.rate = 2e6 * (1 + 50e-6)
    values = dict(zip((each.name for each in fields(m.StatusReply)), range(100, 130), strict=False))
    stage.board.status = m.StatusReply(**values)
    stage.run(3.2)
    notes = stage.session.notes(3.2)
    link, sync = stage.session.talk.questions.link, stage.session.talk.questions.sync
    assert notes.pop("round_trip_ms") == pytest.approx(1e3 * link.timeout.smooth)
    assert notes.pop("rate_ppm") == pytest.approx(1e6 * (sync.rate / 2e6 - 1))
    assert notes.pop("clock_error_ms") == pytest.approx(1e3 * sync.error)
    assert 0.0 < link.timeout.smooth < 0.003
    board = {f"board_{name}": values[name] for name in ("damaged", "gaps", "overruns", "forced", "late")}
    notice = {"least_notice_ms": pytest.approx(values["least_notice"] / 2000)}
    rest = {"cut": 0, "lost": 0, "resets": 0, "retransmits": 0, "damaged": 0}
    assert notes == {**board, **notice, **rest}
    assert all(type(value) is float for value in stage.session.notes(3.2).values())


def test_before_any_answer_nothing_is_known():
    session = Stage().session
    notes = session.notes(0.0)
    assert (notes["rate_ppm"], notes["clock_error_ms"], "least_notice_ms" in notes) == (0.0, 1000.0, False)
    assert (session.late, session.latest, session.told_at, session.quiet) == (0, 0.0, -np.inf, False)
    assert session.talk.instrument is INSTRUMENT


def test_while_a_bootloader_may_listen_nothing_is_said_and_each_time_anew():
    stage = playing(fixed_baud=True)
    for outage in range(2):
        begin = stage.now
        stage.session.play(pulses(begin + 0.85, begin + 0.9, begin + 1.0, begin + 20.0))
        stage.run(begin + 0.45)
        stage.board.mute = True
        stage.run(begin + 2.0)
        assert [type(news) for news in stage.news()] == [LinkLost, WaitsLong]
        assert stage.session.talk.falls == 2 + outage
        said = len(stage.said)
        stage.run(begin + 6.5)
        assert (len(stage.said), stage.raw, stage.session.phase) == (said, [], Phase.BOOTING)
        stage.board.mute = False
        stage.run(begin + 10.0)
        assert stage.session.phase is Phase.PLAYING
        assert stage.news() == [Resumed(3)]  # two of them played, and nobody knows
        assert stage.session.lost(stage.now) == 3 * (outage + 1)
        stage.session.cancel(stage.now)


def test_after_the_command_nothing_numbered_is_said_until_the_board_is_heard():
    stage = playing()
    stage.board.mute = True
    while not stage.raw:
        stage.run(stage.now + 0.005)
    begin = stage.now
    stage.session.play(pulses(begin + 0.2))
    stage.run(begin + 0.5)
    assert set(stage.kinds(begin)) <= {m.Sync, m.Status}
    stage.board.mute = False
    stage.run(begin + 0.9)
    (said,) = stage.times(m.StrikesMessage, begin)
    assert said >= begin + 0.5
    assert stage.session.phase is Phase.PLAYING


def test_what_is_asked_for_at_once_is_asked_at_once():
    stage = playing()
    stage.run(2.4)
    stage.session.ask(stage.now)
    stage.turn()
    begin = stage.now
    assert set(stage.kinds(begin)) == {m.Status, m.Sync}
    stage.run(begin + 0.01)
    assert stage.session.told_at == pytest.approx(begin + 2 * DELAY)


def test_a_refusal_that_a_sync_hints_at_is_asked_for_50_ms_after_the_last_look():
    stage = playing()
    stage.run(2.4)
    begin, stage.board.refused = stage.now, 3
    stage.run(begin + 0.5)
    hinted = stage.times(m.Sync, begin)[0] + 2 * DELAY
    assert stage.times(m.Status, begin) == pytest.approx([hinted])


def test_a_board_without_its_limits_is_not_armed():
    stage = Stage()
    stage.board.forgets_limits = True
    stage.boot()
    stage.run(3.0)
    assert (stage.session.phase, stage.times(m.Arm)) == (Phase.SETTING, [])
