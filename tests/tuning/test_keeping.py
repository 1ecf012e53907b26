"""A calibration takes the place of another, which is kept beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from xylophone.calibration import Calibration
from xylophone.calibration_file import calibration_text, default_calibration, read_calibration
from xylophone.errors import CalibrationError, FileError
from xylophone.instrument import build_instrument
from xylophone.tuning.edits import later
from xylophone.tuning.keeping import keep, previous_of, take_back

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
DEFAULT = default_calibration(build_instrument())


def versions(count: int) -> list[Calibration]:
    return [later(DEFAULT, 0, 0.001 * number) for number in range(1, count + 1)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def first_latency(path: Path) -> float:
    return round(1000 * float(read_calibration(path).latency[0, 0] - DEFAULT.latency[0, 0]), 3)


def test_the_first_is_written_into_a_new_folder_dated_and_says_on_what(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "calibration.toml"
    kept = keep(path, DEFAULT, NOON, "gpio:595")
    assert (kept.tuned, kept.backend) == ("2026-03-01T12:00:00+00:00", "gpio:595")
    assert path.read_text() == calibration_text(kept)
    assert names(path.parent) == ["calibration.toml"]


def test_what_was_in_force_is_kept_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    one, two, three = versions(3)
    keep(path, one, NOON, "")
    path.write_text(path.read_text() + "# a remark\n")
    before = path.read_bytes()
    keep(path, two, NOON + timedelta(hours=1), "")
    assert previous_of(path) == tmp_path / "mine.previous.toml"
    assert previous_of(path).read_bytes() == before
    keep(path, three, NOON + timedelta(hours=2), "")
    assert (first_latency(path), first_latency(previous_of(path))) == (3.0, 2.0)
    assert names(tmp_path) == ["mine.previous.toml", "mine.toml"]


def test_taking_back_changes_places_and_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    one, two = versions(2)
    keep(path, one, NOON, "")
    keep(path, two, NOON + timedelta(hours=1), "")
    before = path.read_bytes(), previous_of(path).read_bytes()
    back = take_back(path)
    assert back.tuned == "2026-03-01T12:00:00+00:00"
    assert (path.read_bytes(), previous_of(path).read_bytes()) == before[::-1]
    take_back(path)
    assert (path.read_bytes(), previous_of(path).read_bytes()) == before


def test_taking_back_what_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    for version in versions(2):
        keep(path, version, NOON, "")
    path.unlink()
    take_back(path)
    assert first_latency(path) == 1.0


def test_nothing_to_take_back_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"calibration\.previous\.toml: .*nothing can be taken back"):
        take_back(tmp_path / "calibration.toml")
    assert names(tmp_path) == []


def test_a_previous_one_that_is_broken_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    keep(path, DEFAULT, NOON, "")
    previous_of(path).write_text("no = calibration")
    before = path.read_bytes()
    with pytest.raises(CalibrationError, match="previous"):
        take_back(path)
    assert (path.read_bytes(), previous_of(path).read_text()) == (before, "no = calibration")


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "calibration.toml"
    keep(path, DEFAULT, NOON, "")
    before = path.read_bytes()
    with pytest.raises(CalibrationError, match=r"cannot write .*rest_time"):
        keep(path, replace(DEFAULT, rest_time=1e6), NOON, "")
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"cannot make .*--calibration"):
        keep(tmp_path / "file" / "calibration.toml", DEFAULT, NOON, "")
