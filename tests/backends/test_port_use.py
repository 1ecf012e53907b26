"""Who may open a port, who has it open, and which programs take ports that are not theirs."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios

import pytest

import programs
from backends.rights import held, somebody_else
from xylophone.backends.port_use import MEDDLERS, holder_of, meddlers, refusal_to, remedy
from xylophone.backends.ports import Port
from xylophone.backends.serial_line import Plug
from xylophone.backends.serial_port import SerialPort
from xylophone.errors import BackendMissing


@pytest.fixture
def terminal():
    ours, theirs = pty.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_another_program_that_has_a_port_open_is_named(terminal, tmp_path):
    (tmp_path / "link").symlink_to(terminal)
    with held(terminal) as process:
        for name in (terminal, str(tmp_path / "link")):
            assert f"(process {process})" in holder_of(name)
            assert "python" in holder_of(name)


def test_a_port_of_nobody_or_of_ours_has_no_holder(terminal):
    assert holder_of(terminal) is None
    port = SerialPort(terminal)
    assert holder_of(terminal) is None
    port.close()


def test_a_port_on_usb_that_another_program_has_open_is_not_touched(terminal):
    near = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
    before = termios.tcgetattr(near)
    plug = Plug(Port(terminal, "Mega 2560", "7533030303", 0x2341, 0x42))
    with (
        held(terminal) as process,
        pytest.raises(BackendMissing, match=rf"\(process {process}\) holds this port"),
    ):
        plug()
    assert termios.tcgetattr(near) == before
    os.close(near)
    plug().close()


def test_who_has_locked_a_port_is_told(terminal):
    with held(terminal, lock=True) as process, pytest.raises(BackendMissing) as caught:
        SerialPort(terminal)
    assert f"(process {process}) holds this port: close it" in str(caught.value)


def test_a_pseudo_terminal_may_be_shared(terminal):
    with held(terminal):
        Plug(Port(terminal, "named by you"))().close()


def test_programs_that_take_ports_are_named_with_the_remedy(tmp_path):
    for number, name in enumerate(("init", "ModemManager", "bash", "brltty"), 1):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(f"{name}\n")
    (tmp_path / "self").mkdir()
    assert meddlers(tmp_path) == [f"{name} runs here: {words}" for name, words in MEDDLERS.items()]
    (tmp_path / "2" / "comm").unlink()  # it has just ended
    assert [line.split()[0] for line in meddlers(tmp_path)] == ["brltty"]
    assert meddlers(tmp_path / "none") == []
    for words in MEDDLERS.values():
        assert "sudo " in words


def test_the_kernel_tells_the_names_of_programs_that_run(tmp_path):
    stand_in = tmp_path / "brltty"
    stand_in.symlink_to(sys.executable)
    with programs.Program(
        [stand_in, "-c", "print('runs', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert any(line.startswith("brltty runs here") for line in meddlers())
        process.communicate("\n")


def test_who_may_open_a_port_is_not_refused(terminal):
    assert refusal_to(terminal) is None
    assert refusal_to("/dev/no-such-port") is None


def test_who_may_not_is_refused(terminal):
    os.chmod(terminal, 0)
    with somebody_else():
        assert refusal_to(terminal).startswith("its rights are for others alone: let a udev rule")


@pytest.mark.parametrize(
    ("rights", "group", "members", "words"),
    [
        (
            0o660,
            "dialout",
            ["ann"],
            "this user is not in the group dialout: sudo usermod -aG dialout $USER, then log out",
        ),
        (0o660, "uucp", [], "this user is not in the group uucp: sudo usermod -aG uucp $USER"),
        (
            0o660,
            "dialout",
            ["ann", "bob"],
            "this login does not know yet that its user is in the group dialout: log",
        ),
        (0o660, "root", [], "its rights are for others alone"),
        (0o600, "dialout", [], "its rights are for others alone"),
        (0o620, "tty", [], "its rights are for others alone"),
    ],
)
def test_the_remedy_fits_the_rights_of_the_port(rights, group, members, words):
    assert remedy(rights, group, members, "bob").startswith(words)
