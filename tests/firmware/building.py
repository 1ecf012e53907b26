"""The one way in which tests need a compiler, and get what it builds.

Where a tool is missing the test is skipped with a reason that names what to install; with
XYLOPHONE_REQUIRE_TOOLCHAIN set, as in CI, it fails instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
from filelock import FileLock

import programs

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"

BUILDS = "XYLOPHONE_TEST_BUILDS"
"""Variable of the environment: the folder of what is built once in a run; tests/conftest.py makes it."""

PACKAGES = {
    "cc": "gcc libc6-dev",
    "make": "make",
    "avr-gcc": "gcc-avr avr-libc",
    "simavr headers": "libsimavr-dev libelf-dev",
    "Arduino core": "arduino-core-avr",
    "avrdude": "avrdude",
    "strace": "strace",
    "lgpio": "python3-lgpio",
    "systemd-analyze": "systemd",
    "locales": "locales",
    "jackd": "jackd2",
    "rtmidi": "python3-rtmidi",
}
"""What each tool is called by Debian."""

PLACES = {
    "simavr headers": Path("/usr/include/simavr/sim_avr.h"),
    "Arduino core": Path("/usr/share/arduino/hardware/arduino/avr/cores/arduino/Arduino.h"),
    "locales": Path("/usr/share/i18n/locales/en_US"),
}
"""Tools that are no programs, and a file that shows that they are there."""


def need(*tools: str) -> None:
    """Leave a test out, or fail it in CI, unless all these tools are there."""
    missing = [tool for tool in tools if not _there(tool)]
    if not missing:
        return
    packages = " ".join(PACKAGES[tool] for tool in missing)
    reason = f"needs {', '.join(missing)}: sudo apt install {packages}"
    if os.environ.get("XYLOPHONE_REQUIRE_TOOLCHAIN"):
        pytest.fail(reason)
    pytest.skip(reason)


def make(folder: Path, target: str, **variables: str) -> None:
    """Build a target of the firmware into a folder; the compiler's words are in the failure."""
    need("make", "cc")
    settings = [f"{name}={value}" for name, value in ({"BUILD": str(folder)} | variables).items()]
    run(["make", "--silent", "-C", str(FIRMWARE), target, *settings])


def built(target: str, **variables: str) -> Path:
    """Return the folder with a target of the firmware, built once in a run by whoever needs it first."""
    folder = Path(os.environ[BUILDS]) / "-".join([target, *variables])
    with FileLock(f"{folder}.lock"):
        make(folder, target, **variables)
    return folder


def run(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed; fail with its words when it fails."""
    done = programs.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _there(tool: str) -> bool:
    if tool in ("lgpio", "rtmidi"):
        return find_spec(tool) is not None
    if tool in PLACES:
        return PLACES[tool].exists()
    return shutil.which(tool) is not None
