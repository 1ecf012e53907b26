"""Sound, by measuring it: onsets, pitches, decay, loudness, place, and the file it ends in."""

from __future__ import annotations

import math
import wave

import numpy as np
import pytest

from xylophone.errors import FileError, OptionError
from xylophone.instrument import MATERIALS, build_instrument
from xylophone.pitch import frequency
from xylophone.sound.bars import BLOW_AT, MODELS, bars_of, bow, half_sine
from xylophone.sound.loudness import CEILING, gain_of
from xylophone.sound.rendering import Renderer, blocks, render, render_wav
from xylophone.sound.wav import SAMPLE_RATE, write_wav
from xylophone.tables import HIT

INSTRUMENT = build_instrument("song-bell")
WOODEN = build_instrument("song-bell", bars="rosewood")
LOUDEST = -5.6
"""dB re 1 m/s; the top of the common scale of thirty zye1-0530."""


def hits(*rows: tuple[float, int, float]) -> np.ndarray:
    """Return hits of (time, channel, level)."""
    table = np.zeros(len(rows), HIT)
    for row, (time, channel, level) in enumerate(rows):
        table[row] = (time, level, row, channel, False)
    return table


def mono(sound: np.ndarray) -> np.ndarray:
    return sound.astype(float).sum(axis=1)


def piece(count: int, length: float, seed: int = 1) -> np.ndarray:
    chance = np.random.default_rng(seed)
    rows = zip(
        np.sort(chance.uniform(0, length, count)),
        chance.integers(0, 30, count),
        chance.uniform(-18, LOUDEST, count),
        strict=True,
    )
    return hits(*rows)


def fundamental(samples: np.ndarray, hertz: float) -> complex:
    """Return the amplitude, with its phase, of a damped tone near `hertz`, by a window of 0.2 s."""
    window = np.hanning(len(samples))
    turn = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / SAMPLE_RATE)
    return complex(2 * np.sum(samples * window * turn) / window.sum())


@pytest.mark.parametrize("time", [0.1, 0.2500003, 0.31237777, 0.5 - 1e-9, 0.123456])
@pytest.mark.parametrize("channel", [0, 17, 29])
def test_a_hit_sounds_when_it_happens(time, channel):
    """A tone begins at zero and rises evenly: a line through its first samples leads to the onset."""
    sound = mono(render(hits((time, channel, -10.0)), INSTRUMENT))
    first = int(np.flatnonzero(sound)[0])
    assert abs(first / SAMPLE_RATE - time) < 0.00005
    start = (first - sound[first] / (sound[first + 1] - sound[first])) / SAMPLE_RATE
    assert start == pytest.approx(time, abs=0.00001)


@pytest.mark.parametrize("layout", ["song-bell", "glockenspiel-written"])
@pytest.mark.parametrize("place", [0, 12, 29])
def test_a_bar_sounds_its_pitch(layout, place):
    instrument = build_instrument(layout)
    sound = mono(render(hits((0.0, place, -10.0)), instrument))[: int(0.6 * SAMPLE_RATE)]
    padded = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**20))
    peak = np.argmax(padded) * SAMPLE_RATE / 2**20
    expected = frequency(instrument.hammers[place].pitch + instrument.sounding)
    assert 1200 * math.log2(peak / expected) == pytest.approx(0.0, abs=3.0)


@pytest.mark.parametrize(
    ("instrument", "channel", "t60"),
    [
        (INSTRUMENT, 17, 6.4),  # recorded: 5.4 and 7.0 s at C6
        (INSTRUMENT, 29, 3.3),  # 2.4 s at C7, 4.7 at D#7
        (WOODEN, 0, 1.03),  # 1.24 s at G4
        (WOODEN, 5, 0.77),  # 1.08 s at C5
        (WOODEN, 17, 0.38),  # 0.42 s at C6
        (WOODEN, 29, 0.19),  # 0.17 s at C7
    ],
)
def test_a_bar_rings_about_as_long_as_recorded_ones(instrument, channel, t60):
    sound = mono(render(hits((0.0, channel, -6.0)), instrument))
    hertz, span = frequency(67 + channel), int(0.05 * SAMPLE_RATE)
    early, late = 0.05, 0.05 + 0.4 * t60
    amplitudes = [abs(fundamental(sound[int(at * SAMPLE_RATE) :][:span], hertz)) for at in (early, late)]
    fall_db = 20 * math.log10(amplitudes[0] / amplitudes[1])
    assert 60 * (late - early) / fall_db == pytest.approx(t60, rel=0.1)


def test_steel_rings_longer_than_wood_and_both_shorter_towards_the_top():
    pitches = np.arange(79, 109)
    steel, wood = (bars_of(pitches, material, SAMPLE_RATE).decay[:, 0] for material in MATERIALS)
    assert np.all(wood > 10 * steel)
    for decay in (steel, wood):
        assert np.all(np.diff(decay) > 0)


