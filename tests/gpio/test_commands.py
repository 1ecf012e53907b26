"""`strike` and `doctor` on a fake Pi, or without wires: they say what was really played."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import forking
import programs
from gpio.fake_pi import FakePi
from gpio.playing import wait_for
from gpio.test_host import children_of
from xylophone.gpio.null import read_trace

STRIKE = ["strike", "C6", "--mute", "--times", "4", "--backend"]


def command(folder: Path, *words: str, pi: FakePi | None = None) -> forking.Fork | programs.Program:
    """Start a command; anew where the loader is to read what stands for the Pi."""
    homes = {name: str(folder / "home") for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": folder}
    if pi is None:
        return forking.Fork(words, env=os.environ | homes, **pipes)
    anew = [sys.executable, "-m", "xylophone", *words]
    return programs.Program(anew, env=os.environ | homes | pi.environment, **pipes)


def test_strike_is_no_success_when_the_dispatcher_stood_still(tmp_path: Path) -> None:
    trace = tmp_path / "writes"
    striking = command(tmp_path, *STRIKE, f"gpio:null?trace={trace}")
    assert wait_for(
        lambda: trace.exists() and trace.stat().st_size > 0 and any(m for _, m in read_trace(str(trace)))
    )
    programs.stand_still(min(children_of(striking.pid)))
    out, err = striking.communicate()
    assert striking.returncode == 1
    assert "struck" not in out
    *faults, last = err.splitlines()
    assert faults == ["xylophone: the dispatcher was stopped: the watchdog has switched all outputs off"]
    assert re.fullmatch(r"xylophone: [0-3] of 4 strikes were played: look with xylophone doctor, .*", last)


def test_strike_says_what_it_struck(tmp_path: Path) -> None:
    out, err = command(tmp_path, *STRIKE, "gpio:null").communicate()
    assert out == "struck C6 4 times at velocity 80\n"
    assert "Traceback" not in err


@pytest.mark.parametrize(("url", "delay"), [("gpio:595", "spi_delay_us"), ("gpio:mcp23017", "i2c_delay_us")])
def test_doctor_sees_a_slow_bus(tmp_path: Path, url: str, delay: str) -> None:
    pi = FakePi(tmp_path)
    setattr(pi.state, delay, 5000)
    (tmp_path / "xylophone.toml").write_text('[instrument]\npitches = ["C6", "D6", "E6", "F6"]\n')
    doctor = command(tmp_path, "doctor", "--backend", url, "--hammers", "--yes", pi=pi)
    out, err = doctor.communicate()
    assert re.search(r"warning  writes   a write to the outputs takes \d{4,5} us.*raise gpio\.spi_rate", out)
    late = re.search(r"lateness coils go on (\d+) us late", out)
    assert late is not None
    assert int(late[1]) > 5000
    assert "Traceback" not in err


def test_a_slow_bus_is_told_in_play(tmp_path: Path) -> None:
    from gpio.playing import Playing

    pi = FakePi(tmp_path)
    pi.state.spi_delay_us = 3000
    playing = Playing("gpio:595", pi.environment, 30, period=0.05)
    try:
        assert wait_for(lambda: any("each write to the outputs takes" in said for said in playing.faults()))
    finally:
        playing.end()
