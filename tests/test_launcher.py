"""./xylo: what it sets up, when it does so again, and what it passes on.

A fake python3 stands in for making environments and for pip, so nothing is downloaded; every other
question to it goes to the real interpreter. What the fakes are told to do is written in a log.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import programs

FAKE_PYTHON = """#!/bin/sh
case "$*" in
-ISc*) echo "${FAKE_VERSION:-3.11}"; [ -z "${FAKE_TOO_OLD:-}" ] ;;
*link_module.py*)
    echo "$*" >>"$LOG"
    case " ${FAKE_SYSTEM:-} " in *" $4 "*) echo /the/system ;; *) exit 1 ;; esac
    ;;
*find_spec*) case " $FAKE_MODULES " in *" $3 "*) exit 0 ;; *) exit 1 ;; esac ;;
"-m venv"*)
    echo "$*" >>"$LOG"
    for folder; do :; done
    mkdir -p "$folder/bin"
    cp "$FAKES/env_python" "$folder/bin/python"
    printf '#!%s/bin/python\\n' "$folder" >"$folder/bin/xylophone"
    echo "command = $*" >"$folder/pyvenv.cfg"
    [ -z "${HOLD:-}" ] || read -r _ <"$HOLD"
    ;;
"-m pip"*)
    echo "$* by $PIP_CONSTRAINT and $PIP_BUILD_CONSTRAINT in $PWD" >>"$LOG"
    case "$*" in *"${FAKE_PIP_FAILS:-no such words}"*) echo "pip says why"; exit 1 ;; esac
    ;;
*) exec "$REAL_PYTHON" "$@" ;;
esac
"""

FAKE_ENV_PYTHON = """#!/bin/sh
[ "$2" != pip ] || exec python3 "$@"
case "$*" in
"-P -c import "*)
    case " ${FAKE_CANNOT_IMPORT:-} " in *" ${3#import } "*) exit 1 ;; *) exit 0 ;; esac
    ;;