def test_bars_below_all_that_were_recorded_ring_no_longer_than_the_lowest_of_these():
    for material, model in MATERIALS.items():
        decay = bars_of([model.lowest - 24, model.lowest], material, SAMPLE_RATE).decay[:, :4]
        assert decay[0] == pytest.approx(decay[1], rel=1e-3)


def test_every_material_has_a_model_and_its_partials_die_sooner_than_its_fundamental():
    assert tuple(MODELS) == tuple(MATERIALS)
    for material in MATERIALS:
        decay = bars_of(np.arange(60, 109), material, SAMPLE_RATE).decay
        assert np.all(np.diff(decay[:, :4], axis=1) > 0)


def test_twice_the_speed_is_six_decibels_more():
    hertz = frequency(67 + 12)
    soft, loud = (
        abs(fundamental(mono(render(hits((0.0, 12, level)), INSTRUMENT))[2000:12000], hertz))
        for level in (-16.0, -16.0 + 20 * math.log10(2))
    )
    assert 20 * math.log10(loud / soft) == pytest.approx(6.02, abs=0.05)


def test_a_harder_blow_is_brighter():
    bars = bars_of([67, 79, 91], "steel", SAMPLE_RATE)
    bar = np.arange(3)
    soft, loud = bars.amplitudes(bar, np.full(3, 0.1)), bars.amplitudes(bar, np.full(3, 0.6))
    assert np.all(loud[:, 1] / loud[:, 0] > 1.15 * soft[:, 1] / soft[:, 0])


def test_the_spectrum_of_a_half_sine_pulse():
    time = (np.arange(200_000) + 0.5) / 200_000
    for cycles in (0.0, 0.3, 0.5, 1.5, 2.2):
        exact = abs(np.mean(np.sin(np.pi * time) * np.exp(-2j * np.pi * cycles * time))) * np.pi / 2
        assert half_sine(np.array([cycles]))[0] == pytest.approx(exact, abs=1e-6)


def test_a_blow_in_the_middle_leaves_even_modes_silent_and_on_a_node_kills_the_mode():
    middle = bow(0.5)
    assert middle[[1, 3]] == pytest.approx(0.0, abs=1e-4)
    assert abs(middle[2]) > 0.5
    assert abs(bow(0.1321)[1]) < 0.01
    assert 0.4 < BLOW_AT < 0.5


@pytest.mark.parametrize(
    ("instrument", "channel", "partial", "ratio"),
    [(INSTRUMENT, 0, 1, 2.73), (INSTRUMENT, 12, 2, 5.30), (WOODEN, 5, 1, 2.96), (WOODEN, 12, 2, 5.80)],
)
def test_partials_stand_where_recorded_ones_do(instrument, channel, partial, ratio):
    sound = mono(render(hits((0.0, channel, LOUDEST)), instrument))[: int(0.1 * SAMPLE_RATE)]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**20))
    hertz = np.arange(len(spectrum)) * SAMPLE_RATE / 2**20
    expected = frequency(67 + channel) * ratio
    near = np.flatnonzero(abs(hertz / expected - 1) < 0.1)
    assert hertz[near[np.argmax(spectrum[near])]] == pytest.approx(expected, rel=0.005)
    bars = bars_of([67 + channel], instrument.bars, SAMPLE_RATE)
    assert bars.hertz[0, partial] == pytest.approx(expected, rel=0.01)


def test_the_second_partial_dies_sooner_as_on_recorded_bars():
    """Recorded at C6: 0.93 and 1.15 s."""
    sound = mono(render(hits((0.0, 17, LOUDEST)), INSTRUMENT))
    hertz, span = bars_of([84], "steel", SAMPLE_RATE).hertz[0, 1], int(0.05 * SAMPLE_RATE)
    amplitudes = [abs(fundamental(sound[int(at * SAMPLE_RATE) :][:span], hertz)) for at in (0.05, 0.35)]
    assert 60 * 0.3 / (20 * math.log10(amplitudes[0] / amplitudes[1])) == pytest.approx(1.29, rel=0.1)


def test_the_hammer_knocks_softly_and_shortly():
    """At the highest bar the knock's 1150 Hz lie below everything that rings; 20 ms keep the two apart."""
    sound = mono(render(hits((0.0, 29, LOUDEST)), INSTRUMENT))
    span = int(0.02 * SAMPLE_RATE)
    tone = abs(fundamental(sound[:span], frequency(96)))
    early, late = (abs(fundamental(sound[at:][:span], 1150.0)) / tone for at in (0, 2 * span))
    assert 0.0002 < early < 0.01
    assert late < early / 20


