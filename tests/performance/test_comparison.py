"""Before and after as sound: the song as written, on bars of any pitch, and the arrangement as played."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from arranger.melodies import line, song_of, together
from xylophone import Arrangement, arrange, build_instrument, simulate
from xylophone.calibration.values import Calibration
from xylophone.errors import FileError
from xylophone.performance.comparison import write_comparison
from xylophone.pitch import frequency
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin
from xylophone.sound.loudness import CEILING
from xylophone.sound.rendering import TAIL

BELL = build_instrument()


@cache
def calibration() -> Calibration:
    """Return what is known of the simulated hammers, measured once."""
    return measure(Twin(BELL))


def both(arrangement: Arrangement, folder: Path) -> list[np.ndarray]:
    """Return before and after, shape (frames, 2), full scale being 1."""
    paths = [folder / f"{name}.wav" for name in ("before", "after")]
    write_comparison(arrangement, simulate(arrangement, calibration()), calibration(), *paths)
    found = []
    for path in paths:
        with wave.open(str(path)) as sound:
            found.append(np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2) / 32767)
    return found


def strength(sound: np.ndarray, pitch: int) -> float:
    """Return how strong the fundamental of a pitch is, over all the sound."""
    turn = np.exp(-2j * np.pi * frequency(pitch) * np.arange(len(sound)) / 48_000)
    return float(abs(turn @ sound.sum(axis=1)) / len(sound))


def test_before_has_the_written_pitches_and_after_the_bars(tmp_path: Path) -> None:
    arrangement = arrange(song_of([(0.0, 50)]), BELL, transpose=0)
    bar = int(arrangement.struck[0])
    before, after = both(arrangement, tmp_path)
    assert strength(before, 50) > 20 * strength(after, 50)
    assert strength(after, bar) > 5 * strength(before, bar)


def test_drums_are_left_out_and_so_is_what_is_silent(tmp_path: Path) -> None:
    plain = song_of(line(72, 74, 76))
    added = together(plain, song_of([(0.1, 40)], channel=9), song_of([(0.2, 60)], loudness=0.0, track=1))
    for song, folder in ((plain, tmp_path / "plain"), (added, tmp_path / "added")):
        folder.mkdir()
        both(arrange(song, BELL), folder)
    for name in ("before.wav", "after.wav"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "added" / name).read_bytes()


def test_both_have_one_length_however_little_is_left(tmp_path: Path) -> None:
    """Only the first second is played: after it there is silence, for as long as the song goes on."""
    song = together(song_of(line(72, 74)), song_of([(70.0, 60)], track=1))
    before, after = both(arrange(song, BELL, mute_tracks=[1]), tmp_path)
    assert len(before) == len(after) == pytest.approx((70 + TAIL) * 48_000, abs=48)
    assert np.abs(after[20 * 48_000 :]).max() < 1e-3 < np.abs(before[70 * 48_000 :]).max()


def test_one_scale_of_loudness_holds_for_both(tmp_path: Path) -> None:
    """A hundred loud notes at once would pass full scale: then what is played is softer than by itself."""
    loud = song_of([(0.0, pitch) for pitch in range(20, 120)], loudness=127, velocity=127)
    quiet = song_of([(0.0, 72)], loudness=127, velocity=127)
    (tmp_path / "loud").mkdir()
    (tmp_path / "quiet").mkdir()
    before, after = both(arrange(loud, BELL, transpose=0), tmp_path / "loud")
    _, alone = both(arrange(quiet, BELL), tmp_path / "quiet")
    assert 0.8 * CEILING < np.abs(before).max() <= CEILING  # the true peak lies between samples
    assert strength(after, 72) < 0.7 * strength(alone, 72)


def test_a_note_comes_from_where_its_bar_is(tmp_path: Path) -> None:
    for pitch, side in ((67, 0), (96, 1)):
        for sound in both(arrange(song_of([(0.0, pitch)]), BELL), tmp_path):
            power = (sound**2).sum(axis=0)
            assert power[side] > 2 * power[1 - side]


def test_a_song_of_nothing_but_drums_is_silent_before(tmp_path: Path) -> None:
    before, after = both(arrange(song_of(line(72, 74), channel=9), BELL, drums=True), tmp_path)
    assert np.abs(before).max() < 1e-4 < 0.01 < np.abs(after).max()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="its folder does not exist"):
        both(arrange(song_of(line(72)), BELL), tmp_path / "no")
