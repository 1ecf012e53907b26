"""Serial ports: which is opened unasked, which board is known, and what is said when none can be."""

from __future__ import annotations

import errno
import os
import pty
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pkgutil import iter_modules
from types import SimpleNamespace

import pytest
from serial import urlhandler
from serial.tools import list_ports as system

import programs
from firmware.building import PLACES, need
from xylophone.backends import open_backend
from xylophone.backends.ports import (
    MEGAS,
    NETWORK,
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
from xylophone.errors import BackendAbsent, BackendMissing, FileError, OptionError
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


def test_a_board_is_known_once_it_was_remembered(tmp_path, monkeypatch):
    file = tmp_path / "state" / "boards.txt"
    assert known_boards(file) == []
    remember_port(MEGA, file)
    remember_port(FTDI, file)
    remember_port(MEGA, file)
    assert known_boards(file) == ["2341:0042 75330303035351A0B1C2", "0403:6001 A50285BI"]
    entry = SimpleNamespace(
        device="/dev/ttyACM7", description="Mega", vid=0x2341, pid=0x0042, serial_number=MEGA.serial_number
    )
    monkeypatch.setattr(system, "comports", lambda: [entry])
    (found,) = list_ports(file)
    assert found.known
    assert found.candidate
    entry.serial_number = "7533030303535190D1E2"
    assert not list_ports(file)[0].known


@pytest.mark.parametrize("port", [CLONE, PLAIN, replace(FTDI, vid=0x10C4, pid=0xEA60, serial_number="0001")])
def test_what_nothing_tells_from_others_is_never_known(tmp_path, port):
    file = tmp_path / "boards.txt"
    remember_port(port, file)
    assert known_boards(file) == []


def test_of_boards_that_are_found_at_the_same_time_none_is_forgotten(tmp_path):
    file = tmp_path / "boards.txt"
    ports = [replace(MEGA, serial_number=f"753303030353{number:04}") for number in range(20)]
    with ThreadPoolExecutor(len(ports)) as pool:
        list(pool.map(lambda port: remember_port(port, file), ports))
    assert sorted(known_boards(file)) == [port.identity for port in ports]
    assert [path.name for path in tmp_path.iterdir()] == ["boards.txt"]


def test_known_boards_in_a_pipe_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "boards.txt")
    with pytest.raises(FileError, match="it is a pipe or a device"):
        known_boards(tmp_path / "boards.txt")


def test_a_state_folder_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"cannot make .*: set XDG_STATE_HOME"):
        remember_port(MEGA, tmp_path / "file" / "boards.txt")


def test_boards_are_remembered_where_the_user_keeps_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert boards_file().name == "boards.txt"
    assert boards_file().is_relative_to(tmp_path) or os.uname().sysname != "Linux"


def test_a_named_port_needs_no_file_of_known_boards(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    boards_file().parent.mkdir(parents=True)
    boards_file().mkdir()  # it cannot be read
    assert named_port("///dev/ttyACM9").device == "/dev/ttyACM9"
    assert find_again(replace(MEGA, device="/dev/ttyACM9")) is None
    with pytest.raises(FileError):
        named_port("auto")


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
        ("rfc2217://[::1]:7000?ign_set_control", "rfc2217://[::1]:7000?ign_set_control"),
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
        ("///dev/tty\0ACM0", "name a port, such as"),
        ("socket://board.local", "the only URLs of a board are serial:socket://HOST:PORT and serial:rfc2217"),
        ("socket://board.local:70000", "the only URLs"),
        ("socket://:7000", "the only URLs"),
        ("socket://board.local:7000?logging=debug", "the only URLs"),
        ("rfc2217://[::1", "the only URLs"),
    ],
)
def test_a_wrong_url_is_named_with_its_rule(rest, message):
    with pytest.raises(OptionError, match=message):
        named_port(rest)


