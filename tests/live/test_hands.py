"""Hands on keys, on a virtual clock: what is heard when, what is counted, and what a recording has of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from player.pieces import INSTRUMENT, Stage, piece
from xylophone.calibration.file import default_calibration
from xylophone.errors import BackendError
from xylophone.live import hands
from xylophone.live.hands import HAND_OVER, TRIES, Hands, Played, planning_time
from xylophone.live.notes import Key, Keyboard
from xylophone.live.recording import SHORTEST, Recording
from xylophone.midifile import load_song
from xylophone.midifile.writing import write_song
from xylophone.tables import Rows


class AtKeys(Stage):
    """A stage with hands on it; `press` has a message come at a moment."""

    def __init__(self, volume: float = 1.0, folded: bool = True) -> None:
        super().__init__()
        self.told: list[Played] = []
        self.hands = Hands(self.player, Keyboard(INSTRUMENT, folded=folded), volume, self.told.append)
        self.recording = Recording(0.0)

    def press(self, moment: float, *message: int) -> None:
        def come() -> None:
            key = self.hands.take(message, self.clock.now())
            if key is not None:
                self.recording.take(key, self.clock.now())

        self.clock.at(moment, come)

    def heard(self, until: float) -> Rows:
        self.clock.at(until, self.player.leave)
        self.player.run()
        self.backend.close()
        hits = self.backend.outcome().hits
        return np.sort(hits[~hits["double"]], order="time")


def test_each_key_is_heard_the_same_time_after_it_whatever_its_loudness() -> None:
    stage = AtKeys()
    for n, velocity in enumerate((1, 30, 64, 100, 127)):
        stage.press(1.0 + n, 0x90, 72 + n, velocity)
        stage.press(1.3 + n, 0x80, 72 + n, 0)
    hits = stage.heard(7.0)
    assert hits["time"] == pytest.approx([1.0 + n + stage.hands.delay for n in range(5)], abs=1e-3)
    assert np.all(np.diff(hits["level"]) > 0)
    assert [played.hammer for played in stage.told] == [5, 6, 7, 8, 9]
    assert not stage.hands.lost


def test_what_has_no_bar_is_counted_and_told() -> None:
    stage = AtKeys(folded=False)
    stage.press(1.0, 0x90, 20, 80)
    stage.press(1.1, 0x99, 72, 80)  # a drum
    assert len(stage.heard(2.0)) == 0
    assert [(played.key, played.why) for played in stage.told] == [(Key(20, 80, 1), "no bar")]
    assert stage.hands.lost == {"no bar": 1}


def test_while_a_song_plays_keys_are_counted_and_the_song_is_whole() -> None:
    stage = AtKeys()
    stage.clock.at(0.1, lambda: stage.player.play(piece([0.0, 0.5, 1.0])))
    stage.press(0.6, 0x90, 90, 80)
    assert len(stage.heard(4.0)) == 3
    assert stage.hands.lost == {"a song plays": 1}


def test_after_a_stop_keys_are_counted_until_it_is_released() -> None:
    stage = AtKeys()
    stage.clock.at(0.5, stage.player.emergency)
    stage.press(0.6, 0x90, 72, 80)
    stage.clock.at(0.8, stage.player.release)
    stage.press(1.0, 0x90, 72, 80)
    assert len(stage.heard(2.0)) == 1
    assert stage.hands.lost == {"stopped": 1}


def test_when_the_instrument_has_failed_keys_say_so_and_not_that_a_song_plays() -> None:
    stage = AtKeys()

    def fail() -> None:
        raise BackendError("the cable is out")

    stage.clock.at(0.5, fail)
    with pytest.raises(BackendError):
        stage.heard(1.0)
    stage.hands.take((0x90, 72, 80), 1.0)
    assert stage.hands.lost == {"the instrument failed": 1}


@pytest.mark.parametrize("panic", [(0xB0, 123, 0), (0xB0, 120, 0), (0xFF,)])
def test_a_panic_takes_back_what_was_not_struck_yet_and_later_keys_are_heard(panic: tuple[int, ...]) -> None:
    stage = AtKeys()
    stage.press(1.0, 0x90, 72, 127)  # its coil would go on after 28 ms
    stage.press(1.005, *panic)
    stage.press(1.5, 0x90, 74, 127)
    assert stage.heard(2.5)["time"] == pytest.approx([1.5 + stage.hands.delay], abs=1e-3)


def test_a_panic_leaves_a_song_that_is_paused() -> None:
    stage = AtKeys()
    stage.clock.at(0.1, lambda: stage.player.play(piece([0.0, 0.5, 1.0, 1.5])))
    stage.clock.at(0.8, stage.player.pause)
    stage.press(1.0, 0x90, 90, 80)
    stage.press(1.5, 0xB0, 123, 0)
    stage.clock.at(2.0, stage.player.resume)
    assert len(stage.heard(6.0)) == 5


def test_a_volume_of_nothing_strikes_nothing_and_half_is_softer() -> None:
    levels = []
    for volume in (0.0, 0.5, 1.0):
        stage = AtKeys(volume)
        stage.press(1.0, 0x90, 72, 127)
        levels.append(stage.heard(2.0)["level"].tolist())
    assert levels[0] == []
    assert levels[1][0] < levels[2][0] - 4.0


def test_the_delay_leaves_room_for_planning_in_whole_milliseconds() -> None:
    stage = AtKeys()
    reach = stage.player.notice - stage.player.margin
    stage.hands.allow(0.004)
    assert stage.hands.delay == pytest.approx(np.ceil(1000 * (reach + HAND_OVER + 0.004)) / 1000)
    assert stage.player.notice == pytest.approx(stage.hands.delay)
    stage.press(1.0, 0x90, 72, 1)
    assert stage.heard(2.0)["time"] == pytest.approx([1.0 + stage.hands.delay], abs=1e-3)


def test_planning_takes_as_long_as_its_longest_chord_but_for_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = [0.5, *[0.002] * 7, 0.009, *[0.003] * (TRIES - 9)]
    moments = iter([moment for each in taken for moment in (0.0, each)])
    monkeypatch.setattr(hands, "thread_time", lambda: next(moments))
    assert planning_time(INSTRUMENT, default_calibration(INSTRUMENT)) == 0.009
    assert next(moments, None) is None


@examples(10)
@given(st.integers(0, 10**6))
def test_a_storm_of_keys_is_struck_or_counted(seed: int) -> None:
    """A thousand keys in a second: no coil is on too long, and every key that is not heard has a reason."""
    rng = np.random.default_rng(seed)
    stage = AtKeys()
    for moment in np.sort(rng.uniform(1.0, 1.2, 200)).tolist():
        stage.press(moment, 0x90, int(rng.integers(0, 128)), int(rng.integers(1, 128)))
    hits = stage.heard(4.0)
    assert len(stage.told) == 200
    assert len(hits) + stage.player.refusals.total() + stage.hands.lost.total() == 200


def test_what_was_recorded_is_a_song_at_the_times_of_the_keys(tmp_path: Path) -> None:
    stage = AtKeys()
    stage.press(1.0, 0x90, 72, 80)
    stage.press(1.25, 0x80, 72, 0)
    stage.press(1.5, 0x91, 76, 100)
    stage.press(1.501, 0x91, 76, 0)
    stage.press(2.0, 0x90, 79, 60)  # held to the end
    stage.press(2.2, 0x90, 79, 61)  # pressed again without being let go
    stage.heard(3.0)
    write_song(tmp_path / "evening.mid", stage.recording.song(3.0, "Evening"))
    song = load_song(tmp_path / "evening.mid")
    assert song.title == "Evening"
    assert song.notes["onset"] == pytest.approx([1.0, 1.5, 2.0, 2.2], abs=1e-3)
    assert song.notes["duration"] == pytest.approx([0.25, SHORTEST, 0.2, 0.8], abs=2e-3)
    assert song.notes["pitch"].tolist() == [72, 76, 79, 79]
    assert song.notes["velocity"].tolist() == [80, 100, 60, 61]
    assert song.notes["channel"].tolist() == [0, 1, 0, 0]


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(0, 127), st.integers(0, 127)), max_size=40))
def test_every_key_that_is_pressed_is_a_note_of_the_recording(rows: list[tuple[float, int, int]]) -> None:
    recording, moment, onsets = Recording(5.0), 5.0, []
    for apart, pitch, velocity in rows:
        moment += apart
        recording.take(Key(pitch, velocity, 1), moment)
        onsets += [moment - 5.0] * (velocity > 0)
    song = recording.song(moment)
    assert len(recording) == len(onsets)
    assert song.notes["onset"].tolist() == sorted(onsets)
    assert np.all(song.notes["duration"] >= SHORTEST)
