"""A calibration takes the place of another; all that were in force can be returned to."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from xylophone.calibration.file import default_calibration, read_calibration, write_calibration
from xylophone.calibration.values import Calibration
from xylophone.errors import CalibrationError, FileError
from xylophone.files import alone_with
from xylophone.instrument import build_instrument
from xylophone.tuning.edits import later
from xylophone.tuning.keeping import KEPT, Versions, folder_of, hold

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
INSTRUMENT = build_instrument("diatonic-15")
DEFAULT = default_calibration(INSTRUMENT)


def keep(path: Path, number: int) -> Calibration:
    """Put a calibration in force that is known again by its number."""
    with hold(path) as held:
        return held.keep(later(DEFAULT, 0, 1e-4 * number), NOON, "gpio:595")


def take_back(path: Path, number: int | None = None) -> None:
    with hold(path) as held:
        held.take_back(Versions.read(path).before() if number is None else number, INSTRUMENT)


def kept(path: Path) -> int:
    """Return the number of the calibration that is in force, 0 for none."""
    if not path.exists():
        return 0
    return round(1e4 * float(read_calibration(path).latency[0, 0] - DEFAULT.latency[0, 0]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calibration.toml"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_first_is_written_into_a_new_folder_dated_and_says_on_what(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "calibration.toml"
    written = keep(path, 1)
    assert (written.tuned, written.backend) == ("2026-03-01T12:00:00+00:00", "gpio:595")
    assert path.read_text().startswith("# Version 1, made from 0; xylophone tune log lists all.\n")
    assert names(path.parent) == ["calibration.toml", "calibration.versions"]
    assert names(folder_of(path)) == ["1-after-0.toml"]


def test_undo_goes_back_to_the_first_and_to_none(path: Path) -> None:
    for number in range(1, 13):
        keep(path, number)
    found = []
    while path.exists():
        take_back(path)
        found.append(kept(path))
    assert found == [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    with pytest.raises(FileError, match=r"there is no .*nothing can be taken back; .*tune log lists"):
        take_back(path)
    take_back(path, 12)
    assert kept(path) == 12


def test_what_is_kept_after_undo_is_taken_back_to_what_it_was_made_from(path: Path) -> None:
    for number in (1, 2):
        keep(path, number)
    take_back(path)
    keep(path, 3)
    assert [(one.number, one.made_from) for one in Versions.read(path).known] == [(1, 0), (2, 1), (3, 1)]
    take_back(path)
    assert kept(path) == 1
    take_back(path, 2)
    assert kept(path) == 2


def test_the_same_numbers_again_are_a_version_of_their_own(path: Path) -> None:
    for number in (1, 2, 1):
        keep(path, number)
    take_back(path)
    assert kept(path) == 2


def test_what_somebody_has_edited_is_kept_byte_for_byte(path: Path) -> None:
    keep(path, 1)
    path.write_text(path.read_text() + "# a remark\n")
    edited = path.read_bytes()
    assert Versions.read(path).present == 2
    keep(path, 3)
    take_back(path)
    assert path.read_bytes() == edited
    take_back(path)
    assert (kept(path), path.read_bytes() == edited) == (1, False)
    take_back(path, 2)
    assert path.read_bytes() == edited


def test_what_was_in_force_is_kept_though_its_change_was_killed_and_somebody_edited_it_then(
    path: Path,
) -> None:
    keep(path, 1)
    keep(path, 2)
    second = folder_of(path) / "2-after-1.toml"
    before = second.read_bytes()
    second.rename(f"{second}.new")  # as a `kill -9` leaves it
    path.write_bytes(before + b"# a remark\n")
    keep(path, 3)
    assert [(one.number, one.made_from) for one in Versions.read(path).known] == [
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 3),
    ]
    assert second.read_bytes() == before


def test_what_was_deleted_is_still_kept(path: Path) -> None:
    keep(path, 1)
    keep(path, 2)
    path.unlink()
    assert Versions.read(path).present == 0
    take_back(path, 2)
    assert kept(path) == 2


def test_a_file_from_before_versions_is_the_first_one(path: Path) -> None:
    write_calibration(path, later(DEFAULT, 0, 1e-4 * 7))
    keep(path, 8)
    take_back(path)
    assert kept(path) == 7
    take_back(path)
    assert kept(path) == 0
    take_back(path, 1)
    assert kept(path) == 7


def test_what_is_no_file_is_no_version_and_a_huge_one_is_refused(path: Path) -> None:
    """A pipe would be waited for, and what is huge takes all memory."""
    keep(path, 1)
    os.mkfifo(folder_of(path) / "5-after-1.toml")
    (folder_of(path) / "6-after-5.toml").mkdir()
    (folder_of(path) / "7-after-6.toml").symlink_to("/dev/zero")
    assert [one.number for one in Versions.read(path).known] == [1]
    keep(path, 2)
    take_back(path)
    assert kept(path) == 1
    (folder_of(path) / "8-after-7.toml").write_bytes(b"")
    os.truncate(folder_of(path) / "8-after-7.toml", 10**12)
    with pytest.raises(FileError, match=r"8-after-7\.toml: it has more than 4000000 bytes"):
        Versions.read(path)


def test_after_any_number_comes_the_next(path: Path) -> None:
    keep(path, 1)
    path.rename(folder_of(path) / "999999999-after-1.toml")
    keep(path, 2)
    keep(path, 3)
    assert [one.number for one in Versions.read(path).known] == [1, 999999999, 1000000000, 1000000001]
    take_back(path)
    assert kept(path) == 2


def test_nothing_to_take_back_is_said(path: Path) -> None:
    with pytest.raises(FileError, match=r"there is no .*calibration\.toml: nothing is tuned"):
        Versions.read(path).before()
    keep(path, 1)
    with pytest.raises(FileError, match=r"version 5 of .* is not kept: xylophone tune log lists"):
        take_back(path, 5)
    assert kept(path) == 1


def test_the_oldest_go_but_not_what_undo_needs(path: Path) -> None:
    keep(path, 1)
    for number in range(2, KEPT + 12):
        (folder_of(path) / f"{number}-after-{number - 1}.toml").write_text(f"# {number}\n")
    path.write_text(f"# {KEPT + 11}\n")
    keep(path, 99)
    known = Versions.read(path).known
    assert [one.number for one in known] == list(range(13, KEPT + 13))

    take_back_to = known[0].number  # far back, and on from there: what led to it stays
    path.write_text(f"# {take_back_to}\n")
    keep(path, 100)
    stay = Versions.read(path)
    assert stay.before() == take_back_to
    assert take_back_to in {one.number for one in stay.known}


@pytest.mark.parametrize("content", ["no = calibration", ""])
def test_a_version_that_is_broken_is_not_put_in_force(path: Path, content: str) -> None:
    keep(path, 1)
    keep(path, 2)
    (folder_of(path) / "1-after-0.toml").write_text(content)
    with pytest.raises(CalibrationError, match=r"1-after-0\.toml"):
        take_back(path)
    assert kept(path) == 2


def test_a_version_of_another_instrument_is_not_put_in_force(path: Path) -> None:
    write_calibration(path, default_calibration(build_instrument()))
    keep(path, 2)
    with pytest.raises(
        CalibrationError, match=r"is for another instrument, 30 zye1-0530 hammers G4\.\.C7, not"
    ):
        take_back(path)
    assert kept(path) == 2


def test_what_could_not_be_read_again_is_not_written(path: Path) -> None:
    keep(path, 1)
    with pytest.raises(CalibrationError, match=r"cannot write .*rest_time"), hold(path) as held:
        held.keep(replace(DEFAULT, rest_time=1e6), NOON, "")
    assert kept(path) == 1
    assert names(folder_of(path)) == ["1-after-0.toml"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"cannot make .*--calibration"):
        keep(tmp_path / "file" / "calibration.toml", 1)


def test_whoever_waits_too_long_is_told(path: Path) -> None:
    with hold(path), pytest.raises(FileError, match=r"cannot change .*: another program has held it for 0 s"):
        alone_with(path, patience=0).__enter__()
    keep(path, 1)
    assert kept(path) == 1
