"""The house style that can be counted: how long functions and modules are, how docstrings begin."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

from imports import sources

LONGEST_FUNCTION, LONGEST_MODULE = 30, 350

RUN_OVER = {"cli.calibrations.untuned", "cli.tune.auto.states", "cli.tune.listening.session_folder"}
"""Docstrings whose first sentence still does not end on its first line; this list too may only shrink."""


def modules() -> dict[str, tuple[Path, ast.Module]]:
    """Return every module by its name without the package's."""
    return {name.removeprefix("xylophone").removeprefix("."): found for name, found in sources().items()}


def definitions(tree: ast.Module, name: str):
    """Yield all functions and classes of a module with their dotted names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{name}.{node.name}"
            yield inner, node
            yield from definitions(node, inner)
        elif not isinstance(node, ast.expr):
            yield from definitions(node, name)


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how long a function is, but for the example in its docstring."""
    _, example, shown = (ast.get_docstring(node) or "").partition(">>>")
    return node.end_lineno - node.lineno + 1 - len((example + shown).splitlines())


def test_no_function_is_longer_than_thirty_lines():
    long = {
        name
        for module, (_, tree) in modules().items()
        for name, node in definitions(tree, module)
        if not isinstance(node, ast.ClassDef) and lines_of(node) > LONGEST_FUNCTION
    }
    assert not long


def test_no_module_is_longer_than_350_lines():
    long = {
        name for name, (path, _) in modules().items() if len(path.read_text().splitlines()) > LONGEST_MODULE
    }
    assert not long


def test_the_first_line_of_a_docstring_is_a_sentence():
    over = set()
    for module, (_, tree) in modules().items():
        for name, node in [(module, tree), *definitions(tree, module)]:
            told = ast.get_docstring(node)
            if told and told.splitlines()[0][-1] not in ".:?":
                over.add(name)
    assert over == RUN_OVER


COUNTED = (
    "bars boards bytes channels coils commands files hammers hits measures misses notes octaves outputs "
    "pieces pulses semitones songs steps strikes times tracks warnings"
)
"""What is counted in what people read."""

NEVER_ONE = {
    ("cli.firmware", "size"): "bytes of an image",
    ("files", "most"): "a limit",
    ("midifile.foreign", "most"): "a limit",
    ("link.frames", "len(payload)"): "more than a frame holds",
    ("link.messages", "layout.size"): "for who writes a program",
    ("link.messages", "len(payload)"): "for who writes a program",
    ("pitch", "_COUNTS.get(count, str(count))"): "one is 'an octave'",
    ("owner.doorway", "length"): "more than a path may have",
    ("owner.lines", "self._most"): "a limit",
    ("player.bounds", "factor"): "not above 0",
}
"""Numbers that are not 1 where they are told, and why. Limits in capitals and decimals are let be."""


def test_one_of_something_is_not_called_several():
    plural = re.compile(rf" ({'|'.join(COUNTED.split())})\b")
    found = {
        (module, ast.unparse(number.value))
        for module, (_, tree) in modules().items()
        for text in ast.walk(tree)
        if isinstance(text, ast.JoinedStr)
        for number, after in pairwise(text.values)
        if isinstance(number, ast.FormattedValue)
        and not (isinstance(number.value, ast.Name) and number.value.id.isupper())
        and not (number.format_spec and re.search("[.g]", ast.unparse(number.format_spec)))
        and isinstance(after, ast.Constant)
        and plural.match(after.value)
    }
    assert found <= set(NEVER_ONE), "say it with words.counted, which knows one from several"
    assert set(NEVER_ONE) <= found, "what is no longer said needs no exception"
