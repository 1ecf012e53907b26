"""Tries the newest versions of everything, and keeps constraints.txt, the versions tested together.

    python3 scripts/newest.py try      runs the first circle of the suite: tells what breaks it, no more
    python3 scripts/newest.py write    runs the whole suite: writes constraints.txt when it passes

Both install the newest of everything into an environment of their own, .venv-xylo/newest, of the Python that
runs this. `write` replaces the versions for this Python and keeps those of the others; where two Pythons
differ, a line has a marker. Exit code 1 when pip or, for `write`, the suite fails.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
ENVIRONMENT = ROOT / ".venv-xylo" / "newest"
FIRST_CIRCLE = ("--quick", "-n", "auto", "--dist", "loadfile")
EXTRAS = "dev,plot,serial,gpio,audio"
NOT_EVERYWHERE = "lgpio,midi"
"""Extras without a wheel on some Pythons."""

Versions = dict[str, str]
LINE = re.compile(
    r'(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; python_version (?P<sign><|>=) "(?P<python>[\d.]+)")?'
)
HEAD = "# What was tested together, and what ./xylo installs. Written by `python3 scripts/newest.py write`.\n"


def order(python: str) -> tuple[int, ...]:
    """Return what Pythons' versions are sorted by."""
    return tuple(int(part) for part in python.split("."))


def read_constraints(text: str) -> dict[str, Versions]:
    """Return the versions for each Python that the file names as tested, by the file's text."""
    tested = re.search(r"^# Python: (.+)$", text, re.MULTILINE)
    tables: dict[str, Versions] = {python: {} for python in tested[1].split()} if tested else {}
    for line in filter(None, map(LINE.fullmatch, text.splitlines())):
        for python, table in tables.items():
            if line["sign"] is None or (order(python) < order(line["python"])) == (line["sign"] == "<"):
                table[line["name"]] = line["version"]
    return tables


def lines_for(name: str, tables: dict[str, Versions]) -> list[str]:
    """Return the lines of one distribution: one, or a range of Pythons for each version it has."""
    by_python = [
        (python, tables[python][name]) for python in sorted(tables, key=order) if name in tables[python]
    ]
    runs = [pair for n, pair in enumerate(by_python) if n == 0 or pair[1] != by_python[n - 1][1]]
    if len(runs) == 1:
        return [f"{name}=={runs[0][1]}"]
    if len(runs) > 2:
        raise ValueError(
            f"{name} has {len(runs)} versions in {len(by_python)} Pythons: a marker here tells two apart"
        )
    return [
        f'{name}=={runs[0][1]} ; python_version < "{runs[1][0]}"',
        f'{name}=={runs[1][1]} ; python_version >= "{runs[1][0]}"',
    ]


def write_constraints(tables: dict[str, Versions]) -> str:
    """Return the file's text for the versions of each Python."""
    names = sorted({name for table in tables.values() for name in table}, key=str.lower)
    lines = [line for name in names for line in lines_for(name, tables)]
    return HEAD + f"# Python: {' '.join(sorted(tables, key=order))}\n" + "\n".join(lines) + "\n"


def frozen(listed: str) -> Versions:
    """Return the versions in what `pip freeze --all` lists, but for pip's own."""
    versions = dict(line.split("==", 1) for line in listed.splitlines() if "==" in line)
    return {name: version for name, version in versions.items() if name != "pip"}


def newer(tested: Versions, newest: Versions) -> Versions:
    """Return what of the newest is not what was tested, by its name."""
    return {name: version for name, version in newest.items() if tested.get(name) != version}


def culprit(changed: Versions, tested: Versions, passes: Callable[[str, str], bool]) -> str:
    """Return the words for what breaks the suite: the one distribution with whose tested version it passes.

    `passes(name, version)` tells whether the suite passes with that one version put back.
    """
    for name, version in changed.items():
        if name in tested and passes(name, tested[name]):
            return f"{name} {version} (with {tested[name]} they pass)"
    return "no single one, but one of " + ", ".join(f"{name} {version}" for name, version in changed.items())


class Trial:
    """An environment with the newest of everything that this Python can have."""

    def __init__(self, folder: Path) -> None:
        self.python = folder / "bin" / "python"
        base_has_pip = importlib.util.find_spec("pip") is not None
        without = ["--without-pip"] if base_has_pip else []
        subprocess.run([sys.executable, "-m", "venv", "--clear", *without, folder], check=True)
        by_base = [sys.executable, "-m", "pip", "--python", str(self.python)]
        self.pip = by_base if base_has_pip else [str(self.python), "-m", "pip"]

    def install(self, *what: str) -> bool:
        """Install, quietly, and tell whether pip could."""
        options = ["-qq", "--disable-pip-version-check", "--only-binary", "numpy,symusic,lgpio,python-rtmidi"]
        return subprocess.run([*self.pip, "install", *options, *what], cwd=ROOT, check=False).returncode == 0

    def fill(self) -> None:
        """Install the project with all its extras, and what it is built with."""
        build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
        if not self.install("--editable", f".[{EXTRAS},{NOT_EVERYWHERE}]", *build, "editables"):
            print(f"newest: without {NOT_EVERYWHERE}, which this Python cannot have", file=sys.stderr)
            if not self.install("--editable", f".[{EXTRAS}]", *build, "editables"):
                sys.exit("newest: pip could not install the newest of everything, its words are above")

    def versions(self) -> Versions:
        """Return what is installed, the project itself and pip left out."""
        command = [*self.pip, "freeze", "--all", "--exclude-editable"]
        return frozen(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    def passes(self, *arguments: str) -> bool:
        """Run tests, and tell whether they pass."""
        command = [self.python, "-P", "-m", "pytest", "-q", "--tb=short", *arguments]
        return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def try_newest(trial: Trial, tested: Versions) -> None:
    """Run the first circle with the newest, and warn with the one that breaks it."""
    changed = newer(tested, trial.versions())
    if not changed:
        print("newest: nothing is newer than constraints.txt")
        return
    print(
        "newest: " + ", ".join(f"{name} {tested.get(name, 'none')} -> {new}" for name, new in changed.items())
    )
    if trial.passes(*FIRST_CIRCLE):
        print("newest: the first circle of the suite passes with it")
        return

    def passes_with(name: str, version: str) -> bool:
        put_back = trial.install("--no-deps", f"{name}=={version}")
        passed = put_back and trial.passes("--last-failed")
        trial.install("--no-deps", f"{name}=={changed[name]}")
        return passed

    print(f"newest: warning: the suite fails with {culprit(changed, tested, passes_with)}", file=sys.stderr)


def main() -> None:
    """Do what the command line names."""
    if sys.argv[1:] not in (["try"], ["write"]):
        sys.exit(__doc__)
    python = "{}.{}".format(*sys.version_info)
    tables = read_constraints(CONSTRAINTS.read_text()) if CONSTRAINTS.exists() else {}
    trial = Trial(ENVIRONMENT)
    trial.fill()
    if sys.argv[1] == "try":
        try_newest(trial, tables.get(python, {}))
    elif trial.passes():
        CONSTRAINTS.write_text(write_constraints(tables | {python: trial.versions()}))
    else:
        sys.exit("newest: the suite fails with the newest of everything; constraints.txt stays as it is")


if __name__ == "__main__":
    main()
