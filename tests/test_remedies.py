"""Remedies work where the reader stands: commands that install name the environment that runs."""

from __future__ import annotations

import shlex
import sys
import venv
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

import programs
from xylophone.cli.findings import EXTRAS
from xylophone.errors import install

WITHOUT = """
import sys
sys.path[:0] = sys.argv[1].split(":")
for name in ("sounddevice", "serial", "resvg_py"):
    sys.modules[name] = None
from xylophone.backends import open_backend
from xylophone.errors import MissingExtra
from xylophone.instrument import build_instrument
from xylophone.soundcard.loudspeaker import sound_library
for need in (sound_library, lambda: open_backend("serial:auto", build_instrument())):
    try:
        need()
    except MissingExtra as error:
        print(error)
"""


def told_in(environment: Path) -> list[str]:
    """Return what a program of an environment says of libraries that it has not."""
    python = environment / "bin" / "python"
    path = ":".join(entry for entry in sys.path if entry)
    ran = programs.run([python, "-c", WITHOUT, path], check=True, capture_output=True, text=True)
    return ran.stdout.splitlines()


def test_what_is_missing_is_put_where_the_program_runs(tmp_path: Path) -> None:
    environment = tmp_path / "my venvs" / "xylophone"
    venv.create(environment, with_pip=False)
    python = shlex.quote(str(environment / "bin" / "python"))
    sound, ports = told_in(environment)
    assert sound.endswith(f"install it with: {python} -m pip install sounddevice")
    assert ports.endswith(f"install it with: {python} -m pip install pyserial")
    (environment / "pipx_metadata.json").write_text("{}", "ascii")  # as pipx has it, without pip
    sound, ports = told_in(environment)
    assert sound.endswith("install it with: pipx inject xylophone sounddevice")
    assert ports.endswith("install it with: pipx inject xylophone pyserial")


def test_names_that_a_shell_would_read_otherwise_are_quoted() -> None:
    assert install("a>=1", "b") == f"{shlex.quote(sys.executable)} -m pip install 'a>=1' b"


@pytest.mark.parametrize("module", [module for _, module, _, _ in EXTRAS if find_spec(module)])
def test_the_package_that_is_named_brings_the_module(module: str) -> None:
    package = next(package for _, name, package, _ in EXTRAS if name == module)
    assert package in {name.lower().replace("_", "-") for name in packages_distributions()[module]}
