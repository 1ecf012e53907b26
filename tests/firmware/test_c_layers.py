"""The C sources include each other in one direction, and a function lives where its header says."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from firmware.building import FIRMWARE

SOURCES = sorted(path for path in FIRMWARE.rglob("*.[chS]") if "build" not in path.parts)
INCLUDE = re.compile(r'(?m)^#include "([^"]+)"')
BESIDE = re.compile(r"/\*.*?\*/|__attribute__ *\(\(.*?\)\)", re.DOTALL)
"""Comments and attributes: what says nothing of who calls whom."""
FUNCTION = re.compile(r"(?m)^[a-z][\w \t*]*?(\w+)\([^;{}]*\)\s*([;{])")
"""A declaration or a definition that begins its line: its name, and what comes after its parameters."""


def unit(path: Path) -> str:
    """Return what a source and the header of its name are together: `src/core/orders`."""
    return path.relative_to(FIRMWARE).with_suffix("").as_posix()


def included(path: Path) -> set[Path]:
    return {(path.parent / name).resolve() for name in INCLUDE.findall(path.read_text(encoding="utf-8"))}


def functions(path: Path, ending: str) -> set[str]:
    """Return the functions that a file declares (";") or defines ("{")."""
    text = BESIDE.sub("", path.read_text(encoding="utf-8"))
    return {name for name, last in FUNCTION.findall(text) if last == ending}


def test_no_circle_of_sources() -> None:
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        others = {unit(other) for other in included(path)} - {unit(path)}
        graph.setdefault(unit(path), set()).update(others)
    assert {"src/core/orders", "src/core/replies"} < graph["src/core/core"]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"sources include each other in a circle: {' <- '.join(error.args[1])}")


def test_the_core_knows_no_board_and_no_host() -> None:
    core = FIRMWARE / "src" / "core"
    outside = {f"{path.name}: {other}" for path in core.iterdir() for other in included(path)}
    assert not [line for line in outside if str(core) not in line]


def test_a_function_is_defined_beside_the_header_that_declares_it() -> None:
    """So that who includes whom is also who calls whom; board.h is what each board answers in its own way."""
    pairs = [(path, path.with_suffix(".c")) for path in SOURCES if path.suffix == ".h"]
    elsewhere = {
        f"{header.name}: {name}"
        for header, source in pairs
        if source.exists()
        for name in functions(header, ";") - functions(source, "{")
    }
    assert len(functions(FIRMWARE / "src/core/orders.h", ";")) == 6
    assert not elsewhere


def test_no_source_declares_what_another_defines() -> None:
    own = {path: functions(path, ";") - functions(path, "{") for path in SOURCES if path.suffix == ".c"}
    assert len(own) > 10
    assert not {f"{path.name}: {sorted(names)}" for path, names in own.items() if names}
