"""What `from xylophone import ...` offers: every name is there, is what it says, and is documented."""

from __future__ import annotations

import ast
import json
import sys

import pytest

import programs
import xylophone
from imports import PACKAGE, sources

SAME_OBJECTS = """
import importlib, json, sys, xylophone
for module in json.loads(sys.argv[1]):
    importlib.import_module(module)
homes = xylophone._HOMES
print(json.dumps([name for name in xylophone.__all__
    if getattr(xylophone, name) is not getattr(importlib.import_module(f"xylophone.{homes[name]}"), name)]))
"""


def test_all_is_the_table_of_homes_in_order():
    assert xylophone.__all__ == sorted(xylophone._HOMES)
    assert set(xylophone.__all__) <= set(dir(xylophone))


def test_a_name_is_the_same_whatever_was_imported_before(root):
    """A function and a module of one name: importing the module must not hide the function."""
    modules = json.dumps([name for name in sources() if not name.endswith(("__main__", ".testing"))])
    ran = programs.run(
        [sys.executable, "-c", SAME_OBJECTS, modules], cwd=root, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == []


def test_type_checkers_see_the_same_names():
    """A lazy name has no type of its own: the block under TYPE_CHECKING gives it one."""
    _, tree = sources()[PACKAGE]
    blocks = [
        node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    seen = {
        alias.asname or alias.name
        for block in blocks
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == set(xylophone.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'marimba'"):
        _ = xylophone.marimba


def undocumented(owner: str, node: ast.AST) -> list[str]:
    """Return the public classes and functions in a module or class that say nothing."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [
        child for child in getattr(node, "body", []) if isinstance(child, kinds) and child.name[0] != "_"
    ]
    mute = [f"{owner}.{child.name}" for child in public if not ast.get_docstring(child)]
    classes = [child for child in public if isinstance(child, ast.ClassDef)]
    return mute + [name for child in classes for name in undocumented(f"{owner}.{child.name}", child)]


def test_everything_public_has_a_docstring():
    assert not [module for module, (_, tree) in sources().items() if not ast.get_docstring(tree)]
    assert not [name for module, (_, tree) in sources().items() for name in undocumented(module, tree)]
