"""Several files are replaced together, or none; what does not come up is taken back.

That it is so killed, without power and without room at every instant, tests/test_cut_short.py shows.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xylophone.errors import FileError
from xylophone.shelf.replacing import JOURNAL, Phase, kept_of, replace_together, take_back


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "a").write_text("old a")
    return tmp_path / "home"


def new(home: Path) -> dict[Path, Path | None]:
    """Return what replaces a, and adds b in a folder that is not there."""
    (home.parent / "new").write_text("new")
    return {home / "a": home.parent / "new", home / "folder" / "b": home.parent / "new"}


def state(home: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in home.rglob("*") if path.is_file()}


def test_what_comes_up_stays_and_nothing_is_left(home: Path) -> None:
    assert replace_together(home, new(home))
    assert state(home) == {"a": "new", "b": "new"}


def test_what_does_not_come_up_is_taken_back(home: Path) -> None:
    seen: list[dict[str, str]] = []

    def comes_up() -> bool:
        take_back(home)  # as whoever opens the shelf does
        seen.append(state(home))
        return False

    assert not replace_together(home, new(home), comes_up)
    assert (seen[0]["a"], seen[0]["b"]) == ("new", "new")
    assert state(home) == {"a": "old a"}


def test_what_is_taken_back_keeps_its_permissions_and_links(home: Path) -> None:
    (home / "a").chmod(0o640)
    (home / "link").symlink_to("a")
    (home.parent / "new").write_text("new")
    for stays, content in ((False, "old a"), (True, "new")):
        assert (
            replace_together(home, {home / "link": home.parent / "new"}, lambda stays=stays: stays) == stays
        )
        assert ((home / "link").readlink(), (home / "a").read_text()) == (Path("a"), content)
        assert (home / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_whatever_ends_the_trial_takes_it_back(home: Path, error: type[BaseException]) -> None:
    def comes_up() -> bool:
        raise error

    with pytest.raises(error):
        replace_together(home, new(home), comes_up)
    assert state(home) == {"a": "old a"}


def test_a_file_that_cannot_be_replaced_takes_the_others_back(home: Path) -> None:
    replaced = new(home) | {home / "a" / "below a file": home.parent / "new"}
    with pytest.raises(FileError):
        replace_together(home, replaced)
    assert state(home) == {"a": "old a"}


def test_a_second_restore_is_refused_while_one_goes_on(home: Path) -> None:
    said: list[str] = []

    def comes_up() -> bool:
        with pytest.raises(FileError) as caught:
            replace_together(home, new(home))
        said.append(str(caught.value))
        return True

    assert replace_together(home, new(home), comes_up)
    assert "another program restores a backup" in said[0]
    assert state(home) == {"a": "new", "b": "new"}


@pytest.mark.parametrize("named", ["{outside}/diary", "../diary", "link/diary", "./link/../../diary"])
@pytest.mark.parametrize("phase", [Phase.REPLACING, Phase.TRYING, Phase.DONE])
def test_a_journal_that_came_with_somebody_s_songs_touches_nothing_elsewhere(
    home: Path, named: str, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(home.parent / "state"))
    diary = home.parent / "diary"
    diary.write_text("dear diary")
    kept_of(diary).write_text("of another's")
    (home / "link").symlink_to(home.parent)
    row = [named.format(outside=home.parent), False]
    for word in ("", "guessed", "../../diary"):
        (home / JOURNAL).write_text(json.dumps({"phase": phase, "files": [row], "word": word}))
        with pytest.raises(FileError, match=r"restoring\.json names files elsewhere, .*: delete it"):
            take_back(home)
    assert (diary.read_text(), kept_of(diary).exists()) == ("dear diary", True)


def test_a_journal_that_nobody_has_written_is_told(home: Path) -> None:
    for text in ("", "[]", '{"phase": "dancing", "files": []}'):
        (home / JOURNAL).write_text(text)
        with pytest.raises(FileError, match=r"restoring\.json is damaged"):
            take_back(home)
    assert kept_of(home / "a").name == ".a.before-restore"
