"""What the player does, by what is heard."""

from __future__ import annotations

import numpy as np
import pytest

from player.pieces import Stage, piece
from xylophone.errors import BackendError, OptionError, PlayerError, SongError
from xylophone.instrument import build_instrument
from xylophone.player import TRANSITIONS, Player, PlayerState

BEAT = [0.25 * n for n in range(16)]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def spaced(stage: Stage) -> np.ndarray:
    """Return the times between hits."""
    return np.diff(stage.hits()["time"])


def test_a_piece_is_heard_in_time(stage: Stage) -> None:
    stage.player.play(piece(BEAT))
    assert spaced(stage) == pytest.approx([0.25] * 15, abs=0.001)
    assert stage.player.state is PlayerState.IDLE
    assert not stage.player.faults
    assert not stage.player.refusals


def test_speed_stretches_song_time(stage: Stage) -> None:
    stage.player.play(piece(BEAT), speed=2.0)
    assert spaced(stage) == pytest.approx([0.125] * 15, abs=0.001)


def test_starting_in_the_middle(stage: Stage) -> None:
    stage.player.play(piece(BEAT), start=2.0)
    assert stage.hits()["channel"].tolist() == list(range(8, 16))


def test_pause_keeps_every_note_for_resume(stage: Stage) -> None:
    stage.player.play(piece(BEAT))
    stage.clock.at(1.2, stage.player.pause)
    stage.clock.at(11.2, stage.player.resume)
    hits = stage.hits()
    assert hits["channel"].tolist() == list(range(16))
    gaps = np.diff(hits["time"])
    assert (gaps > 1).sum() == 1
    assert np.delete(gaps, np.argmax(gaps)) == pytest.approx([0.25] * 14, abs=0.001)
    assert gaps.max() == pytest.approx(10.0 + 0.25, abs=0.15)


def test_nothing_starts_while_paused(stage: Stage) -> None:
    stage.player.play(piece([0.01 * n for n in range(300)]))
    stage.clock.at(1.0, stage.player.pause)
    stage.clock.at(4.0, stage.player.stop)
    assert stage.hits()["time"].max() < 1.0 + 0.03  # hammers under way still land


def test_seek_goes_there_at_once_and_plays_on(stage: Stage) -> None:
    stage.player.play(piece(BEAT))
    stage.clock.at(0.8, lambda: stage.player.seek(3.0))
    heard = stage.hits()
    assert heard["channel"].tolist()[-4:] == [12, 13, 14, 15]
    assert set(heard["channel"].tolist()) == {0, 1, 2, 12, 13, 14, 15}
    assert 0.8 < heard["time"][-4] < 1.0


def test_seek_while_paused_is_where_resume_begins(stage: Stage) -> None:
    stage.player.play(piece(BEAT))
    stage.clock.at(0.5, stage.player.pause)
    stage.clock.at(1.0, lambda: stage.player.seek(3.5))
    stage.clock.at(1.1, lambda: positions.append(stage.player.position))
    stage.clock.at(2.0, stage.player.resume)
    positions: list[float] = []
    assert stage.hits()["channel"].tolist()[-2:] == [14, 15]
    assert positions == pytest.approx([3.5])


def test_a_change_of_speed_in_play_loses_and_doubles_nothing(stage: Stage) -> None:
    stage.player.play(piece(BEAT))
    stage.clock.at(1.3, lambda: stage.player.set_speed(2.0))
    stage.clock.at(2.1, lambda: stage.player.set_speed(0.5))
    hits = stage.hits()
    assert hits["channel"].tolist() == list(range(16))
    gaps = np.diff(hits["time"])
    assert gaps[:3] == pytest.approx([0.25] * 3, abs=0.001)
    assert gaps[-3:] == pytest.approx([0.5] * 3, abs=0.001)
    assert 0.125 in [round(gap, 3) for gap in gaps]


