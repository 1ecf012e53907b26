"""Files are changed wholly or not at all: killed at any system call, or the power cut at any instant."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import forking
from cuts import killing
from cuts.changes import CARELESS, CHANGES, UNDONE, Change
from cuts.power import lay_out, power_cuts
from firmware.building import need
from xylophone.calibration.file import default_calibration, read_calibration
from xylophone.config import load_instrument, read_saved
from xylophone.errors import FileError
from xylophone.tuning.keeping import Versions

NOT_HELD = (
    *("a new file", "a file replaced", "the latch put on", "the queue kept", "a crash counted"),
    *("a backup restored", "a backup restored apart"),
)
"""Files that no program holds while it writes them: a temporary file of a killed one stays."""


def begun(change: Change, folder: Path) -> Path:
    """Return a new folder as it is before a change."""
    folder.mkdir()
    change.before(folder)
    return folder


def killed_everywhere(name: str, folder: Path) -> Any:
    """Return what came of a change that was killed after each system call that made a difference."""
    ran = forking.run([killing.__file__, name, folder], env=os.environ, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def lost_in_power_cuts(name: str, change: Change, folder: Path) -> list[object]:
    """Return what is left that is neither the state before nor after a change; of one that is done, after."""
    begin, before, here = begun(change, folder / "begin"), folder / "before", folder / "here"
    shutil.copytree(begin, before)
    cuts = list(power_cuts(name, begin, folder / "calls"))
    whole = [change.state(before), change.state(begin)]
    assert whole[0] != whole[1]
    lost = []
    for done, tree in cuts:
        lay_out(tree, here)
        lost += [] if change.state(here) in whole[done:] else [(done, sorted(tree))]
        shutil.rmtree(here)
    assert len(cuts) >= 3
    return lost


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_is_killed_at_any_system_call_is_whole_or_has_not_been(
    name: str, tmp_path: Path
) -> None:
    said = killed_everywhere(name, begun(CHANGES[name], tmp_path / "begin"))
    assert said["calls"] >= 12
    assert len(said["killed"]) >= 2
    assert said["lost"] == []
    assert said["littered"] == [] or name in NOT_HELD


@pytest.mark.parametrize("name", CHANGES)
def test_a_power_cut_at_any_instant_leaves_a_change_whole_or_undone(name: str, tmp_path: Path) -> None:
    """What no fsync had covered may be there or not; once the program has gone on, the change is there."""
    need("strace")
    assert lost_in_power_cuts(name, CHANGES[name], tmp_path) == []


@pytest.mark.parametrize("name", UNDONE)
def test_what_is_undone_is_so_killed_at_any_system_call_and_at_any_power_cut(
    name: str, tmp_path: Path
) -> None:
    need("strace")
    change = UNDONE[name]
    said = killed_everywhere(name, begun(change, tmp_path / "begin"))
    assert len(said["killed"]) >= 20
    assert said["lost"] == []
    begin = begun(change, tmp_path / "power")
    before = change.state(begin)
    cuts = list(power_cuts(name, begin, tmp_path / "calls"))
    assert len(cuts) >= 20
    for _, tree in cuts:
        lay_out(tree, tmp_path / "here")
        assert change.state(tmp_path / "here") == before
        shutil.rmtree(tmp_path / "here")


def test_careless_changes_are_found_out(tmp_path: Path) -> None:
    need("strace")
    (tmp_path / "power").mkdir()
    assert killed_everywhere("in place", begun(CARELESS["in place"], tmp_path / "begin"))["lost"]
    for name, change in CARELESS.items():
        folder = tmp_path / name
        folder.mkdir()
        assert lost_in_power_cuts(name, change, folder)


def failing_disk(patch: pytest.MonkeyPatch, after: int) -> Callable[[], bool]:
    """Let the disk be full after so many acts that need room; return what tells whether it came to that."""
    done = 0

    def counted(act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(*arguments: Any, **options: Any) -> Any:
            nonlocal done
            done += 1
            if done == after + 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            return act(*arguments, **options)

        return acting

    for name in ("fsync", "mkdir", "replace", "rename"):
        patch.setattr(os, name, counted(getattr(os, name)))
    return lambda: done > after


@pytest.mark.parametrize("name", CHANGES)
def test_a_disk_that_is_full_is_told_and_leaves_a_change_whole_or_undone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = CHANGES[name]
    begin, done = begun(change, tmp_path / "begin"), tmp_path / "done"
    shutil.copytree(begin, done)
    change.act(done)
    whole = [change.state(begin), change.state(done)]
    for after in range(100):
        cut = tmp_path / f"cut {after}"
        shutil.copytree(begin, cut)
        with monkeypatch.context() as patch:
            was_full = failing_disk(patch, after)
            told = ""
            try:
                change.act(cut)
            except FileError as error:
                told = str(error)
            full = was_full()
        assert not told or "the disk is full" in told or "No space left" in told
        assert change.state(cut) in (whole if told else whole[1:])
        assert sorted(path.name for path in cut.rglob("*.tmp")) == []
        if not full:
            break
    assert change.state(cut) == whole[1]
    assert after >= 1


@pytest.mark.parametrize(("count", "bars"), [(25, ["G5"]), (10, ["G5", "A5"])])
def test_of_many_writers_at_once_none_is_lost(tmp_path: Path, count: int, bars: list[str]) -> None:
    (tmp_path / "xylophone.toml").write_text('[instrument]\npitches = ["G5", "A5"]\n')
    command = ["tune", "set", *bars, "--later-ms", "0.05", "--backend", "gpio:null"]
    ran = crowd(tmp_path, count, command)
    assert ran == [0] * count
    path = tmp_path / "calibration.toml"
    new, default = read_calibration(path), default_calibration(load_instrument(tmp_path / "xylophone.toml"))
    for bar in bars:
        row = default.hammers.index(bar)
        assert new.latency[row, 0] - default.latency[row, 0] == pytest.approx(count * 5e-5, abs=1e-8)
    assert Versions.read(path).present == count


def test_of_many_choices_for_a_song_at_once_none_is_lost(tmp_path: Path) -> None:
    song = tmp_path / "tune.mid"
    song.write_bytes((Path(__file__).parents[1] / "songs" / "greensleeves.mid").read_bytes())
    ran = crowd(tmp_path, 20, ["arrange", "tune.mid", "--octave", "%:1", "--save"])
    saved = read_saved(song)
    assert saved
    assert saved.chosen.octaves == {number: 1 for number, code in enumerate(ran) if code == 0}


def crowd(folder: Path, count: int, command: list[str]) -> list[int]:
    """Run a command line so many times at once, and return the exit codes."""
    homes = {name: str(folder / "home") for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    words = [Path(__file__).parent / "cuts" / "crowd.py", count, *command]
    ran = forking.run(words, cwd=folder, env=os.environ | homes, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    codes: list[int] = json.loads(ran.stdout.splitlines()[-1])
    return codes
