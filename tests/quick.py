"""The first circle of tests, `./xylo test --quick`: they start no program; build, await and tune nothing."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent

SLOW = {
    *("programs", "firmware.building", "firmware.emulated", "pty", "multiprocessing", "threading", "time"),
    *("tuning.sessions", "xylophone.simulation.bench", "xylophone.collection.scanner"),
}
"""What is imported only by what starts programs, compiles, emulates, lives in real time, or strikes whole
instruments hundreds of times to tune or measure them."""


@cache
def is_quick(path: Path) -> bool:
    """Tell whether neither a file of tests nor a file of ours that it imports takes anything of SLOW."""
    content = path.read_text(encoding="utf-8")
    names = _imports(ast.parse(content))
    if SLOW & names or "SystemClock" in content:
        return False
    ours = [ROOT / f"{name.replace('.', '/')}.py" for name in names]
    return all(is_quick(other) for other in ours if other.is_file() and other != path)


def _imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names