def test_tempo_is_set_in_quarter_notes_a_minute(stage: Stage) -> None:
    stage.player.play(piece(BEAT))
    stage.clock.at(0.5, lambda: stage.player.set_tempo(60))
    stage.clock.at(
        1.0, lambda: speeds.append((stage.player.snapshot().speed, stage.player.snapshot().tempo_bpm))
    )
    speeds: list[tuple[float, float]] = []
    stage.hits()
    assert speeds == [(0.5, 60.0)]


def test_volume_changes_how_hard_hammers_strike(stage: Stage) -> None:
    stage.player.play(piece(BEAT, pitches=[80] * 16))
    stage.clock.at(2.0, lambda: stage.player.set_volume(0.3))
    level = stage.hits()["level"]
    assert level[:6].mean() - level[-6:].mean() > 3


def test_transposing_in_play_goes_on_at_the_same_place(stage: Stage) -> None:
    stage.player.play(piece(BEAT))
    stage.clock.at(1.3, lambda: stage.player.set_transpose(5))
    channels = stage.hits()["channel"].tolist()
    assert len(channels) == 16
    steps = [channel - n for n, channel in enumerate(channels)]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 5)


def test_a_loop_from_a_to_b_repeats_until_it_is_ended(stage: Stage) -> None:
    stage.player.play(piece(BEAT), start=1.0)
    stage.clock.at(0.2, lambda: stage.player.set_loop(1.0, 2.0))
    stage.clock.at(4.5, stage.player.end_loop)
    hits = stage.hits()
    channels = hits["channel"].tolist()
    assert channels[:12] == [4, 5, 6, 7] * 3
    assert channels[-8:] == list(range(8, 16))
    assert np.diff(hits["time"]) == pytest.approx([0.25] * (len(channels) - 1), abs=0.002)


def test_the_whole_piece_repeats_without_a_hole(stage: Stage) -> None:
    stage.player.play(piece([0.0, 0.5], duration=1.0), repeat=True)
    stage.clock.at(4.3, stage.player.stop)
    gaps = spaced(stage)
    assert len(gaps) >= 7
    assert gaps == pytest.approx([0.5] * len(gaps), abs=0.002)


def test_a_queue_plays_one_after_the_other(stage: Stage) -> None:
    stage.player.play([piece([0.0], [67], 0.5), piece([0.0], [70], 0.5)])
    stage.player.add(piece([0.0], [75], 0.5))
    assert stage.heard() == [(0.0, 0), (1.5, 3), (3.0, 8)]


def test_next_and_previous(stage: Stage) -> None:
    first, second = piece(BEAT), piece(BEAT, [90] * 16)
    stage.player.play([first, second])
    stage.clock.at(1.0, stage.player.next)
    stage.clock.at(2.0, stage.player.previous)
    stage.clock.at(3.0, stage.player.next)
    stage.clock.at(4.0, stage.player.next)
    channels = stage.hits()["channel"].tolist()
    assert channels[:3] == [0, 1, 2]
    assert channels.count(23) >= 4
    assert channels[-1] == 23
    assert stage.clock.now() < 5


def test_play_while_playing_takes_the_new_piece_at_once(stage: Stage) -> None:
    stage.player.play(piece(BEAT))
    stage.clock.at(1.0, lambda: stage.player.play(piece([0.0], [90])))
    channels = stage.hits()["channel"].tolist()
    assert channels[-1] == 23
    assert len(channels) <= 6


def test_after_a_long_sleep_of_the_machine_nothing_is_machine_gunned(stage: Stage) -> None:
    stage.player.play(piece([0.1 * n for n in range(60)]))
    stage.clock.at(1.0, lambda: stage.clock.wait_until(4.0))  # the process did not run meanwhile
    hits = stage.hits()
    assert np.diff(hits["time"]).min() > 0.05
    assert stage.player.refusals["late"] > 10
    assert hits["channel"][-1] == 59 % 30


