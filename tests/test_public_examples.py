"""Each public name's docstring has an example, and what it shows is what happens."""

from __future__ import annotations

import ast
import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

import xylophone

NAMES = {name: getattr(xylophone, name) for name in xylophone.__all__} | {"np": np, "Path": Path}
"""What an example may use without importing it, as docs/python.md says."""


def docstring(name: str) -> str:
    """Return what a public name says of itself; a constant says it in the string below it."""
    value = getattr(xylophone, name)
    if getattr(value, "__name__", None) == name:
        return value.__doc__ or ""
    module = importlib.import_module(f"xylophone.{xylophone._HOMES[name]}")
    body = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")).body
    (place,) = [number for number, node in enumerate(body) if name in assigned(node)]
    return str(ast.literal_eval(ast.unparse(body[place + 1])))


def assigned(node: ast.stmt) -> list[str]:
    """Return the names that a statement gives a value."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def shows(example: doctest.DocTest, name: str) -> bool:
    """Tell whether an example that has run uses a name, ends in that error, or made such a value."""
    value = getattr(xylophone, name)
    texts = [text for part in example.examples for text in (part.source, part.exc_msg or "")]
    named = any(name in text for text in texts)
    return named or any(isinstance(found, value) for found in example.globs.values())


@pytest.mark.parametrize("name", xylophone.__all__)
def test_the_example_of_a_public_name_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an empty folder, on the simulated instrument."""
    monkeypatch.chdir(tmp_path)
    example = doctest.DocTestParser().get_doctest(docstring(name), dict(NAMES), name, None, 0)
    told: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=told.append, clear_globs=False)
    assert not told, "".join(told)
    assert shows(example, name)
