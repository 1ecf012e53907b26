"""Tuning by sounds of other bars: of either material, and a recorded xylophone from a soundfont."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tuning.sessions import EIGHT, distance
from tuning.soundfont import SoundfontBars, sound_of
from xylophone.backends.simulated import SimulatedBackend
from xylophone.calibration.file import default_calibration
from xylophone.clock import VirtualClock
from xylophone.instrument import MATERIALS, build_instrument
from xylophone.simulation.bench import measure
from xylophone.simulation.ear import Room, SimulatedEar, SimulatedMicrophone, pink_noise
from xylophone.simulation.hammers import Twin
from xylophone.sound.position import PLACES, position_of
from xylophone.tables import HIT
from xylophone.tuning.auto_session import AutoSession
from xylophone.tuning.diagnosis import diagnose
from xylophone.tuning.evidence import CLIPPED
from xylophone.tuning.picker import pick
from xylophone.tuning.sag import result_of

RATE = 48000


@pytest.mark.parametrize(("snr_db", "spread", "farthest"), [(40.0, 0.02, 0.08), (20.0, 0.05, 0.25)])
def test_onsets_of_recorded_bars_are_found_beside_others_that_ring(
    snr_db: float, spread: float, farthest: float
) -> None:
    """Errors in ms; the asked ones are 0.15 and 0.3 ms SD, none beyond 1 ms."""
    chance = np.random.default_rng(3)
    sounds = [sound_of(pitch, RATE)[: RATE // 2] for pitch in range(67, 97)]
    sounds = [sound / np.sqrt(np.mean(sound[: RATE // 20] ** 2)) for sound in sounds]
    errors = []
    for number in range(120):
        recording = pink_noise(RATE // 2, RATE, chance) * 10.0 ** (-snr_db / 20.0)
        onset = RATE // 4 + int(chance.integers(-400, 400))
        ringing = sounds[chance.integers(30)]
        before = int(0.2 * RATE)
        recording[onset - before :][: len(ringing)] += ringing[: len(recording) - onset + before]
        recording[onset:] += sounds[number % 30][: len(recording) - onset]
        found = pick(recording, RATE, RATE // 4 - 720, RATE // 4 + 960)
        assert found is not None
        errors.append(1e3 * (found - onset) / RATE)
    away = np.array(errors) - np.median(errors)
    assert away.std() < spread
    assert np.abs(away).max() < farthest


@pytest.mark.parametrize("material", MATERIALS)
def test_soft_onsets_are_found_among_thirty_bars_that_ring(material: str) -> None:
    """Blows of 19 dB, one every 0.3 s: of steel, all bars that were struck before still ring."""
    instrument, chance = build_instrument(bars=material), np.random.default_rng(1)
    hits = np.zeros(180, HIT)
    hits["time"] = 0.5 + np.cumsum(chance.uniform(0.26, 0.34, 180))
    hits["level"] = chance.uniform(-24.0, -5.0, 180)
    hits["channel"] = np.concatenate([chance.permutation(30) for _ in range(6)])
    room = Room(late=0.0, ppm=0.0)
    microphone = SimulatedMicrophone(instrument, room, RATE)
    microphone.hear(hits)
    onsets = (hits["time"] + room.position.delays(30)[hits["channel"]]) * RATE
    recording = microphone.read(float(hits["time"][-1]) + 1.0)
    found = [pick(recording, RATE, int(onset) - 720, int(onset) + 960) for onset in onsets]
    errors = np.array([np.nan if at is None else at - onset for at, onset in zip(found, onsets, strict=True)])
    soft = hits["level"] < -20.0
    assert np.isfinite(errors[~soft]).mean() > 0.98
    assert np.isfinite(errors[soft]).mean() > 0.85
    assert np.nanstd(errors) / RATE < 0.00006


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("material", MATERIALS)
def test_a_microphone_at_any_place_records_loud_blows_whole(material: str, place: str) -> None:
    instrument = build_instrument(bars=material)
    hits = np.zeros(30, HIT)
    hits["time"], hits["channel"] = 0.5 + 0.3 * np.arange(30), np.arange(30)
    microphone = SimulatedMicrophone(instrument, Room(position_of(place)), RATE)
    microphone.hear(hits)
    assert np.abs(microphone.read(10.0)).max() < CLIPPED


@pytest.mark.parametrize("material", MATERIALS)
def test_a_whole_session_finds_the_true_curves_whatever_the_bars_are_of(material: str) -> None:
    instrument = replace(EIGHT, bars=material)
    twin, room = Twin(instrument, 4), Room(snr_db=45.0)
    backend = SimulatedBackend(instrument, VirtualClock(), twin)
    ear = SimulatedEar(backend, SimulatedMicrophone(instrument, room, RATE))
    analysis = AutoSession(backend, ear, default_calibration(instrument), room.position).run()
    assert not diagnose(analysis)
    assert distance(result_of(analysis), measure(twin)).usual_width < 0.04


def test_a_whole_session_with_recorded_bars_finds_the_true_curves() -> None:
    """Within bounds that the default curves miss."""
    twin, room = Twin(EIGHT, 4), Room(snr_db=45.0)
    gains = 10.0 ** (-room.position.losses(len(EIGHT)) / 20.0)
    microphone = SimulatedMicrophone(EIGHT, room, RATE, SoundfontBars(EIGHT, RATE, gains))
    backend = SimulatedBackend(EIGHT, VirtualClock(), twin)
    default = default_calibration(EIGHT)
    analysis = AutoSession(backend, SimulatedEar(backend, microphone), default, room.position).run()
    found, before = (distance(calibration, measure(twin)) for calibration in (result_of(analysis), default))
    assert not diagnose(analysis)
    assert found.usual_width < 0.04 < before.usual_width
    assert before.usual_width > 2.0 * found.usual_width
    assert found.usual_latency < 0.5 < before.usual_latency
