"""The record against a list: what was planned, taken back and forgotten, whatever the order."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from player.pieces import INSTRUMENT
from xylophone.errors import OptionError
from xylophone.player.bounds import clamped, factor_of, loop_of, within
from xylophone.player.record import RECENT, Record
from xylophone.sequencer import Plan
from xylophone.tables import HIT, PLANNED, Refusal, Rows


def some_rows(rng: np.random.Generator, begin: float) -> Rows:
    """Return rows of one commit on a grid of 1/4 s, some of them refused."""
    rows = np.zeros(int(rng.integers(0, 6)), PLANNED)
    rows["time"] = begin + rng.integers(0, 4, len(rows)) / 4
    rows["start"], rows["width"] = rows["time"] - 0.25, 0.01
    rows["refused"] = rng.choice([0, 0, 0, 1, 2], len(rows))
    rows["start"][rows["refused"] > 0] = np.nan
    rows["hammer"] = rng.integers(0, 30, len(rows))
    rows["source"] = rng.integers(0, 1000, len(rows))
    return np.sort(rows, order="time", kind="stable")


@examples(60)
@given(st.integers(0, 10**6))
def test_the_record_holds_what_a_list_holds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    record, first = Record(most := int(rng.choice([0, 7, 1000]))), 0
    commits: list[list[tuple[int, Rows, float]]] = []  # number, row, and when its hammer is ready
    refused: Counter[str] = Counter()
    record.zero = zero = float(rng.choice([0.0, 2.0]))
    for step in range(12):
        if rng.integers(3):
            rows = some_rows(rng, step / 2)
            ready = {n: 9.0 + n for n in np.flatnonzero(rows["refused"] == Refusal.RECOVERY).tolist()}
            record.add(Plan(INSTRUMENT, rows, -3.0, first=first, ready=ready))
            commits.append([(first + n, row, ready.get(n, np.nan)) for n, row in enumerate(rows)])
            refused.update(Refusal(code).word for code in rows["refused"].tolist() if code)
            first += len(rows)
            commits = [commit for commit in commits if commit]
            while sum(map(len, commits)) > most:
                commits.pop(0)
        else:
            start, time = (step / 2 + int(rng.integers(-4, 4)) / 4 for _ in range(2))
            record.take_back(start, time)
            for commit in commits:
                for entry in list(commit):
                    code = int(entry[1]["refused"])
                    if (entry[1]["time"] >= time) if code else (entry[1]["start"] >= start):
                        commit.remove(entry)
                        refused[Refusal(code).word] -= 1
            commits = [commit for commit in commits if commit]
        assert len(record) == sum(map(len, commits))
    refused.pop("none", None)
    assert +record.refusals == +refused
    if record._newest is None:
        return
    held = sorted((entry for commit in commits for entry in commit), key=lambda entry: entry[1]["time"])
    hits = np.zeros(first + 2, HIT)
    hits["strike"], hits["time"] = np.arange(-1, first + 1), 50.0
    performance = record.performance(hits, "title")
    assert (performance.title, record.performance(hits).title) == ("title", "")
    assert performance.planned == pytest.approx([row["time"] - zero for _, row, _ in held])
    assert performance.plan.rows["source"].tolist() == [row["source"] for _, row, _ in held]
    numbers = [number for number, _, _ in held]
    kept = [-1, *sorted(range(len(numbers)), key=numbers.__getitem__)]
    assert performance.hits["strike"].tolist() == kept
    assert (performance.hits["time"] == 50.0 - zero).all()
    whys = [f"{at:.3f} s" for _, row, at in held if row["refused"] == Refusal.RECOVERY]
    told = [each.why for each in performance.refused if "ready again" in each.why]
    assert len(whys) == len(told)
    assert performance.plan.top_db == -3.0


def test_a_command_reaches_back_over_so_many_commits_and_no_more() -> None:
    record, rows = Record(), np.zeros(1, PLANNED)
    for number in range(RECENT + 3):
        record.add(Plan(INSTRUMENT, rows.copy(), 0.0, first=number))
    record.take_back(-1.0)
    assert len(record) == 3
    with pytest.raises(OptionError, match="cannot remember -1 strike"):
        Record(-1)


def test_bounds_are_within_what_they_bound() -> None:
    assert (within("x", 0.5, (0.5, 2.0)), within("x", 2.0, (0.5, 2.0))) == (0.5, 2.0)
    for value in (0.49, 2.01, np.inf, np.nan):
        with pytest.raises(OptionError, match=r"x .* is out of range: give 0\.5\.\.2"):
            within("x", value, (0.5, 2.0))
    assert [clamped(value, (0.5, 2.0)) for value in (0.1, 1.0, 3.0)] == [0.5, 1.0, 2.0]
    assert factor_of("x", 0.01) == 0.01
    assert loop_of(None, None, 4.0) == (0.0, 4.0)
    assert loop_of(0.0, 0.1, 4.0) == (0.0, 0.1)
    assert loop_of(1.0, None, 4.0) == (1.0, 4.0)
    for loop in ((-0.1, 1.0), (1.0, 4.01), (2.0, 2.0), (2.0, 2.09), (3.0, 1.0)):
        with pytest.raises(OptionError, match="does not fit"):
            loop_of(*loop, 4.0)
