"""Simulated performances, and what is known of simulated hammers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tuning.sessions import instrument_of
from xylophone import arrange, build_instrument, find_song, load_song, simulate
from xylophone.performance.simulate import constant_latency, measured
from xylophone.simulation.hammers import Twin

SMALL = instrument_of((72, 76, 79))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


def test_hammers_are_measured_once_and_kept(folder: Path) -> None:
    first = measured(Twin(SMALL, seed=3), folder)
    (kept,) = folder.iterdir()
    kept.write_text(re.sub(r"(?m)^rest_time = .*$", "rest_time = 11.5", kept.read_text()))
    again = measured(Twin(SMALL, seed=3), folder)
    assert first.rest_time != again.rest_time == 11.5
    assert again.width.tobytes() == first.width.tobytes()


def test_other_hammers_are_measured_by_themselves(folder: Path) -> None:
    one, other = (measured(Twin(SMALL, seed=seed), folder) for seed in (3, 4))
    assert not np.array_equal(one.latency, other.latency)


def test_a_spoiled_file_is_measured_again(folder: Path, tmp_path: Path) -> None:
    good = measured(Twin(SMALL, seed=3), tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_text("no calibration")
    assert measured(Twin(SMALL, seed=3), tmp_path).latency.tobytes() == good.latency.tobytes()


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert measured(Twin(SMALL, seed=3), tmp_path / "file" / "folder").hammers[0] == "C5"


def test_a_performance_is_near_the_score_and_repeats_exactly() -> None:
    arrangement = arrange(load_song(find_song("twinkle")), build_instrument())
    one, again = (simulate(arrangement) for _ in range(2))
    assert one.to_json() == again.to_json()
    assert one.summary()["timing_error"]["p95"] < 0.001
    assert one.summary()["level_error_db"]["p95"] < 1.0


def test_constant_latency_is_one_number() -> None:
    plain = constant_latency(measured(Twin(SMALL)))
    assert np.ptp(plain.latency) == 0.0
    assert not plain.latency_rest.any()
