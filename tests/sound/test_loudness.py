"""Loudness: the gain of an instrument, true peaks, and what a whole piece is made to be."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xylophone.errors import MissingExtra, OptionError
from xylophone.instrument import LAYOUTS, MATERIALS, build_instrument, hammers_of
from xylophone.sound.loudness import (
    CEILING,
    GAINS,
    check_meter,
    gain_of,
    loudness_of,
    said_of_peak,
    true_peak,
)
from xylophone.sound.rendering import blocks, render_wav
from xylophone.sound.wav import SAMPLE_RATE, read_wav
from xylophone.tables import HIT

INSTRUMENT = build_instrument()


def tone(hertz: float, phase: float = 0.0, seconds: float = 1.0) -> np.ndarray:
    """Return a stereo tone of amplitude 1."""
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE + phase)
    return np.stack((wave, wave), axis=1).astype(np.float32)


def scale(level: float, every: float = 0.3) -> np.ndarray:
    """Return hits of a scale of thirty notes."""
    return np.array([(0.1 + every * n, level, n, n, False) for n in range(30)], HIT)


def test_every_layout_has_a_gain_of_each_material() -> None:
    assert {material: tuple(gains) for material, gains in GAINS.items()} == {
        material: tuple(LAYOUTS) for material in MATERIALS
    }


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bars", MATERIALS)
def test_a_layout_has_its_own_gain_whatever_it_is_called(layout: str, bars: str) -> None:
    instrument = replace(build_instrument(layout, bars=bars), name="Alma")
    pitches, sounding, _ = LAYOUTS[layout]
    alike = {
        GAINS[bars][name]
        for name, (others, up, _) in LAYOUTS.items()
        if (others[0] + up, others[-1] + up) == (pitches[0] + sounding, pitches[-1] + sounding)
    }
    assert len(alike) == 1
    assert 20 * np.log10(gain_of(instrument)) == pytest.approx(alike.pop())


def test_bars_of_no_layout_have_the_gain_of_the_nearest() -> None:
    own = replace(INSTRUMENT, hammers=hammers_of(range(80, 107), INSTRUMENT.kind))
    assert gain_of(own) == gain_of(build_instrument("glockenspiel-25"))


@pytest.mark.parametrize("phase", [0.0, 0.3, np.pi / 4])
@pytest.mark.parametrize("hertz", [997.0, SAMPLE_RATE / 4, SAMPLE_RATE / 6, 11_000.0])
def test_a_true_peak_is_found_between_samples(hertz: float, phase: float) -> None:
    """Samples of a tone of a quarter of the rate may all lie 3 dB below its peak."""
    sound = tone(hertz, phase)
    sound *= np.clip(np.arange(len(sound)) / 4800, 0, 1)[:, None] * np.float32(0.5)
    assert 20 * np.log10(true_peak([sound])) == pytest.approx(-6.02, abs=0.2)
    parts = np.split(sound, range(1000, len(sound), 1000))
    assert true_peak(parts) == pytest.approx(true_peak([sound]), rel=1e-6)


def test_no_sound_has_no_peak() -> None:
    assert true_peak([]) == true_peak([np.zeros((0, 2), np.float32), np.zeros((5, 2), np.float32)]) == 0.0


def test_loudness_is_that_of_the_standard() -> None:
    """A tone of 997 Hz at 0 dBFS on one side is -3.01 LUFS (BS.1770-5, annex 1)."""
    sound = tone(997.0, seconds=5.0)
    sound[:, 1] = 0.0
    assert loudness_of(sound, SAMPLE_RATE) == pytest.approx(-3.01, abs=0.05)
    assert loudness_of(np.zeros((100, 2), np.float32), SAMPLE_RATE) == -np.inf


def test_a_file_is_as_loud_as_asked_as_far_as_its_peak_allows(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    assert render_wav(path, scale(-20.0), INSTRUMENT, loudness=-30.0) == 0.0
    quiet, _ = read_wav(path)
    sound = np.concatenate(list(blocks(scale(-20.0), INSTRUMENT)))
    factor = 10 ** ((-30.0 - loudness_of(sound, SAMPLE_RATE)) / 20)
    assert np.abs(quiet).max() == pytest.approx(factor * np.abs(sound).max(), rel=0.01)
    softer = render_wav(path, scale(-20.0), INSTRUMENT, loudness=-6.0)
    loud, _ = read_wav(path)
    assert 1.0 < softer < 30.0
    assert 0.9 * CEILING < np.abs(loud).max() <= CEILING
    missing = 20 * np.log10(np.abs(loud).max() / np.abs(quiet).max()) - 24.0
    assert softer == pytest.approx(-missing, abs=0.1)


def test_soft_pieces_stay_softer_than_loud_ones(tmp_path: Path) -> None:
    paths = [tmp_path / f"{level}.wav" for level in (-20, -10)]
    for path, level in zip(paths, (-20.0, -10.0), strict=True):
        assert render_wav(path, scale(level), INSTRUMENT) == 0.0
    soft, loud = (np.abs(read_wav(path)[0]).max() for path in paths)
    assert 20 * np.log10(loud / soft) == pytest.approx(10.0, abs=1.0)


def test_a_long_piece_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xylophone.sound.rendering.FITS", 1.0)
    with pytest.raises(OptionError, match="the loudness of more than 1 s is not measured"):
        render_wav(tmp_path / "out.wav", scale(-20.0), INSTRUMENT, loudness=-20.0)
    assert render_wav(tmp_path / "out.wav", scale(-20.0), INSTRUMENT) == 0.0


def test_where_there_is_no_meter_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    check_meter()
    monkeypatch.setitem(sys.modules, "pyloudnorm", None)
    with pytest.raises(MissingExtra, match="install pyloudnorm"):
        check_meter()


def test_only_what_can_be_heard_is_told_of_a_peak() -> None:
    assert said_of_peak(0.0) == said_of_peak(0.04) == ""
    assert said_of_peak(2.34) == ", 2.3 dB softer so that no peak passes -1 dBFS"
