"""The home database without room, without power or killed at any instant: nothing but the last is lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

import forking
import programs
from cuts import changes, killing
from cuts.changes import DATABASE, plays_of
from cuts.power import lay_out, power_cuts
from firmware.building import need
from xylophone.shelf.store import Store

TRIES = 6
"""Contents that are tried after each system call, of all that a power cut may leave there."""

FULL_AT = "write,pwrite64,ftruncate,fallocate"
"""What needs room."""

NOTES = """
import sys
from pathlib import Path
from cuts.changes import noted
for number in range(1, 250):
    noted(Path(sys.argv[1]), number)
    print(number, flush=True)
"""


@pytest.mark.parametrize("name", DATABASE)
def test_killed_at_any_system_call_a_play_is_there_or_not_and_all_before_it_is(
    name: str, tmp_path: Path
) -> None:
    begin = tmp_path / "begin"
    begin.mkdir()
    DATABASE[name].before(begin)
    ran = forking.run([killing.__file__, name, begin], env=os.environ, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert len(said["killed"]) >= 10
    assert said["lost"] == []


@pytest.mark.parametrize("name", DATABASE)
def test_a_power_cut_at_any_instant_loses_nothing_but_the_last_play(name: str, tmp_path: Path) -> None:
    need("strace")
    begin, before = tmp_path / "begin", tmp_path / "before"
    begin.mkdir()
    DATABASE[name].before(begin)
    shutil.copytree(begin, before)
    cuts = list(power_cuts(name, begin, tmp_path / "calls", TRIES))
    was, now = plays_of(before), plays_of(begin)
    assert len(cuts) >= 20
    for done, tree in cuts:
        lay_out(tree, tmp_path / "here")
        assert plays_of(tmp_path / "here") in ([now] if done else [was, now])
        shutil.rmtree(tmp_path / "here")


def noted_on_a_full_disk(folder: Path, number: int) -> Any:
    """Note a play on a disk that is full from that write on, counted from 1."""
    watched = [word for name in ("home.db", "home.db-wal") for word in ("-P", folder / name)]
    full = f"inject={FULL_AT}:error=ENOSPC:when={number}+"
    command = [
        "strace",
        "-f",
        "-e",
        f"trace={FULL_AT}",
        "-e",
        full,
        *watched,
        "-o",
        folder.with_name("calls"),
    ]
    paths = os.pathsep.join([str(Path(changes.__file__).parents[1]), *filter(None, sys.path)])
    return programs.run(
        [*command, sys.executable, changes.__file__, "a play noted", folder],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )


def test_a_disk_that_is_full_at_any_write_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    need("strace")
    begin = tmp_path / "begin"
    begin.mkdir()
    DATABASE["a play noted"].before(begin)
    told = []
    for number in range(1, 100):
        full = killing.copy(begin, "full")
        ran = noted_on_a_full_disk(full, number)
        assert plays_of(full) in ([1], [1, 2])
        if ran.returncode == 0 and plays_of(full) == [1, 2]:
            break
        told.append(ran.stderr.splitlines()[-1])
    assert len(told) >= 4
    assert all("FileError: cannot use" in line and "make room" in line for line in told), told


@pytest.mark.parametrize("seed", range(4))
def test_kill_9_at_random_leaves_all_that_was_said_to_be_noted(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with forking.Fork(["-c", NOTES, tmp_path], stdout=PIPE, env=environment) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(chance.randrange(1, 40))]
        for _ in range(chance.randrange(20_000)):
            pass
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
        writer.end()
    noted = plays_of(tmp_path)
    assert noted in (list(range(1, len(said) + 1)), list(range(1, len(said) + 2)))
    with Store.open(tmp_path / "home.db") as store:
        store.check()
