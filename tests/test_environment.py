"""The tests' environment is its own: of the system's packages it sees what the launcher's table names."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import programs

LOOK = """
import json, pathlib, pkgutil, sys
own = pathlib.Path(sys.prefix).resolve()
packages = [pathlib.Path(path).resolve() for path in sys.path if path.endswith("-packages")]
foreign = [str(path) for path in packages if not path.is_relative_to(own)]
modules = [found.name for found in pkgutil.iter_modules(foreign)]
inside = [entry for path in packages if str(path) not in foreign for entry in path.iterdir()]
links = [entry.name for entry in inside if entry.is_symlink()]
print(json.dumps([modules, links]))
"""


def names(python: Path | str) -> set[str]:
    """Return what an environment has from elsewhere: modules on its path, and links in its own packages."""
    looked = programs.run([python, "-P", "-c", LOOK], capture_output=True, text=True, check=True)
    modules, links = json.loads(looked.stdout)
    return {re.split(r"[.-]", name)[0] for name in (*modules, *links)}


def of_the_table(root: Path) -> set[str]:
    """Return the modules, and the names of metadata, that ./xylo may link."""
    table = re.search(r'^system="(.*)"$', (root / "xylo").read_text(), re.MULTILINE)
    assert table
    return set(re.split(r"[ :,]", table[1].replace("-", "_")))


def make(folder: Path, *options: str, base: Path | str = sys.executable) -> Path:
    """Make an environment without pip, and return its Python."""
    programs.run([base, "-m", "venv", "--without-pip", *options, folder], check=True)
    return folder / "bin" / "python"


def add(python: Path, name: str, source: str = "") -> Path:
    """Put a distribution with one module of the same name into an environment, and return the module."""
    packages = next(python.parents[1].glob("lib/python*/site-packages"))
    (packages / f"{name}-9.9.dist-info").mkdir(exist_ok=True)
    (packages / f"{name}-9.9.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n"
    )
    (packages / f"{name}.py").write_text(source)
    return packages / f"{name}.py"


def test_the_tests_see_no_packages_of_the_system_but_the_tables(root):
    assert names(sys.executable) <= of_the_table(root)


def test_an_environment_that_sees_the_systems_packages_is_found_out(tmp_path, root):
    seeing = make(tmp_path / "seeing", "--system-site-packages")
    blind = make(tmp_path / "blind")
    assert names(blind) == set()
    assert "pip" in names(seeing)
    assert not names(seeing) <= of_the_table(root)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """A Python that stands for the system's, with packages of its own, and one to link into."""
    return make(tmp_path / "system"), make(tmp_path / "env")


def link(two: tuple[Path, Path], root: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = [two[0], "-P", root / "scripts" / "link_module.py", two[1], name, name]
    return programs.run(command, capture_output=True, text=True, check=False)


def run(python: Path, source: str) -> str:
    return programs.run([python, "-c", source], capture_output=True, text=True, check=True).stdout.strip()


def test_a_module_and_its_metadata_are_linked_and_nothing_else(two, root):
    system, env = two
    folder = add(system, "numpy", "here = True").parent
    add(system, "another")
    assert link(two, root, "numpy").stdout == f"{folder}\n"
    assert run(env, "import numpy; print(numpy.here)") == "True"
    assert run(env, "from importlib.metadata import version; print(version('numpy'))") == "9.9"
    assert names(env) == {"numpy"}


@pytest.mark.parametrize("source", ["raise ImportError('libopenblas.so.0')", None])
def test_what_cannot_be_imported_is_not_linked(two, root, source):
    if source:
        add(two[0], "numpy", source)
    linked = link(two, root, "numpy")
    assert linked.returncode == 1
    assert ("libopenblas" if source else "this Python has no numpy") in linked.stderr
    assert names(two[1]) == set()
