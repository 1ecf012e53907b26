"""The catalogue keeps what was found out, and nothing that is no longer so; a bad database is one line."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from xylophone.collection.catalogue import BATCH, VERSION, Catalogue, Found, Scored, open_catalogue
from xylophone.errors import FileError

FOLDER = Path("/music")


def files(many: int, modified: int = 1) -> list[Found]:
    return [Found(f"/music/{number:03}.mid", 100, modified) for number in range(many)]


def fill(catalogue: Catalogue) -> list[str]:
    """Add a fit for all that waits; return their paths."""
    waiting = list(catalogue.waiting())
    for file in waiting:
        catalogue.add(file, Scored(title="Tune", score=len(file.path)))
    return [file.path for file in waiting]


def scanned(path: Path, found: list[Found], setting: str = "bell", folder: Path = FOLDER) -> list[str]:
    """Return what a scan of these files would have to score."""
    with open_catalogue(path, setting) as catalogue:
        catalogue.list_files(found, [folder])
        return fill(catalogue)


def listed(path: Path, found: list[Found], patience: float = 10) -> list[tuple[Found, Scored]]:
    with open_catalogue(path, "bell", patience) as catalogue:
        catalogue.list_files(found, [])
        return list(catalogue.fits())


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "scan.sqlite"


def test_what_was_added_is_known_to_the_next_one(database: Path) -> None:
    assert len(scanned(database, files(3))) == 3
    assert scanned(database, files(3)) == []
    fit = Scored(b"abc", "Tune", 1.5, 20, 90, -3, 15, 3, 1, 1, "Flute", "", b"turns")
    with open_catalogue(database, "bell") as catalogue:
        catalogue.list_files(files(1), [])
        catalogue.add(files(1)[0], fit)
        assert list(catalogue.tunes()) == [(b"abc", b"turns")]
    ((file, known),) = listed(database, files(1))
    assert (file, known.title, known.dropped, known.melody) == (files(1)[0], "Tune", 1, "Flute")


def test_a_file_that_changed_is_new(database: Path) -> None:
    scanned(database, files(3))
    changed = [*files(1), *files(3, modified=2)[1:2], Found("/music/002.mid", 101, 1)]
    assert scanned(database, changed) == ["/music/001.mid", "/music/002.mid"]
    assert len(listed(database, changed)) == 3


def test_each_setting_has_rows_of_its_own(database: Path) -> None:
    assert len(scanned(database, files(2), "bell")) == len(scanned(database, files(2), "box")) == 2
    assert scanned(database, files(2), "bell") == []


def test_what_is_gone_is_forgotten_and_what_lies_elsewhere_is_not(database: Path) -> None:
    other = [Found("/musical/1.mid", 1, 1)]
    scanned(database, other, folder=Path("/musical"))
    scanned(database, files(3))
    scanned(database, files(2))
    assert len(listed(database, files(3))) == 2
    assert len(listed(database, other)) == 1
    scanned(database, [], folder=Path("/"))
    assert listed(database, other + files(3)) == []


def test_the_best_come_first_and_those_without_score_last(database: Path) -> None:
    found = files(4)
    with open_catalogue(database, "bell") as catalogue:
        catalogue.list_files(found, [])
        for file, score in zip(found, (50, None, 90, 50), strict=True):
            catalogue.add(file, Scored(score=score, reason="" if score else "damaged"))
        assert [fit.score for _, fit in catalogue.fits()] == [90, 50, 50, None]
        assert [file.path[-7:-4] for file, _ in catalogue.fits()] == ["002", "000", "003", "001"]
        assert catalogue.count() == (4, 4)


def test_a_batch_is_kept_whatever_happens_then(database: Path) -> None:
    with open_catalogue(database, "bell") as catalogue:
        catalogue.list_files(files(BATCH + 9), [FOLDER])
        fill(catalogue)
        with closing(sqlite3.connect(database)) as other:  # as the next process would see it after kill -9
            assert other.execute("SELECT count(*) FROM fits").fetchone() == (BATCH,)


def test_what_was_added_before_an_error_is_kept(database: Path) -> None:
    def interrupted() -> None:
        with open_catalogue(database, "bell") as catalogue:
            catalogue.list_files(files(3), [FOLDER])
            fill(catalogue)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert scanned(database, files(3)) == []


def test_a_name_may_be_any_bytes(database: Path) -> None:
    odd = [Found(os.fsdecode(b"/music/\xff\n'.mid"), 1, 1)]
    assert scanned(database, odd) == [odd[0].path]
    assert scanned(database, odd) == []


def test_an_older_database_is_made_anew(database: Path) -> None:
    scanned(database, files(2))
    with closing(sqlite3.connect(database)) as base:
        base.executescript("ALTER TABLE fits DROP COLUMN melody; PRAGMA user_version = 0")
    assert len(scanned(database, files(2))) == 2


def test_an_empty_file_becomes_a_database(database: Path) -> None:
    database.parent.mkdir()
    database.touch()
    assert len(scanned(database, files(2))) == 2


def refused(path: Path, *words: str, patience: float = 10) -> None:
    with pytest.raises(FileError) as caught:
        listed(path, files(2), patience=patience)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_newer_database_is_left_alone(database: Path) -> None:
    scanned(database, files(2))
    with closing(sqlite3.connect(database)) as base:
        base.execute(f"PRAGMA user_version = {VERSION + 1}")
    refused(database, f"version {VERSION + 1}", "delete")


def test_another_programs_database_is_left_alone(database: Path) -> None:
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as base:
        base.executescript("CREATE TABLE fits (letters); INSERT INTO fits VALUES ('dear')")
    before = database.read_bytes()
    refused(database, "another program's", "--database")
    assert database.read_bytes() == before


def test_no_database_and_a_damaged_one_are_told_with_the_remedy(database: Path) -> None:
    database.parent.mkdir()
    database.write_text("dear diary, " * 100)
    refused(database, "no database", "delete it")
    database.unlink()
    scanned(database, files(200))
    content = bytearray(database.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    database.write_bytes(content)
    refused(database, "damaged", "delete it")


def test_a_place_that_cannot_be_written_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(tmp_path / "file" / "scan.sqlite", "--database")
    refused(tmp_path, "--database")


def test_a_database_in_use_is_told_with_the_remedy(database: Path) -> None:
    scanned(database, files(2))
    with closing(sqlite3.connect(database)) as other:
        other.execute("BEGIN EXCLUSIVE")
        refused(database, "another scan writes to it: wait", patience=0)
