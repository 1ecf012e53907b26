"""The bench measures what makes strikes come out right: held out chords, rest, warmth."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import xylophone
from sequencer.playing import strikes
from simulation.striking import exact, pulses, small
from xylophone.calibration.file import read_calibration
from xylophone.calibration.values import Calibration, SupplyTerms
from xylophone.errors import CalibrationError
from xylophone.instrument import KINDS, build_instrument
from xylophone.performance.simulate import perform
from xylophone.sequencer import sequence
from xylophone.simulation.bench import measure, nominal
from xylophone.simulation.curve_bench import Condition, Rig
from xylophone.simulation.hammers import Twin
from xylophone.simulation.supply_bench import compensate, look_up, random_chords, strike


def errors(twin: Twin, calibration: Calibration, terms: SupplyTerms) -> tuple[np.ndarray, np.ndarray]:
    """Return errors of contact times in s and of levels in dB of chords that the fit has never seen."""
    chords = random_chords(calibration, 150, 99)
    answer = look_up(calibration, chords)
    current = twin.instrument.column("current")[chords.hammer]
    start, width, _, _ = compensate(answer, chords, terms, current)
    time, level = strike(Rig(twin.hammers, twin.setting), chords, start, width)
    return np.abs(time - chords.contact), np.abs(level - chords.level)


@pytest.fixture(scope="module")
def tuned() -> tuple[Twin, Calibration]:
    """An instrument of 30 hammers of ordinary tolerance, and its true calibration."""
    twin = Twin(build_instrument(), 4, 0.0, 0.0)
    return twin, measure(twin)


def test_chords_come_out_in_time_and_as_loud_as_planned(tuned):
    twin, calibration = tuned
    time, level = errors(twin, calibration, calibration.supply)
    assert np.isfinite(time).all()
    print(
        f"ms {1e3 * np.percentile(time, 95):.3f}, {1e3 * time.max():.3f}; dB {np.percentile(level, 95):.3f}"
    )
    assert np.percentile(time, 95) <= 0.0001
    assert time.max() <= 0.0003
    assert np.percentile(level, 95) <= 0.15


def test_without_the_supply_terms_they_do_not(tuned):
    twin, calibration = tuned
    time, level = errors(twin, calibration, SupplyTerms())
    assert np.nanpercentile(time, 95) > 0.002
    assert np.nanpercentile(level, 95) > 2.0


def rested_chords(seed: int, velocity: float) -> np.ndarray:
    """Return chords of eight hammers, of which each has rested for a minute at least."""
    rng = np.random.default_rng(seed)
    onsets = 60.0 * np.arange(1, 13)
    rows = [(t, h, velocity) for t in onsets for h in rng.choice(30, 8, replace=False).tolist()]
    return strikes(*((float(time), hammer, loud) for time, hammer, loud in rows))


def test_rested_hammers_in_soft_chords_are_as_loud_as_planned_and_in_time(tuned):
    twin, calibration = tuned
    plan = sequence(rested_chords(5, 1.0), twin.instrument, calibration)
    heard = perform(plan, Twin(twin.instrument, 4, 0.0, 0.0))
    assert np.abs(heard.level_error_db).max() < 1.5
    assert np.abs(heard.timing_error).max() < 0.0007


def test_without_the_coupling_of_rest_and_loss_they_are_not(tuned):
    twin, calibration = tuned
    plan = sequence(rested_chords(5, 1.0), twin.instrument, replace(calibration, rest_coupling=0.0))
    heard = perform(plan, Twin(twin.instrument, 4, 0.0, 0.0))
    assert np.nanmax(np.abs(heard.level_error_db)) > 5.0
    assert np.nanmax(np.abs(heard.timing_error)) > 0.0015


def test_a_lone_strike_anywhere_between_the_knots_is_exact(tuned):
    twin, calibration = tuned
    level = calibration.level
    for part in (0.25, 0.5, 0.75):
        asked, width, latency = (
            (curve[:, :-1] + part * np.diff(curve)).ravel()
            for curve in (level, calibration.width, calibration.latency)
        )
        hammer = np.repeat(np.arange(30), level.shape[1] - 1)
        came, loud = Rig(twin.hammers, twin.setting).strike(hammer, width, Condition())
        assert np.abs(came - latency).max() < 5e-5
        assert np.abs(loud - asked).max() < 0.1


@pytest.mark.parametrize("rest", [2.0, 10.0, 60.0])
def test_rest_is_made_up_for(tuned, rest):
    twin, calibration = tuned
    middle = calibration.level.shape[1] // 2
    rested = -np.expm1(-rest / calibration.rest_time)
    width = (calibration.width + rested * calibration.width_rest)[:, middle]
    latency = (calibration.latency + rested * calibration.latency_rest)[:, middle]
    twin.reset()
    first = pulses(*((0.1 * n, 0.012, n) for n in range(30)))
    again = pulses(*((0.1 * n + 0.012 + rest, width[n], n) for n in range(30)))
    again["strike"] += 30
    hits = twin.play(np.sort(np.concatenate((first, again)), order="start")).hits
    hits = hits[hits["strike"] >= 30]
    hits = hits[np.argsort(hits["strike"])]
    assert len(hits) == 30
    assert np.abs(hits["time"] - again["start"] - latency).max() < 2e-4
    assert np.abs(hits["level"] - calibration.level[:, middle]).max() < 0.4


def test_warmth_is_made_up_for(tuned):
    twin, calibration = tuned
    warmth, middle = calibration.warmth, calibration.level.shape[1] // 2
    hot = Twin(twin.instrument, 4, 0.0, 0.0, ambient=35.0)
    loss = 10.0 * warmth.loss_per_kelvin
    width = calibration.width + loss * (calibration.width_loss + loss * calibration.width_loss2)
    latency = calibration.latency + loss * (calibration.latency_loss + loss * calibration.latency_loss2)
    hot.play(pulses(*((0.02 * n, 0.013, n) for n in range(30))))
    table = pulses(*((0.65 + 0.02 * n, width[n, middle], n) for n in range(30)))
    hits = hot.play(table).hits
    hits = hits[np.argsort(hits["strike"])]
    assert np.abs(hits["time"] - table["start"] - latency[:, middle]).max() < 6e-4
    assert warmth.time_constant == pytest.approx(650.0, rel=0.02)


def test_curves_begin_where_they_are_not_steep_and_end_before_they_saturate(tuned):
    _, calibration = tuned
    slope = np.diff(calibration.level) / np.diff(1e3 * calibration.width)
    assert slope[:, 0].max() < 13.0
    assert slope[:, -1].min() > 0.2
    assert (calibration.width >= 0.006).all()
    assert (calibration.width <= 0.022).all()
    low, high = calibration.common_range()
    assert high - low > 9.0


def test_the_bench_leaves_the_twin_as_it_was():
    twin, other = Twin(small(count=2), 1), Twin(small(count=2), 1)
    song = pulses((0.0, 0.013, 0), (0.01, 0.013, 1), (0.4, 0.013, 0))
    twin.play(song)
    other.play(song)
    measure(twin)
    song["start"] += 1.0
    assert np.array_equal(twin.play(song).hits, other.play(song).hits)


@pytest.mark.parametrize("kind", KINDS)
def test_the_calibration_that_ships_is_what_the_bench_measures(kind):
    shipped = read_calibration(Path(xylophone.__file__).parent / "kinds" / f"{kind}.toml")
    fresh = nominal(KINDS[kind])
    assert shipped.hammers == fresh.hammers == ("C6",)
    assert shipped.origin == ("default",)
    for key in ("width", "latency"):
        assert getattr(shipped, key) == pytest.approx(getattr(fresh, key), abs=2e-6)
    assert shipped.level == pytest.approx(fresh.level, abs=0.01)
    assert shipped.rest_coupling == pytest.approx(fresh.rest_coupling, rel=0.02)
    assert shipped.supply.per_ampere == pytest.approx(fresh.supply.per_ampere, rel=0.02)


def test_shipped_files_are_toml_of_every_kind():
    folder = Path(xylophone.__file__).parent / "kinds"
    assert sorted(path.stem for path in folder.glob("*.toml")) == sorted(KINDS)
    for path in folder.glob("*.toml"):
        assert tomllib.loads(path.read_text(encoding="utf-8"))["kind"] == path.stem


def test_a_hammer_that_cannot_reach_its_bar_is_an_error_that_says_so():
    twin = exact(small("jf-0530b"), ambient=150.0)
    with pytest.raises(CalibrationError, match="never meets its bar with pulses of 15 to 38 ms"):
        measure(twin)