def test_position_measure_and_beat_are_told(stage: Stage) -> None:
    stage.player.play(piece(BEAT))
    shots = []
    stage.clock.at(3.0, lambda: shots.append(stage.player.snapshot()))
    hits = stage.hits()
    (shot,) = shots
    assert shot.position == pytest.approx(3.0 - hits["time"][0], abs=0.02)
    assert (shot.measure, shot.state, shot.title, shot.pieces) == (2, PlayerState.PLAYING, "piece", 1)
    assert 2.7 < shot.beat < 2.9


@pytest.mark.parametrize(
    ("state", "command"),
    [
        (PlayerState.IDLE, "pause"),
        (PlayerState.IDLE, "resume"),
        (PlayerState.PLAYING, "resume"),
        (PlayerState.PAUSED, "pause"),
    ],
)
def test_a_command_that_the_state_does_not_allow_is_refused_by_name(
    stage: Stage, state: PlayerState, command: str
) -> None:
    if state is not PlayerState.IDLE:
        stage.player.play(piece(BEAT))
    if state is PlayerState.PAUSED:
        stage.player.pause()
    with pytest.raises(PlayerError, match=f"cannot {command} while {state}: possible is .*stop"):
        getattr(stage.player, command)()


@pytest.mark.parametrize("volume", [-0.1, float("nan"), 1e9])
def test_a_volume_that_cannot_be_is_refused_with_the_piece(stage: Stage, volume: float) -> None:
    with pytest.raises(OptionError, match=r"volume .* is out of range"):
        stage.player.play(piece(BEAT), volume=volume)


def test_what_is_possible_is_what_a_person_may_ask_for(stage: Stage) -> None:
    stage.player.play(piece(BEAT))
    with pytest.raises(PlayerError) as error:
        stage.player.resume()
    told = str(error.value).split("possible is ")[1].split(", ")
    assert sorted(told) == sorted(set(TRANSITIONS[PlayerState.PLAYING]) - {"end", "halt", "fail"})


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(PlayerState)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (lambda player: player.set_speed(0), "speed 0 is out of range"),
        (lambda player: player.set_speed(-1), "speed -1"),
        (lambda player: player.set_speed(float("nan")), "speed nan"),
        (lambda player: player.set_tempo(0), "tempo 0 bpm"),
        (lambda player: player.set_volume(-0.1), "volume -0.1"),
        (lambda player: player.scale_volume(0), "cannot change the volume 0 times: give a factor above 0"),
        (lambda player: player.scale_speed(float("nan")), "cannot change the speed nan times"),
        (lambda player: player.seek(99), r"position 99 s is outside the song: give 0\.\.4\.25 s"),
        (lambda player: player.seek(-1), "position -1 s"),
        (lambda player: player.set_loop(2, 1), r"loop 2\.\.1 s does not fit"),
        (lambda player: player.set_transpose(99), "transposition 99"),
        (lambda player: player.play([]), "nothing to play"),
        (lambda player: player.play(piece(BEAT), start=50), "position 50"),
    ],
)
def test_values_out_of_bounds_are_refused_and_the_music_plays_on(stage: Stage, command, message: str) -> None:
    stage.player.play(piece(BEAT))
    with pytest.raises(OptionError, match=message):
        command(stage.player)
    assert len(stage.hits()) == 16


def test_an_arrangement_for_another_instrument_is_refused(stage: Stage) -> None:
    other = build_instrument("glockenspiel")
    arrangement = piece(BEAT)
    foreign = type(arrangement)(
        arrangement.song, other, 0, arrangement.notes, arrangement.changes, arrangement.roles
    )
    with pytest.raises(OptionError, match="for glockenspiel, the backend has song-bell"):
        stage.player.play(foreign)


def test_a_song_without_notes_is_refused(stage: Stage) -> None:
    with pytest.raises(SongError, match="no notes"):
        stage.player.play(piece([]))


def test_an_exception_anywhere_leaves_all_coils_off(stage: Stage) -> None:
    stage.player.play(piece([0.01 * n for n in range(300)]))

    def trip() -> None:
        raise KeyboardInterrupt

    stage.clock.at(1.0, trip)
    with pytest.raises(KeyboardInterrupt):
        stage.player.wait()
    assert stage.player.state is PlayerState.FAILED
    stage.clock.wait_until(5.0)
    hits = stage.backend.take_hits()
    assert hits["time"].max() < 1.0 + 0.03


