"""Asks pip what it would install for other machines: in the versions of constraints.txt, and of wheels only.

    python3 scripts/platforms.py

Nothing is installed and nothing runs: a row says that every wheel is there, or for what there is none. What
was run, and where, stands in docs/platforms.md.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
GLIBC = [*(f"manylinux_2_{minor}" for minor in (36, 35, 34, 31, 28, 27, 24, 17)), "manylinux2014", "linux"]
PLATFORMS = {
    "x86_64": [f"{name}_x86_64" for name in GLIBC],
    "aarch64": [f"{name}_aarch64" for name in GLIBC],
    "armv7l": [f"{name}_armv7l" for name in GLIBC],
    "macOS": ["macosx_14_0_arm64", "macosx_12_0_arm64", "macosx_11_0_arm64", "macosx_11_0_universal2"],
    "Windows": ["win_amd64"],
}
WANTED = {"playing": ".[plot,serial,gpio]", "lgpio": ".[lgpio]", "tests": ".[test]", "oracle": ".[oracle]"}


def ask(what: str, python: str, platform: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Ask pip what it would install of wheels."""
    tags = [word for tag in PLATFORMS[platform] for word in ("--platform", tag)]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "-qq", "--only-binary", ":all:", *options]
    command += ["--implementation", "cp", "--python-version", python, *tags, "--target", "unused", what]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def answer(what: str, python: str, platform: str) -> str:
    """Return "yes" where every wheel is there, else what is missing."""
    if not ask(what, python, platform, "--constraint", "constraints.txt").returncode:
        return "yes"
    free = ask(what, python, platform)  # of versions that conflict pip names none
    if not free.returncode:
        return "in other versions"
    named = re.findall(r"No matching distribution found for ([\w.-]+)", free.stderr)
    return f"no wheel of {named[0]}" if named else free.stderr.strip().splitlines()[-1]


def main() -> None:
    """Print a row for each Python, machine and set of extras."""
    for python, platform in itertools.product(PYTHONS, PLATFORMS):
        told = "; ".join(f"{name}: {answer(what, python, platform)}" for name, what in WANTED.items())
        print(f"{python} {platform:8} {told}", flush=True)


if __name__ == "__main__":
    main()
