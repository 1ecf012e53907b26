"""Starting and ending the two processes: what is said, and that it is one line, whatever comes in between."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import forking
import programs
from gpio.fake_pi import FakePi
from gpio.playing import wait_for
from xylophone.gpio.null import SIZE, read_trace

OPEN = """
import signal
from xylophone import build_instrument, open_backend
from xylophone.errors import XylophoneError
signal.signal(signal.SIGINT, signal.default_int_handler)  # what is started in the background ignores it
try:
    with open_backend({url!r}, build_instrument()) as backend:
        print("open", flush=True)
        {then}
except (XylophoneError, KeyboardInterrupt) as error:
    print(type(error).__name__, error)
"""


def program(url: str, then: str = "pass") -> list[str]:
    return [sys.executable, "-c", OPEN.format(url=url, then=then)]


def ran(url: str, then: str = "pass", pi: FakePi | None = None) -> subprocess.CompletedProcess[str]:
    if pi is None:
        return forking.run(program(url, then)[1:], env=os.environ, capture_output=True, text=True)
    own = os.environ | pi.environment
    return programs.run(program(url, then), env=own, capture_output=True, text=True, check=False)


def children_of(process: int) -> list[int]:
    """Return dispatcher and watchdog, in the order in which they were started, as far as they are there."""
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_a_folder_with_modules_of_the_same_names_is_not_imported_from(tmp_path: Path) -> None:
    for name in ("xylophone", "select", "json", "socket"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('imported from here')")
    done = programs.run(
        [sys.executable, "-P", *program("gpio:null")[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("open\n", "")


def test_a_host_with_more_than_a_thousand_files_can_play() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = f"import resource, os; resource.setrlimit(resource.RLIMIT_NOFILE, ({hard}, {hard}))\n"
    many = limit + "kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(1100)]\n"
    words = ["-c", many + program("gpio:null", "backend.silence()")[2]]
    done = forking.run(words, env=os.environ, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("open\n", "")


@pytest.mark.parametrize("after_ms", [20, 120, 350])
def test_a_host_that_is_interrupted_while_it_opens_leaves_without_a_word_of_its_children(
    after_ms: int,
) -> None:
    """However far they have come: the sleep is what is tested."""
    words = program("gpio:null", "import time; time.sleep(60)")[1:]
    host = forking.Fork(words, env=os.environ, stdout=-1, stderr=-1, text=True)
    children: list[int] = []

    def started() -> bool:
        children[:] = children_of(host.pid)
        return len(children) == 2

    assert wait_for(started)
    time.sleep(after_ms / 1000)
    for process in (host.pid, *children):  # as a terminal does that has them all in its foreground
        with suppress(ProcessLookupError):  # it has left as the one before did
            os.kill(process, signal.SIGINT)
    out, err = host.communicate()
    assert "Traceback" not in err
    assert "KeyboardInterrupt" in out or "BackendError" in out
    assert wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


@pytest.fixture
def pi(tmp_path: Path) -> FakePi:
    return FakePi(tmp_path)


def test_a_refused_start_is_one_line_every_time(pi: FakePi) -> None:
    pi.take_away("/dev/spidev0.0")
    for _ in range(2):
        done = ran("gpio:595", pi=pi)
        assert done.stdout.startswith("BackendMissing gpio:595: /dev/spidev0.0 is not there: switch SPI on")
        assert done.stderr == ""


@pytest.mark.parametrize(
    ("url", "delay", "ms"), [("gpio:595", "spi_delay_us", 60), ("gpio:mcp23017", "i2c_delay_us", 400)]
)
def test_a_bus_that_is_far_too_slow_is_refused_by_its_time(pi: FakePi, url: str, delay: str, ms: int) -> None:
    setattr(pi.state, delay, 1000 * ms)
    done = ran(url, pi=pi)
    assert done.stdout.startswith(f"OutputError {url}: the outputs took ") or (
        done.stdout.startswith(f"BackendMissing {url}: the outputs took ")
    )
    assert f"{2 * ms // 100}" in done.stdout.split(" ms ")[0]
    assert "raise gpio.spi_rate, or the clock of I2C" in done.stdout
    assert done.stderr == ""


def test_a_trace_replaces_no_other_file(tmp_path: Path) -> None:
    song = tmp_path / "song.mid"
    song.write_bytes(b"MThd")
    done = ran(f"gpio:null?trace={song}")
    assert done.stdout == f"FileError {song} is there already and no trace: give trace= a new name\n"
    assert song.read_bytes() == b"MThd"


def test_a_trace_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    done = ran(f"gpio:null?trace={tmp_path}/none/writes")
    assert done.stdout == (
        f"FileError {tmp_path}/none/writes cannot be written (No such file or directory): "
        "give trace= a name in a folder that can\n"
    )
    assert done.stderr == ""


def test_a_trace_goes_on_in_one_that_is_there(tmp_path: Path) -> None:
    for _ in range(2):
        assert ran(f"gpio:null?trace={tmp_path}/writes").stdout == "open\n"
    assert (tmp_path / "writes").stat().st_size == SIZE
    assert len(read_trace(f"{tmp_path}/writes")) > 3


def test_pins_do_not_go_on_after_an_error() -> None:
    from xylophone.errors import ConfigError
    from xylophone.wiring import Wiring

    with pytest.raises(ConfigError, match=r"on_error 'go on' is not for gpio:pins.*set it to \"stop\""):
        Wiring(on_error="go on").require("pins", [0])