def test_partials_above_the_sample_rate_stay_out():
    bars = bars_of([108], "steel", SAMPLE_RATE)
    assert bars.sine[0, 3] == 0.0 < bars.sine[0, 0]
    assert bars.hertz[0, 3] > SAMPLE_RATE / 2 * 0.9


def test_low_bars_stand_left_high_bars_right_at_even_power():
    places = []
    for channel in range(30):
        sound = render(hits((0.0, channel, -10.0)), INSTRUMENT)[:4000].astype(float)
        left, right = np.sqrt((sound**2).mean(axis=0))
        places.append(math.atan2(right, left))
    assert np.all(np.diff(places) > 0)
    assert places[0] == pytest.approx(math.pi / 4 * 0.65, abs=0.02)
    assert places[-1] == pytest.approx(math.pi / 4 * 1.35, abs=0.02)
    assert np.cos(places) ** 2 + np.sin(places) ** 2 == pytest.approx(1.0)


@pytest.mark.parametrize("instrument", [INSTRUMENT, WOODEN])
def test_what_stays_below_the_ceiling_is_left_as_it_is(instrument):
    blow = hits((0.1, 12, -18.0))
    raw = np.concatenate(list(blocks(blow, instrument)))
    assert np.abs(raw).max() < CEILING / 2
    assert np.array_equal(render(blow, instrument), raw)


def test_a_blow_is_as_loud_as_the_instruments_gain_says():
    sound = render(hits((0.1, 12, 0.0)), INSTRUMENT).astype(float)
    left, right = (abs(fundamental(side[4900:14500], frequency(79))) for side in sound.T)
    assert math.hypot(left, right) == pytest.approx(gain_of(INSTRUMENT), rel=0.1)


def test_what_is_too_loud_is_made_softer_as_a_whole():
    loud = hits((0.1, 3, -20.0), *((0.5, place, 10.0) for place in range(20)))
    raw, sound = np.concatenate(list(blocks(loud, INSTRUMENT))), render(loud, INSTRUMENT)
    scale = CEILING / np.abs(raw).max()
    assert scale < 0.5
    assert np.abs(sound).max() == pytest.approx(CEILING, rel=0.05)  # the true peak lies between samples
    assert np.abs(sound).max() <= CEILING
    assert sound == pytest.approx(raw * (np.abs(sound).max() / np.abs(raw).max()), abs=1e-6)


def test_live_sound_never_passes_the_ceiling_and_keeps_its_form():
    """Live sound is not known beforehand: where it would be too loud the volume falls, and stays there."""
    renderer, raw = Renderer(INSTRUMENT), Renderer(INSTRUMENT)
    for one in (renderer, raw):
        one.add(hits((0.0, 3, -20.0), *((0.05, place, 10.0) for place in range(20)), (0.5, 3, -20.0)))
    sound = np.concatenate([renderer.read(1024) for _ in range(40)])
    whole = raw.mix(len(sound))
    assert np.abs(sound).max() == pytest.approx(CEILING)
    assert sound[:2048] == pytest.approx(whole[:2048], abs=1e-6)
    last = slice(8 * 1024, None)
    factor = np.abs(sound[last]).max() / np.abs(whole[last]).max()
    assert factor < 0.5
    assert sound[last] == pytest.approx(whole[last] * factor, abs=1e-5)