def test_a_fatal_fault_of_the_backend_ends_the_playing(stage: Stage) -> None:
    class Unplugged(type(stage.backend)):
        def poll(self):
            from xylophone.backends.contract import Fault

            return (Fault(1.0, "the cable is out: plug it in", fatal=True),) if self.now() > 1 else ()

    stage.backend.__class__ = Unplugged
    player = Player(stage.backend).play(piece(BEAT))
    with pytest.raises(BackendError, match="the cable is out"):
        player.wait()
    assert player.state is PlayerState.FAILED
    assert [fault.message for fault in player.faults] == ["the cable is out: plug it in"]


def a_gap(stage: Stage) -> None:
    """Begin two pieces; the first is over 0.5 s after its only note, the second begins 1 s later."""
    stage.player.play([piece([0.0], [67], 0.5), piece([0.0], [90], 0.5)])


@pytest.mark.parametrize("speed", [0.25, 4.0])
def test_no_speed_stretches_the_gap_between_two_pieces(stage: Stage, speed: float) -> None:
    a_gap(stage)
    stage.clock.at(0.9, lambda: stage.player.set_speed(speed))
    stage.clock.at(1.1, lambda: stage.player.set_volume(0.9))
    assert stage.heard() == [(0.0, 0), (1.5, 23)]


def test_a_speed_after_the_last_strike_leaves_the_end_where_it_was(stage: Stage) -> None:
    stage.player.play(piece([0.0], [67], 0.5))
    stage.clock.at(1.0, lambda: stage.player.set_speed(0.25))
    (hit,) = stage.hits()
    assert stage.clock.now() == pytest.approx(hit["time"] + 0.5 + 1.0, abs=0.002)


def test_a_loop_set_in_a_gap_begins_at_once(stage: Stage) -> None:
    stage.player.play([piece(BEAT, duration=4.25), piece([0.0], [90], 0.5)])
    stage.clock.at(4.9, lambda: stage.player.set_loop(1.0, 2.0))
    stage.clock.at(6.4, stage.player.end_loop)
    hits = stage.hits()
    assert hits["channel"].tolist()[16:] == [4, 5, 6, 7, 4, 5, *range(6, 16), 23]
    assert hits["time"][16] == pytest.approx(5.0, abs=0.01)


def test_in_a_gap_the_position_is_the_end_of_the_piece_before(stage: Stage) -> None:
    a_gap(stage)
    positions: list[tuple[float, int]] = []
    stage.clock.at(1.2, lambda: stage.player.seek_by(-0.2))
    stage.clock.at(1.0, lambda: positions.append((stage.player.position, stage.player.snapshot().piece)))
    stage.clock.at(1.31, lambda: positions.append((stage.player.position, stage.player.snapshot().piece)))
    hits = stage.hits()
    begun = hits["time"][0]  # how soon after a command notes sound
    assert positions == [(0.5, 0), (pytest.approx(0.5 - 0.2 + 1.31 - (1.2 + begun), abs=0.003), 0)]
    assert hits["channel"].tolist() == [0, 23]
    assert hits["time"][1] == pytest.approx(1.2 + begun + 0.2 + 1.0, abs=0.003)


def test_what_changes_in_a_pause_holds_for_all_that_the_pause_took_back(stage: Stage) -> None:
    stage.player.play(piece([0.0, 0.435, 0.44, 0.445, 0.8]))
    player = stage.player
    stage.clock.at(0.5, player.pause)
    stage.clock.at(1.0, lambda: player.set_speed(1.1))
    stage.clock.at(1.1, lambda: player.set_transpose(12))
    stage.clock.at(1.2, lambda: player.set_volume(0.9))
    stage.clock.at(2.0, player.resume)
    assert stage.hits()["channel"].tolist() == [0, 13, 14, 15, 16]
