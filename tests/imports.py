"""Which module of the package imports what, read from the source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "xylophone"
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Import:
    """One `import target` or `from target import name` of a module."""

    module: str
    line: int
    target: str
    name: str = ""
    in_function: bool = False

    def __str__(self) -> str:
        what = f"import {self.target}" if not self.name else f"from {self.target} import {self.name}"
        return f"{self.module}:{self.line}: {what}"


@cache
def sources(folder: Path = ROOT / PACKAGE) -> dict[str, tuple[Path, ast.Module]]:
    """Return every module by its dotted name, with its file and its syntax tree."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = (path, ast.parse(path.read_text(encoding="utf-8"), str(path)))
    return found


def imports_of(module: str, tree: ast.Module, is_package: bool, modules: set[str]) -> Iterator[Import]:
    """Yield all imports, those within functions and under TYPE_CHECKING too, as absolute names."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    late = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, node.lineno, alias.name, in_function=id(node) in late)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                target, name = (inner, "") if inner in modules else (base, alias.name)
                yield Import(module, node.lineno, target, name, id(node) in late)


@cache
def all_imports() -> list[Import]:
    """Return the imports of the whole package."""
    found = sources()
    return [
        entry
        for module, (path, tree) in found.items()
        for entry in imports_of(module, tree, path.name == "__init__.py", set(found))
    ]