def test_silence_before_the_first_hit_and_of_no_hits():
    sound = render(hits((0.3, 0, -6.0)), INSTRUMENT)
    assert not sound[: int(0.3 * SAMPLE_RATE)].any()
    assert sound[int(0.3 * SAMPLE_RATE) + 2 :].any()
    assert render(hits(), INSTRUMENT, tail=0.5).shape == (SAMPLE_RATE // 2, 2)
    assert not render(hits(), INSTRUMENT).any()


def test_the_tail_fades_to_nothing():
    sound = render(hits((0.0, 0, LOUDEST)), INSTRUMENT, tail=1.0)
    assert len(sound) == SAMPLE_RATE
    assert np.abs(sound[-48:]).max() < 1e-4 < np.abs(sound[SAMPLE_RATE // 2 : SAMPLE_RATE // 2 + 48]).max()


def test_a_hit_on_a_ringing_bar_just_adds():
    one, two = hits((0.1, 9, -8.0)), hits((0.234567, 9, -12.0))
    both = np.concatenate((one, two))
    length = int(2.0 * SAMPLE_RATE)
    parts = [render(table, INSTRUMENT)[:length] for table in (one, two, both)]
    assert np.abs(parts[0] + parts[1] - parts[2]).max() < 1e-5


@pytest.mark.parametrize("size", [7, 480, 1024, 9000])
def test_blocks_of_any_size_give_the_same_sound(size):
    table = piece(40, 0.2 if size == 7 else 2.0)
    frames = 12000 if size == 7 else 2 * SAMPLE_RATE
    whole, pieces = Renderer(INSTRUMENT), Renderer(INSTRUMENT)
    whole.add(table)
    pieces.add(table[::2])
    pieces.add(table[1::2])
    parts = [pieces.mix(min(size, frames - begin)) for begin in range(0, frames, size)]
    difference = np.concatenate(parts) - whole.mix(frames)
    assert np.abs(difference).max() < 0.5 / 32767  # half a step of 16 bit


def test_a_renderer_told_late_sounds_at_once_and_seeks():
    renderer = Renderer(INSTRUMENT)
    renderer.seek(10.0)
    renderer.add(hits((9.5, 4, -6.0), (10.1, 5, -6.0)))
    sound = renderer.read(2400)
    assert renderer.position == pytest.approx(10.05)
    assert np.abs(sound[:48]).max() > 0.001
    assert not Renderer(INSTRUMENT).read(2400).any()


def test_a_wav_file_holds_the_sound_to_a_step(tmp_path):
    sound = render(piece(20, 1.0), INSTRUMENT)
    path = tmp_path / "out.wav"
    write_wav(path, sound, SAMPLE_RATE)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, SAMPLE_RATE)
        assert file.getnframes() == len(sound)
        steps = np.frombuffer(file.readframes(len(sound)), "<i2").reshape(-1, 2) / 32767
    error = (steps - sound) * 32767
    assert np.abs(error).max() <= 1.5
    assert abs(error.mean()) < 0.02
    assert 0.47 < error.std() < 0.53  # triangular dither and rounding: 1/2 of a step; even dither: 0.41


def test_dither_keeps_what_is_softer_than_a_step(tmp_path):
    tone = 0.4 / 32767 * np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    path = tmp_path / "soft.wav"
    write_wav(path, np.stack((tone, tone), axis=1).astype(np.float32))
    with wave.open(str(path)) as file:
        left = np.frombuffer(file.readframes(SAMPLE_RATE), "<i2").reshape(-1, 2)[:, 0]
    assert abs(fundamental(left.astype(float), 1000.0)) == pytest.approx(0.4, abs=0.03)


def test_the_same_hits_give_the_same_file_by_either_way(tmp_path, monkeypatch):
    table = piece(30, 2.0)
    render_wav(tmp_path / "whole.wav", table, INSTRUMENT)
    monkeypatch.setattr("xylophone.sound.rendering.FITS", 0.0)
    render_wav(tmp_path / "twice.wav", table, INSTRUMENT)
    write_wav(tmp_path / "array.wav", render(table, INSTRUMENT))
    files = [(tmp_path / f"{name}.wav").read_bytes() for name in ("whole", "array", "twice")]
    assert files[0] == files[1]
    assert len(files[2]) == len(files[0])
    steps = [np.frombuffer(file[44:], "<i2").astype(int) for file in (files[0], files[2])]
    assert np.abs(steps[0] - steps[1]).max() <= 2  # dither falls on other parts of the sound


def test_an_unwritable_file_is_named_and_nothing_is_left(tmp_path):
    missing = tmp_path / "nowhere" / "out.wav"
    with pytest.raises(FileError, match=r"cannot write .*out\.wav: its folder does not exist"):
        write_wav(missing, np.zeros((10, 2), np.float32))

    def broken():
        yield np.zeros((10, 2), np.float32)
        raise OptionError("no more")

    with pytest.raises(OptionError):
        write_wav(tmp_path / "half.wav", broken())
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_rendered_is_refused(tmp_path):
    with pytest.raises(OptionError, match="channel 63, which has no hammer"):
        render(hits((0.0, 63, -6.0)), INSTRUMENT)
    with pytest.raises(OptionError, match="more than the 21600 s"):
        render(hits((1e9, 0, -6.0)), INSTRUMENT)
    with pytest.raises(OptionError, match="of sound for 1 hit, which is nearly all silence"):
        render(hits((700.0, 0, -6.0)), INSTRUMENT)
    with pytest.raises(OptionError, match="time is no number"):
        render(hits((math.nan, 0, -6.0)), INSTRUMENT)
    with pytest.raises(OptionError, match="sample rate 100"):
        Renderer(INSTRUMENT, 100)
    with pytest.raises(OptionError, match="tail -1"):
        render(hits(), INSTRUMENT, tail=-1)
    with pytest.raises(TypeError, match="dtype HIT"):
        render(np.zeros(3), INSTRUMENT)
    with pytest.raises(TypeError, match=r"\(frames, 2\)"):
        write_wav(tmp_path / "never.wav", np.zeros(3, np.float32))
