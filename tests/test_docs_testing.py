"""The tests in the page about the pytest plugin pass, pasted into a file as a reader would."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import programs
from imports import ROOT

PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
TEST = re.compile(r"^def test_", re.MULTILINE)


def test_the_tests_in_the_page_pass_in_an_empty_folder(tmp_path: Path) -> None:
    """With the plugin and no other, and warnings as errors, as strict suites have them."""
    blocks = PYTHON_BLOCK.findall((ROOT / "docs" / "testing.md").read_text(encoding="utf-8"))
    for number, block in enumerate(blocks):
        (tmp_path / f"test_block_{number}.py").write_text(block, encoding="utf-8")
    count = sum(len(TEST.findall(block)) for block in blocks)
    assert count >= 3
    own = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "xylophone.testing", str(tmp_path)]
    ran = programs.run(command, cwd=tmp_path, env={**os.environ, **own}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    assert f"{count} passed" in ran.stdout
