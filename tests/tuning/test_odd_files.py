"""Files that tuning reads, from whoever: what is none of them is one line, whatever it holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xylophone.errors import FileError, TuningError
from xylophone.instrument import build_instrument
from xylophone.tuning.checking import read_history
from xylophone.tuning.trials import read_plan

HUGE = "9" * 400
"""A number that no float holds."""

ODD = ["[" * 100_000, '{"a":' * 50_000, "null", "[]", "1", '"text"', '"\\ud800"', "NaN", HUGE]


@pytest.mark.parametrize(
    "line",
    [*ODD, f'{{"when": "2026-03-01", "how": "auto", "latency_ms_and_level_db": {{"C6": [{HUGE}, 1]}}}}'],
    ids=lambda line: line[:9],
)
def test_what_is_no_line_of_a_history_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "history").write_text(f"{line}\n")
    with pytest.raises(FileError, match="line 1 is no entry of a history: take it out"):
        read_history(tmp_path / "history")


def test_a_history_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "history")
    with pytest.raises(FileError, match="it is a pipe or a device"):
        read_history(tmp_path / "history")


def plan(metres: str) -> str:
    """A plan that is right but for where the microphone stood."""
    place = ", ".join(f'"{key}": {metres}' for key in ("along", "before", "length"))
    return f'{{"format": "xylophone-tuning", "version": 1, "microphone": {{{place}}}}}'


@pytest.mark.parametrize("text", [*ODD, plan(HUGE), plan("NaN")], ids=lambda text: text[-9:])
def test_what_is_no_plan_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan").write_text(text)
    with pytest.raises(TuningError, match="is no plan of a tuning session"):
        read_plan(tmp_path / "plan", build_instrument())
