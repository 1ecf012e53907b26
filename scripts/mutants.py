"""Changes the code of a room in small ways, one at a time, and tells which changes no test of the room sees.

    ./xylo check --mutants link                      100 mutants, of a seed that is drawn and printed
    ./xylo check --mutants link --count 400 --seed 7

The changes are those of mutmut: an operator for its opposite, a number plus 1, an argument or a value
that becomes None, an argument left out. They are made in the bodies of functions, never in annotations and
docstrings, and here neither in errors that are raised, assertions, texts with a space in them, nor `strict=`
of zip, which can only raise. Equivalents, listed with their reasons in equivalents.toml beside this file, are
left out too.

Each mutant runs in a process of its own that is forked after the heavy imports, in a copy of the checkout,
against the room's tests up to the first failure: first those that killed others of its file, then the quick.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import hypothesis
import libcst as cst
import mido  # noqa: F401  imported once, for all the processes that are forked
import numpy  # noqa: F401
import pydantic  # noqa: F401
import pytest
import rich.console  # noqa: F401
from mutmut.mutation.file_mutation import Mutation, create_mutations

ROOT = Path(__file__).resolve().parents[1]

Change = tuple[Path, cst.Module, Mutation]
"""A file, its text as a tree, and what is put for a part of it."""

ROOMS = {
    "sequencer": (["xylophone/sequencer"], ["tests/sequencer"]),
    "link": (["xylophone/link"], ["tests/link"]),
    "player": (["xylophone/player"], ["tests/player"]),
    "fitting": (
        ["xylophone/tuning/fitting.py"],
        ["tests/tuning/test_fitting.py", "tests/tuning/test_most_probable.py"],
    ),
    "arranger": (["xylophone/arranger"], ["tests/arranger"]),
}
"""What is changed, and the tests that are to see it."""

LONGEST = 4.0
"""How many times as long as unchanged code a mutant may run before it counts as one that hangs."""


@dataclass(frozen=True)
class Mutant:
    """One change: the file, its text before and afterwards, and the lines that go and come."""

    file: str
    before: str
    text: str
    was: str
    becomes: str

    @property
    def diff(self) -> str:
        """The change as it is shown."""
        return f"{self.file}\n  - {self.was}\n  + {self.becomes}"


class Watch:
    """Orders the tests of one run, and notes how long each took and which failed, as a plugin of pytest."""

    def __init__(self, first: list[str], seconds: dict[str, float]) -> None:
        self.first, self.seconds = first, seconds
        self.took: dict[str, float] = {}
        self.failed: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the tests that kill first, then the quick ones."""
        rank = {name: place - len(self.first) for place, name in enumerate(self.first)}
        items.sort(key=lambda item: (rank.get(item.nodeid, 0), self.seconds.get(item.nodeid, 0.0)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase of a test."""
        self.took[report.nodeid] = self.took.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)


def changes_of(room: str) -> list[Change]:
    """Return every change that mutmut knows for a room and that is not spared, in the order of the text."""
    found: list[Change] = []
    for place in ROOMS[room][0]:
        for path in sorted((ROOT / place).glob("*.py")) or [ROOT / place]:
            module, mutations, _, _ = create_mutations(str(path), path.read_text(encoding="utf-8"))
            spared = {id(node) for node in _spared(module)}
            found += [
                (path, module, mutation)
                for mutation in mutations
                if mutation.contained_by_top_level_function is not None
                and id(mutation.original_node) not in spared
                and not _takes_text(mutation)
            ]
    return found


def drawn(changes: list[Change], seed: int, count: int) -> list[Mutant]:
    """Return so many mutants, drawn by the seed among those that are not equivalent to the code."""
    listed = tomllib.loads(Path(__file__).with_name("equivalents.toml").read_text(encoding="utf-8"))[
        "equivalent"
    ]
    equivalents = {(row["file"], row["was"], row["becomes"]) for row in listed}
    shuffled = random.Random(seed).sample(changes, len(changes))
    mutants = (_mutant(*change) for change in shuffled)
    others = (each for each in mutants if (each.file, each.was, each.becomes) not in equivalents)
    return list(islice(others, count))


def _mutant(path: Path, module: cst.Module, mutation: Mutation) -> Mutant:
    text = cst.ensure_type(
        module.deep_replace(mutation.original_node, mutation.mutated_node), cst.Module
    ).code
    lines = list(difflib.ndiff(module.code.splitlines(), text.splitlines()))
    was, becomes = (" ".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return Mutant(path.relative_to(ROOT).as_posix(), module.code, text, was, becomes)


def _below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _below(child)


def _spared(module: cst.Module) -> Iterator[cst.CSTNode]:
    """Yield the nodes in which nothing is changed: messages of errors, assertions, texts and `strict=`."""
    for node in _below(module):
        strict = isinstance(node, cst.Arg) and node.keyword is not None and node.keyword.value == "strict"
        if strict or isinstance(node, cst.Raise | cst.Assert) or _is_text(node):
            yield from _below(node)


def _is_text(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.FormattedString | cst.ConcatenatedString) or (
        isinstance(node, cst.SimpleString) and " " in node.value
    )


def _takes_text(mutation: Mutation) -> bool:
    """Tell whether a change takes away nothing but a text or `strict=`."""
    was, becomes = mutation.original_node, mutation.mutated_node
    if isinstance(was, cst.Assign):
        return _is_text(was.value)
    if isinstance(was, cst.Call) and isinstance(becomes, cst.Call):
        gone = [arg for arg in was.args if all(arg is not kept for kept in becomes.args)]
        return any(_is_text(arg.value) or (arg.keyword and arg.keyword.value == "strict") for arg in gone)
    return False


class Bench:
    """A copy of the checkout in which one mutant at a time runs."""

    def __init__(self, folder: Path, tests: list[str]) -> None:
        self.folder, self.tests, self.note = folder, tests, folder / "watched.json"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            stdout=-1,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)

    def start(self, first: list[str], seconds: dict[str, float], keep: bool = False) -> int:
        """Run the tests in a process of their own, and return its id; only `keep` writes compiled files."""
        self.note.unlink(missing_ok=True)
        pid = os.fork()
        if pid:
            return pid
        try:
            self._run(Watch(first, seconds), keep)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def _run(self, watch: Watch, keep: bool) -> None:
        os.setsid()
        os.chdir(self.folder)
        os.environ.update(PYTHONPATH=str(self.folder), **({} if keep else {"PYTHONDONTWRITEBYTECODE": "1"}))
        sys.dont_write_bytecode = not keep
        sys.path.insert(0, str(self.folder))
        quiet = os.open("output.txt", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        quick = {"phases": [hypothesis.Phase.explicit, hypothesis.Phase.generate], "derandomize": True}
        hypothesis.settings.register_profile("mutants", database=None, **quick)
        hypothesis.settings.load_profile("mutants")
        options = [
            "-x",
            "-q",
            "--tb=line",
            "--assert=plain",
            "-p",
            "no:cacheprovider",
            "--basetemp=.pytest-folders",
        ]
        code = pytest.main([*options, *self.tests], plugins=[watch])
        self.note.write_text(json.dumps({"took": watch.took, "failed": watch.failed}))
        sys.stdout.flush()
        os._exit(int(code))

    def write(self, file: str, text: str) -> None:
        """Write the text of a file, so dated that no compiled file passes for it."""
        path = self.folder / file
        path.write_text(text, encoding="utf-8")
        os.utime(path, (0, random.randrange(10**9)))

    def watched(self) -> dict[str, dict[str, float] | list[str]]:
        """Return what the last run noted, nothing if it came to no end."""
        return json.loads(self.note.read_text()) if self.note.exists() else {"took": {}, "failed": []}


class Hunt:
    """The run of many mutants on a few benches."""

    def __init__(self, benches: list[Bench]) -> None:
        self.free = list(benches)
        self.running: dict[int, tuple[Bench, Mutant, float]] = {}
        self.ended: dict[str, list[Mutant]] = {"killed": [], "survived": [], "timed out": []}
        self.killers: dict[str, Counter[str]] = {}
        self.seconds: dict[str, float] = {}
        self.limit = 0.0

    def prove(self) -> None:
        """Run the tests on unchanged code; they have to pass, and tell how long each takes."""
        for bench in self.free:
            begun = time.monotonic()
            _, status = os.waitpid(bench.start([], {}, keep=True), 0)
            if status:
                sys.exit(
                    (bench.folder / "output.txt").read_text()
                    + "the tests fail without any change: mend them first"
                )
            self.limit = 10.0 + LONGEST * (time.monotonic() - begun)
            self.seconds = bench.watched()["took"]

    def run(self, mutants: list[Mutant], seconds: float) -> None:
        """Run all mutants, as many as begin within so many seconds, and sort them by how they ended."""
        waiting, latest = list(reversed(mutants)), time.monotonic() + seconds
        try:
            while waiting or self.running:
                if time.monotonic() > latest:
                    waiting.clear()
                while waiting and self.free:
                    self._start(self.free.pop(), waiting.pop())
                self._gather()
                time.sleep(0.02)
        finally:
            for pid in self.running:
                os.killpg(pid, signal.SIGKILL)

    def _start(self, bench: Bench, mutant: Mutant) -> None:
        bench.write(mutant.file, mutant.text)
        first = [name for name, _ in self.killers.get(mutant.file, Counter()).most_common(20)]
        self.running[bench.start(first, self.seconds)] = bench, mutant, time.monotonic() + self.limit

    def _gather(self) -> None:
        for pid, (bench, mutant, latest) in list(self.running.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done and time.monotonic() < latest:
                continue
            if not done:
                os.killpg(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            del self.running[pid]
            how = ("killed" if status else "survived") if done else "timed out"
            self.ended[how].append(mutant)
            self.killers.setdefault(mutant.file, Counter()).update(bench.watched()["failed"])
            bench.write(mutant.file, mutant.before)
            self.free.append(bench)
            if how == "survived":
                print(mutant.diff, flush=True)


def main() -> None:
    """Draw the mutants, run them, and print what became of them."""
    parser = argparse.ArgumentParser(prog="./xylo check --mutants", description=__doc__.splitlines()[0])
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--count", type=int, default=100, help="how many mutants are drawn (100)")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="what draws them; random if not given"
    )
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no mutant later than this")
    parser.add_argument("--at-once", type=int, default=os.cpu_count(), help="processes (one for each core)")
    asked = parser.parse_args()
    every = changes_of(asked.room)
    mutants = drawn(every, asked.seed, asked.count)
    print(f"{asked.room}: {len(mutants)} of {len(every)} mutants, seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        benches = [Bench(Path(folder) / str(place), ROOMS[asked.room][1]) for place in range(asked.at_once)]
        hunt = Hunt(benches)
        hunt.prove()
        hunt.run(mutants, asked.seconds)
    counts = ", ".join(f"{len(mutants)} {how}" for how, mutants in hunt.ended.items())
    for mutant in hunt.ended["timed out"]:
        print(f"timed out: {mutant.diff}")
    share = 1 - len(hunt.ended["survived"]) / max(1, sum(map(len, hunt.ended.values())))
    print(f"{asked.room}, seed {asked.seed}: {counts}; {share:.1%} did not survive")


if __name__ == "__main__":
    main()
