"""Serial ports: which is opened unasked, which board is known, and what is said when none can be."""

from __future__ import annotations

import errno
import os
import pty
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from xylophone.backends import open_backend
from xylophone.backends.ports import (
    Port,
    boards_file,
    choose_port,
    find_again,
    known_boards,
    list_ports,
    named_port,
    port_of,
    remember_port,
    url_of,
)
from xylophone.backends.serial_port import SerialPort, explain
from xylophone.errors import BackendMissing, FileError, OptionError
from xylophone.instrument import build_instrument

MEGA = Port("/dev/ttyACM0", "Arduino Mega 2560", "75330303035351A0B1C2", 0x2341, 0x0042, candidate=True)
CLONE = Port("/dev/ttyUSB0", "USB Serial", None, 0x1A86, 0x7523)
FTDI = Port("/dev/ttyUSB1", "FT232R", "A50285BI", 0x0403, 0x6001)
PLAIN = Port("/dev/ttyS0", "says nothing about itself")


def known(port: Port) -> Port:
    return replace(port, known=True)


@pytest.mark.parametrize(
    ("ports", "chosen"),
    [
        ([MEGA], MEGA),
        ([PLAIN, MEGA, CLONE], MEGA),
        ([MEGA, known(FTDI)], known(FTDI)),
        ([known(MEGA), replace(MEGA, device="/dev/ttyACM1", serial_number="other-one")], known(MEGA)),
    ],
)
def test_auto_opens_the_known_board_or_the_only_mega(ports, chosen):
    assert choose_port(ports) == chosen


@pytest.mark.parametrize(
    ("ports", "parts"),
    [
        ([], ["no board is there: check the USB cable"]),
        ([PLAIN], ["no board is there (other ports: /dev/ttyS0)"]),
        (
            [MEGA, replace(MEGA, device="/dev/ttyACM1")],
            ["there are 2 boards", "/dev/ttyACM0 (Arduino Mega 2560), /dev/ttyACM1", "serial:///dev/ttyACM0"],
        ),
        ([known(MEGA), known(FTDI)], ["there are 2 boards", "/dev/ttyUSB1 (FT232R)"]),
        ([CLONE], ["no board that is known", "should not be reset", "--backend serial:///dev/ttyUSB0"]),
        ([CLONE, FTDI], ["/dev/ttyUSB0 (USB Serial), /dev/ttyUSB1 (FT232R)"]),
    ],
)
def test_auto_opens_nothing_that_could_be_something_else(ports, parts):
    with pytest.raises(BackendMissing) as caught:
        choose_port(ports)
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_a_board_is_known_once_it_was_remembered(tmp_path):
    file = tmp_path / "state" / "boards.txt"
    assert known_boards(file) == []
    remember_port(MEGA, file)
    remember_port(FTDI, file)
    remember_port(MEGA, file)
    assert known_boards(file) == ["2341:0042 75330303035351A0B1C2", "0403:6001 A50285BI"]
    entry = SimpleNamespace(
        device="/dev/ttyACM7", description="Mega", vid=0x2341, pid=0x0042, serial_number=MEGA.serial_number
    )
    found = port_of(entry, known_boards(file))
    assert found.known
    assert found.candidate
    entry.serial_number = "7533030303535190D1E2"
    assert not port_of(entry, known_boards(file)).known


@pytest.mark.parametrize("port", [CLONE, PLAIN, replace(FTDI, vid=0x10C4, pid=0xEA60, serial_number="0001")])
def test_what_nothing_tells_from_others_is_never_known(tmp_path, port):
    file = tmp_path / "boards.txt"
    remember_port(port, file)
    assert known_boards(file) == []


def test_a_state_folder_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"cannot make .*: set XDG_STATE_HOME"):
        remember_port(MEGA, tmp_path / "file" / "boards.txt")


def test_boards_are_remembered_where_the_user_keeps_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert boards_file().name == "boards.txt"
    assert boards_file().is_relative_to(tmp_path) or os.uname().sysname != "Linux"


def test_a_board_is_found_again_under_another_name_and_no_other_in_its_place():
    moved = replace(MEGA, device="/dev/ttyACM3")
    other = replace(MEGA, serial_number="AAAAAAAAAAAA")
    assert find_again(MEGA, lambda: [FTDI, moved]) == moved
    assert find_again(MEGA, lambda: [FTDI, other]) is None
    assert find_again(CLONE, lambda: [FTDI, CLONE]) == CLONE
    assert find_again(CLONE, lambda: []) is None


def test_the_ports_of_this_machine_can_be_listed():
    assert all(isinstance(port, Port) and port.device for port in list_ports())


@pytest.mark.parametrize(
    ("rest", "device"),
    [
        ("///dev/ttyACM9", "/dev/ttyACM9"),
        ("COM3", "COM3"),
        ("//COM3", "COM3"),
        ("/dev/ttyACM9", "/dev/ttyACM9"),
        ("socket://board.local:7000", "socket://board.local:7000"),
    ],
)
def test_a_url_names_its_port(rest, device):
    assert named_port(rest).device == device


def test_the_url_of_a_device_names_it_again():
    for device in ("/dev/ttyACM0", "COM3"):
        assert named_port(url_of(device).removeprefix("serial:")).device == device


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("", "name a port, such as serial:///dev/ttyACM0, or say serial:auto"),
        ("//", "name a port"),
        ("///dev/ttyACM0?baud=9600", "unknown option 'baud': serial: has no options"),
        ("auto?x=", "unknown option 'x'"),
    ],
)
def test_a_wrong_url_is_named_with_its_rule(rest, message):
    with pytest.raises(OptionError, match=message.replace("?", r"\?")):
        named_port(rest)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOENT, "there is no such port: check the USB cable"),
        (errno.EACCES, "sudo usermod -aG dialout"),
        (errno.EAGAIN, "another program holds this port"),
        (errno.EBUSY, "another program holds this port"),
        (errno.ENOTTY, "this is no serial port"),
        (errno.ENOSPC, "No space left on device"),
    ],
)
def test_why_a_port_cannot_be_opened_is_one_line(code, message):
    line = explain(OSError(code, os.strerror(code)))
    assert line.startswith("cannot open the port: ")
    assert message in line


def test_a_port_that_is_not_there_is_missing():
    with pytest.raises(
        BackendMissing, match="serial:///dev/no-such-port: cannot open the port: there is no such port"
    ):
        open_backend("serial:///dev/no-such-port", build_instrument())


def test_a_file_is_no_port(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BackendMissing, match="this is no serial port"):
        SerialPort(str(tmp_path / "file"))


def test_a_port_belongs_to_one_program_at_a_time():
    ours, theirs = pty.openpty()
    try:
        first = SerialPort(os.ttyname(theirs))
        with pytest.raises(BackendMissing, match="another program holds this port: close it"):
            SerialPort(os.ttyname(theirs))
        first.close()
        SerialPort(os.ttyname(theirs)).close()
    finally:
        os.close(ours)
        os.close(theirs)


def test_without_pyserial_the_command_to_install_it_is_told(root):
    program = (
        "import sys; sys.modules['serial'] = None\n"
        "from xylophone.backends import open_backend; from xylophone.errors import MissingExtra\n"
        "from xylophone.instrument import build_instrument\n"
        "try: open_backend('serial:auto', build_instrument())\n"
        "except MissingExtra as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True).stdout
    assert said.strip() == (
        "serial ports need pyserial: install it with: python -m pip install 'xylophone[serial]'"
    )
