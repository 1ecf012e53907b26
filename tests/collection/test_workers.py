"""Workers that die or hang take one item with them, and no more."""

from __future__ import annotations

import multiprocessing
import multiprocessing.spawn
import os
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import programs
from scanning import standing, work
from xylophone.clock import SystemClock
from xylophone.collection.workers import Lost, Worker, outcomes
from xylophone.errors import XylophoneError


def done(items: Iterable[Any], jobs: int = 1, limit: float = 60.0) -> dict[str, object]:
    return dict(outcomes(work, items, jobs, limit))


def test_every_item_comes_with_its_result() -> None:
    words = [f"word{number}" for number in range(20)]
    assert done(words, jobs=2) == {word: word[::-1] for word in words}
    assert done([], jobs=2) == {}


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_item_that_ends_its_process_is_named_and_the_others_are_done(jobs: int) -> None:
    found = done(["ab", "die", "cd", "be killed", "ef", "gh"], jobs)
    lost = {item: outcome.reason for item, outcome in found.items() if isinstance(outcome, Lost)}
    assert set(lost) == {"die", "be killed"}
    assert all("died" in reason for reason in lost.values())
    assert [found[item] for item in ("ab", "cd", "ef", "gh")] == ["ba", "dc", "fe", "hg"]


def test_an_item_that_never_ends_is_named_and_the_others_are_done() -> None:
    found = done(["ab", "hang", "cd"], limit=2.0)
    assert found == {"ab": "ba", "hang": Lost("it took longer than 2 s, and was left out"), "cd": "dc"}


def test_what_the_work_raises_is_raised_here() -> None:
    with pytest.raises(ValueError, match="as asked"):
        done(["raise"])


def test_items_are_taken_as_they_are_needed_and_closing_ends_the_processes() -> None:
    taken = []

    def items() -> Iterator[str]:
        for item in ("ab", "hang", "hang", "cd", "ef"):
            taken.append(item)
            yield item

    before = set(multiprocessing.active_children())
    with closing(outcomes(work, items(), 2, 60.0)) as found:
        assert next(found) == ("ab", "ba")
        assert set(multiprocessing.active_children()) - before
    assert set(multiprocessing.active_children()) <= before
    assert taken == ["ab", "hang"]


def test_a_process_that_dies_idle_costs_no_item() -> None:
    before = set(multiprocessing.active_children())
    with closing(outcomes(work, ["ab", "cd", "ef", "gh"], 1, 60.0)) as found:
        assert next(found) == ("ab", "ba")
        for process in set(multiprocessing.active_children()) - before:
            process.kill()
        rest = dict(found)
    assert rest == {"cd": "dc", "ef": "fe", "gh": "hg"}


@pytest.mark.parametrize("before", [[], ["ab"]])
def test_an_item_is_given_to_a_new_process_where_an_old_one_dies(before: list[str], tmp_path: Path) -> None:
    """It cannot be told from one that has died just before; a new one that dies has died of the item."""
    item = f"die once: {tmp_path / 'died'}"
    outcome = done([*before, item, "cd"])[item]
    assert isinstance(outcome, Lost) if not before else outcome == item[::-1]


def test_processes_that_cannot_begin_are_an_error() -> None:
    """As with too little memory: they end before they are given anything."""
    usual = multiprocessing.spawn.get_executable()
    multiprocessing.set_executable(shutil.which("false"))
    try:
        with pytest.raises(XylophoneError, match="cannot be started: free some memory"):
            done(["ab"])
    finally:
        multiprocessing.set_executable(usual)


KILLED = """
import os, signal
from scanning import work
from xylophone.clock import SystemClock
from xylophone.collection.workers import Worker
worker = Worker(work, 60.0, SystemClock())
worker.take(iter(["ab"]))
assert worker.future.result(60.0) == "ba"
worker.take(iter(["hang"]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_program_that_is_killed_leaves_no_process_and_nothing_to_complain_of() -> None:
    """All that it has started has left when nobody holds its stderr any more."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = programs.run([sys.executable, "-c", KILLED], capture_output=True, text=True, env=environment)
    assert (ran.returncode, ran.stderr) == (-signal.SIGKILL, "")


def test_what_is_not_fit_for_pickle_is_an_error_and_the_next_is_done() -> None:
    worker: Worker[Any, Any] = Worker(work, 60.0, SystemClock())
    try:
        worker.take(iter([lambda: None]))
        with pytest.raises(Exception, match="pickle"):
            worker.outcome()
        worker.take(iter(["ab"]))
        assert worker.future.result(60.0) == "ba"
    finally:
        worker.end()


@pytest.mark.parametrize("modest", [True, False])
def test_a_modest_worker_leaves_processor_and_memory_to_others(modest: bool) -> None:
    own_niceness, own_score = standing("")
    worker = Worker(standing, 60.0, SystemClock(), modest=modest)
    worker.take(iter(["it"]))
    worker.future.exception(60.0)
    try:
        niceness, score = worker.outcome()[1]
    finally:
        worker.end()
    assert (niceness > own_niceness, score) == (modest, 1000 if modest else own_score)