def test_no_other_url_of_pyserial_is_opened(tmp_path):
    spied = tmp_path / "precious"
    spied.write_text("kept")
    schemes = {name.removeprefix("protocol_") for _, name, _ in iter_modules(urlhandler.__path__)}
    assert schemes > {"spy", "hwgrep", "loop", "alt"}
    for scheme in {*schemes, "SPY", "Loop"} - set(NETWORK):
        for rest in (f"{scheme}:///dev/tty?file={spied}", f"{scheme}://((", f"{scheme}://host:1"):
            with pytest.raises(OptionError, match="the only URLs of a board are"):
                open_backend(f"serial:{rest}", build_instrument())
            with pytest.raises(BackendMissing):  # and not past the rule either
                SerialPort(rest)
    assert spied.read_text() == "kept"


def test_every_mega_of_arduinos_own_table_is_one():
    need("Arduino core")
    lines = (PLACES["Arduino core"].parents[2] / "boards.txt").read_text()
    columns = [re.findall(rf"^mega\.{key}\.\d+=0x(\w+)$", lines, re.MULTILINE) for key in ("vid", "pid")]
    theirs = {(int(vid, 16), int(pid, 16)) for vid, pid in zip(*columns, strict=True)}
    assert theirs == MEGAS
    assert len(theirs) == 6


@pytest.mark.parametrize(
    ("vid", "pid"),
    [
        (0x2341, 0x0010),
        (0x2341, 0x0042),
        (0x2341, 0x0210),
        (0x2341, 0x0242),
        (0x2A03, 0x0010),
        (0x2A03, 0x0042),
    ],
)
def test_any_mega_is_opened_unasked_where_it_is_the_only_one(vid, pid):
    entry = SimpleNamespace(device="/dev/ttyACM0", description="Mega", vid=vid, pid=pid, serial_number=None)
    assert choose_port([CLONE, port_of(entry)]).device == "/dev/ttyACM0"


def test_a_clone_without_a_serial_number_is_known_by_its_usb_socket(tmp_path, monkeypatch):
    links, boards = tmp_path / "by-path", tmp_path / "boards.txt"
    links.mkdir()
    entries = [SimpleNamespace(device=str(tmp_path / name), vid=0x1A86, pid=0x7523) for name in ("a", "b")]
    for number in (2, 3):
        (links / f"pci-0000:00:14.0-usbv2-0:{number}:1.0-port0").symlink_to(tmp_path / "ab"[number - 2])
        (links / f"pci-0000:00:14.0-usb-0:{number}:1.0-port0").symlink_to(tmp_path / "ab"[number - 2])
    monkeypatch.setattr(system, "comports", lambda: entries)
    here, other = list_ports(boards, links)
    assert here.link == "pci-0000:00:14.0-usb-0:2:1.0-port0"
    assert [here.known, other.known, here.alone] == [False] * 3
    remember_port(here, boards)
    assert known_boards(boards) == ["1a86:7523 at pci-0000:00:14.0-usb-0:2:1.0-port0"]
    here, other = list_ports(boards, links)
    assert (here.known, other.known) == (True, False)
    assert choose_port([here, other]) == here
    entries[0].pid = 0x7522  # another thing in the same socket
    assert not any(port.known for port in list_ports(boards, links))


@pytest.mark.parametrize(
    ("ports", "remembered", "absent"),
    [([], False, True), ([PLAIN], False, True), ([CLONE], False, False), ([CLONE], True, True)],
)
def test_only_a_board_that_is_not_plugged_in_is_absent(ports, remembered, absent):
    with pytest.raises(BackendMissing) as caught:
        choose_port(ports, remembered)
    assert isinstance(caught.value, BackendAbsent) is absent


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
    line = explain(OSError(code, os.strerror(code)), "/dev/no-such-port")
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
    said = programs.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True).stdout
    assert said.strip() == (
        f"serial ports need pyserial: install it with: {sys.executable} -m pip install pyserial"
    )