esac
printf '%s in %s:' ran "$PWD"
printf ' <%s>' "$@"
exit "${EXIT_CODE:-0}"
"""


Ran = subprocess.CompletedProcess[str]


@dataclass
class Machine:
    """A checkout of nothing but the launcher, and a PATH where python3 is the fake."""

    folder: Path
    checkout: Path

    def environ(self, **settings: str) -> dict[str, str]:
        fakes = self.folder / "fakes"
        known = {
            "PATH": f"{fakes}:/usr/bin:/bin",
            "HOME": str(self.folder / "home"),
            "FAKES": str(fakes),
            "LOG": str(self.folder / "log"),
            "REAL_PYTHON": sys.executable,
            "FAKE_MODULES": "venv pip ensurepip",
        }
        return known | settings

    def run(self, *arguments: str, xylo: Path | None = None, cwd: Path | None = None, **settings: str) -> Ran:
        return programs.run(
            [xylo or self.checkout / "xylo", *arguments],
            capture_output=True,
            text=True,
            cwd=cwd or self.folder,
            env=self.environ(**settings),
        )

    def told(self, word: str) -> list[str]:
        """Return what the fakes were told that has this word in it."""
        log = self.folder / "log"
        return [line for line in log.read_text().splitlines() if word in line] if log.exists() else []

    @property
    def env(self) -> Path:
        return self.checkout / ".venv-xylo" / "env"


@pytest.fixture
def machine(tmp_path: Path, root: Path) -> Machine:
    fakes, checkout = tmp_path / "fakes", tmp_path / "a check out"
    for folder in (fakes, checkout / "scripts", tmp_path / "home"):
        folder.mkdir(parents=True)
    for name in ("xylo", "pyproject.toml", "constraints.txt", "scripts/check"):
        shutil.copy(root / name, checkout / name)
    for name, text in (("python3", FAKE_PYTHON), ("env_python", FAKE_ENV_PYTHON)):
        (fakes / name).write_text(text)
        (fakes / name).chmod(0o755)
    return Machine(tmp_path, checkout)


def test_the_first_run_sets_up_once_and_later_runs_do_not(machine):
    first = machine.run("play")
    assert first.returncode == 0
    assert len(first.stderr.splitlines()) == 1
    assert "setting up" in first.stderr
    second = machine.run("play")
    assert second.stderr == ""
    assert second.stdout == first.stdout
    assert len(machine.told("-m venv")) == 1
    assert [("test,plot,serial,gpio" in told, "audio" in told) for told in machine.told("install")] == [
        (True, True)
    ]


def test_it_installs_what_was_tested_and_sees_nothing_of_the_system(machine):
    machine.run("info")
    home = machine.env.parent
    by = f" by constraints.txt and constraints.txt in {home}"
    assert [told.endswith(by) for told in machine.told("-m pip")] == [True]
    assert (home / "constraints.txt").read_text() == (machine.checkout / "constraints.txt").read_text()
    assert not any("system-site-packages" in told for told in machine.told("-m venv"))


def test_what_no_wheel_brings_comes_from_the_system_and_is_said(machine):
    ran = machine.run("info", FAKE_CANNOT_IMPORT="lgpio,_lgpio rtmidi", FAKE_SYSTEM="lgpio")
    assert ran.returncode == 0
    assert ran.stderr.splitlines()[1:] == [
        "xylo: it has none that can be imported, so the system's own is taken: lgpio (from /the/system)"
    ]
    kept = (machine.env.parent / "constraints.txt").read_text()
    assert "numpy==" in kept
    assert "lgpio==" not in kept


def test_a_numpy_that_cannot_be_imported_is_told_with_the_remedy(machine):
    ran = machine.run("info", FAKE_CANNOT_IMPORT="numpy")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].endswith("on Debian: sudo apt install python3-numpy")
    assert not machine.env.exists()


def test_arguments_and_exit_code_pass_unchanged(machine):
    ran = machine.run("play", "two words", "*", "--speed", "0.9", "", EXIT_CODE="4")
    assert ran.stdout.endswith(": <-P> <-m> <xylophone> <play> <two words> <*> <--speed> <0.9> <>")
    assert ran.returncode == 4


def test_it_runs_in_the_callers_folder_and_through_a_chain_of_links(machine):
    elsewhere = machine.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "absolute").symlink_to(machine.checkout / "xylo")
    (elsewhere / "relative").symlink_to("absolute")
    ran = machine.run("info", xylo=elsewhere / "relative", cwd=elsewhere)
    assert ran.stdout.startswith(f"ran in {elsewhere}:")
    assert machine.env.is_dir()


def test_the_tests_run_in_the_checkout(machine):
    ran = machine.run("test", "-k", "a word")
    assert ran.stdout == f"ran in {machine.checkout}: <-P> <-m> <pytest> <-k> <a word>"


def change(machine: Machine, name: str) -> None:
    with (machine.checkout / name).open("a") as file:
        file.write("# a change\n")


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_what_it_was_made_by_renews_it(machine, name):
    machine.run("info")
    change(machine, name)
    renewed = machine.run("info")
    assert "was renewed" in renewed.stderr
    assert len(renewed.stderr.splitlines()) == 1
    assert machine.run("info").stderr == ""
    assert len(machine.told("-m venv")) == 2


def test_without_a_network_a_stale_environment_goes_on_with_one_line(machine):
    machine.run("info")
    change(machine, "constraints.txt")
    for _ in range(2):
        ran = machine.run("info", FAKE_PIP_FAILS="install", EXIT_CODE="4")
        assert ran.stdout.endswith("<info>")
        assert ran.returncode == 4
        assert [line.endswith("the environment of before") for line in ran.stderr.splitlines()] == [True]
        assert "pip says why" in (machine.env.parent / "log").read_text()
    assert "was renewed" in machine.run("info").stderr


@pytest.mark.parametrize("change", ["python", "moved"])
def test_another_python_or_place_sets_it_up_again(machine, change):
    machine.run("info")
    settings = {}
    if change == "python":
        settings["FAKE_VERSION"] = "3.13"
    else:
        machine.checkout = machine.checkout.rename(machine.folder / "moved")
    assert "setting up" in machine.run("info", **settings).stderr
    assert machine.run("info", **settings).stderr == ""


def test_scripts_of_the_environment_name_the_place_where_it_stands(machine):
    machine.run("info")
    assert (machine.env / "bin" / "xylophone").read_text() == f"#!{machine.env}/bin/python\n"


def test_pips_words_are_shown_when_it_fails_and_nothing_is_left_half_made(machine):
    ran = machine.run("info", FAKE_PIP_FAILS="install")
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "pip says why" in ran.stderr
    assert "run ./xylo again" in ran.stderr
    assert not machine.env.exists()
    assert not (machine.env.parent / "new").exists()
    assert machine.run("info").returncode == 0


def test_a_failed_renewal_leaves_the_environment_that_worked(machine):
    machine.run("info")
    assert machine.run("info", FAKE_VERSION="3.13", FAKE_PIP_FAILS="install").returncode == 1
    assert machine.run("info").stderr == ""
    assert len(machine.told("-m venv")) == 2


def test_an_extra_without_a_wheel_is_left_out_with_one_line(machine):
    ran = machine.run("info", FAKE_PIP_FAILS="audio")
    assert ran.returncode == 0
    assert [line for line in ran.stderr.splitlines() if "'audio'" in line] == ran.stderr.splitlines()[1:]
    assert machine.run("info").stderr == ""


def test_where_the_checkout_cannot_be_written_a_user_folder_is_taken(machine):
    (machine.checkout / ".venv-xylo").write_text("a file where the folder would be")
    machine.run("info")
    assert (machine.folder / "home" / ".local/share/xylophone/xylo/env/xylo-stamp").exists()
    ran = machine.run("test", XDG_DATA_HOME=str(machine.folder / "data"))
    assert (machine.folder / "data" / "xylophone/xylo/env/xylo-stamp").exists()
    assert f"<cache_dir={machine.folder}/data/xylophone/xylo/pytest>" in ran.stdout


def test_without_a_home_no_folder_is_made_in_the_root(machine):
    (machine.checkout / ".venv-xylo").write_text("a file where the folder would be")
    for empty in ({"HOME": ""}, {"HOME": "", "XDG_DATA_HOME": ""}):
        ran = machine.run("info", **empty)
        assert ran.returncode == 1
        assert ran.stderr.endswith(
            "nor a data folder (HOME is not set) can be written; set XDG_DATA_HOME to a folder that can\n"
        )


@pytest.mark.parametrize("modules", ["venv", "pip", ""])
def test_without_pip_and_venv_one_command_is_named(machine, modules):
    ran = machine.run("info", FAKE_MODULES=modules)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].endswith("sudo apt install python3-venv")


def test_without_pip_the_environment_brings_its_own(machine):
    assert machine.run("info", FAKE_MODULES="venv ensurepip").returncode == 0
    assert not any("--without-pip" in told for told in machine.told("-m venv"))
    assert not any("--python" in told for told in machine.told("-m pip"))


def test_a_python_that_is_too_old_is_named(machine):
    ran = machine.run("info", FAKE_TOO_OLD="1", XYLO_PYTHON="python3")
    assert ran.returncode == 1
    assert ran.stderr == (
        "xylo: no Python 3.11 or newer found as python3; "
        "on Debian and Raspberry Pi OS: sudo apt install python3-venv\n"
    )


def test_two_first_runs_at_once_set_up_once(machine):
    hold = machine.folder / "hold"
    os.mkfifo(hold)
    settings = machine.environ(HOLD=str(hold))

    def start() -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return programs.Program([machine.checkout / "xylo", "info"], text=True, env=settings, **pipes)

    opened = os.open(hold, os.O_RDWR)  # both ends, so that opening waits for nobody
    with start() as one:
        assert "setting up" in one.stderr.readline()
        with start() as other, open(opened, "w") as gate:
            assert "another ./xylo is setting up" in other.stderr.readline()
            gate.write("go on\n")
            gate.flush()
            assert [(run.wait(), run.stdout.read()[:3]) for run in (one, other)] == [(0, "ran"), (0, "ran")]
    assert len(machine.told("-m venv")) == 1


def test_a_build_that_was_killed_holds_nobody_up(machine):
    home = machine.env.parent
    (home / "new" / "bin").mkdir(parents=True)
    (home / "lock").touch()
    assert machine.run("info").returncode == 0
    assert not (home / "new").exists()


def test_check_adds_its_tools_once(machine):
    (machine.checkout / "scripts" / "check").write_text('#!/bin/sh\necho "checked with $PYTHON: $*"\n')
    for _ in range(2):
        ran = machine.run("check", "--no-tests")
        assert ran.stdout == f"checked with {machine.env}/bin/python: --no-tests\n"
    assert len([told for told in machine.told("-m pip") if ",dev" in told]) == 1
