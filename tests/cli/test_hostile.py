"""Every command, under three encodings, among hostile and broken things: no traceback, plain lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

import programs
from cli.hostile import FORGED, commands, furnish
from cli.in_a_row import MARK
from firmware.building import need
from xylophone.cli import cli

TESTS = Path(__file__).resolve().parents[1]
STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
CODES = {0, 1, 2, 3, 4}
LOCALES = {"C": "ascii", "en_US.ISO-8859-1": "iso8859-1", "C.UTF-8": "utf-8"}
"""Each locale, and the encoding that Python's output has there."""


@dataclass(frozen=True)
class Answer:
    """What one command line came to under one encoding."""

    words: list[str]
    encoding: str
    code: int | str
    out: bytes
    err: bytes

    @property
    def texts(self) -> tuple[str, str]:
        """Both streams as a terminal of this encoding reads them; a byte that is none of it raises."""
        return self.out.decode(self.encoding), self.err.decode(self.encoding)


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the locale of Latin-1, which few systems have."""
    need("locales")
    folder = tmp_path_factory.mktemp("locales")
    made = folder / "en_US.ISO-8859-1"
    programs.run(["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(made)], check=True)
    return folder


def environment(locale: str, locales: Path, home: Path, cache: Path) -> dict[str, str]:
    """What a command sees of the machine: no tools, no home but an empty one, a stranger's encoding."""
    return {
        "PATH": str(home / "nothing"),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(cache),
        "PYTHONPATH": str(TESTS),
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "LC_ALL": locale,
    } | ({"LOCPATH": str(locales)} if locale.endswith("8859-1") else {})


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, locales: Path, cache: Path
) -> Iterator[dict[str, tuple[Path, subprocess.Popen[bytes]]]]:
    """The command lines of the table under each encoding, all three at once: much of it is waiting."""
    with ExitStack() as processes:
        yield {
            locale: (home, processes.enter_context(started(home, environment(locale, locales, home, cache))))
            for locale in LOCALES
            for home in (tmp_path_factory.mktemp("home"),)
        }


def started(home: Path, seen: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start all command lines of the table in a furnished folder; its streams go into files in `home`."""
    work = home / "work"
    work.mkdir()
    furnish(work)
    (home / "order.json").write_text(
        json.dumps([[os.fsencode(word).hex() for word in words] for words in commands()])
    )
    with (home / "out").open("wb") as out, (home / "err").open("wb") as err:
        return programs.Program(
            [
                sys.executable,
                str(TESTS / "cli" / "in_a_row.py"),
                str(home / "order.json"),
                str(home / "came.json"),
            ],
            cwd=work,
            env=seen,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )


@pytest.fixture(scope="module", params=LOCALES)
def answers(
    request: pytest.FixtureRequest, running: dict[str, tuple[Path, subprocess.Popen[bytes]]]
) -> list[Answer]:
    """What all command lines of the table came to under one encoding."""
    home, process = running[request.param]
    assert process.wait() == 0, (home / "err").read_text("latin-1")
    report = json.loads((home / "came.json").read_text())
    assert report["encoding"].lower() == LOCALES[request.param]
    outs, errs = ((home / stream).read_bytes().split(MARK)[1:] for stream in ("out", "err"))
    rows = zip(commands(), report["codes"], outs, errs, strict=True)
    return [Answer(words, report["encoding"], *row) for words, *row in rows]


def test_no_command_ends_in_a_traceback_and_each_has_an_exit_code_of_the_table(answers: list[Answer]) -> None:
    assert not [answer for answer in answers if answer.code not in CODES]


def test_nothing_that_is_printed_steers_a_terminal_or_forges_a_line(answers: list[Answer]) -> None:
    for answer in answers:
        for text in answer.texts:
            steering = {sign for sign in text if unicodedata.category(sign) in STEERING} - {"\n"}
            assert not steering, answer
            assert not [line for line in text.split("\n") if line.startswith(FORGED)], answer


def test_what_fails_says_so_on_stderr_each_line_with_the_programs_name(answers: list[Answer]) -> None:
    failed = [answer for answer in answers if answer.code]
    assert len(failed) > 50
    for answer in failed:
        lines = answer.texts[1].splitlines()
        assert lines, answer
        assert all(line.startswith("xylophone: ") for line in lines), answer


def test_json_holds_every_letter_whatever_the_terminal_has(answers: list[Answer]) -> None:
    told = [json.loads(answer.out) for answer in answers if answer.code == 0 and "--json" in answer.words]
    assert len(told) > 8
    assert sum("😀" in json.dumps(value, ensure_ascii=False) for value in told) >= 4


def test_letters_that_the_terminal_does_not_have_are_question_marks(answers: list[Answer]) -> None:
    told = next(a for a in answers if a.words[:1] == ["info"] and "letters.toml" in a.words)
    shown = {"ascii": "instrument:   ??, ", "iso8859-1": "instrument:   é?, ", "utf-8": "instrument:   é😀, "}
    assert shown[told.encoding.lower()] in told.texts[0]


def leaves(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command of the program by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaves(command, (*above, name))
        else:
            yield (*above, name)


INTERACTIVE = {("firmware", "emulate")}
"""Runs until Ctrl-C; test_strangers.py has its mishaps."""


def test_every_command_is_in_the_table() -> None:
    tried = {tuple(words[: len(leaf)]) for words in commands() for leaf in leaves(cli)}
    assert set(leaves(cli)) - INTERACTIVE <= tried
