"""Serial ports: which are there, which may be opened unasked, and which boards are known from before.

Opening a port resets whatever is behind it, somebody's 3D printer too. So `serial:auto` opens only a
board that has answered before, or the one and only Arduino Mega.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qsl, urlsplit

from ..config.places import state_folder
from ..errors import BackendAbsent, BackendMissing, MissingExtra, OptionError, install
from ..files import alone_with, is_there, make_folder, read_text, write_text
from ..words import counted

MEGAS = frozenset(
    {
        (0x2341, 0x0010),
        (0x2341, 0x0042),
        (0x2A03, 0x0010),
        (0x2A03, 0x0042),
        (0x2341, 0x0210),
        (0x2341, 0x0242),
    }
)
"""USB vendor and product of an Arduino Mega 2560, all its revisions: every `mega.vid` and `mega.pid` in
Arduino's own boards.txt (github.com/arduino/ArduinoCore-avr, 1.8.7; in Debian's arduino-core-avr)."""

CONVERTERS = frozenset({(0x1A86, 0x7523), (0x0403, 0x6001), (0x10C4, 0xEA60)})
"""CH340, FT232R, CP2102: on clones of the Mega, and on thousands of other things."""

SHORTEST_SERIAL = 6
"""Characters; shorter serial numbers ('0001' on every CP2102) tell no board from another."""

LINKS = Path("/dev/serial/by-path")
"""Where Linux names ports by the USB socket that they are plugged into."""

NETWORK: dict[str, tuple[str, ...]] = {"socket": (), "rfc2217": ("ign_set_control", "poll_modem", "timeout")}
"""Schemes of pyserial's URLs behind which a board may be, and their options; its others write files."""

REMEMBERING = 2.0
"""s that another program is waited for that notes a board too; one that plays must not wait for long."""

LISTING = "list them with: xylophone devices"


@dataclass(frozen=True, slots=True)
class Port:
    """One serial port and what USB says about it; None where it says nothing."""

    device: str  # '/dev/ttyACM0', 'COM3'
    description: str
    serial_number: str | None = None
    vid: int | None = None
    pid: int | None = None
    known: bool = False  # a board of this identity has answered before
    candidate: bool = False  # an Arduino Mega 2560 by its USB identity
    link: str | None = None  # its name in LINKS, that of its USB socket
    alone: bool = False  # no other port that is there has its vid and pid

    @property
    def possible(self) -> bool:
        """Whether a board can be behind it: a Mega, or a converter such as clones of it have."""
        return self.known or self.candidate or (self.vid, self.pid) in CONVERTERS

    @property
    def usb(self) -> str | None:
        """USB vendor and product as '2341:0042', None where it is no USB device."""
        return None if self.vid is None or self.pid is None else f"{self.vid:04x}:{self.pid:04x}"

    @property
    def has_serial_number(self) -> bool:
        """Whether USB tells this board from every other, wherever it is plugged in."""
        return self.usb is not None and len(self.serial_number or "") >= SHORTEST_SERIAL

    @property
    def identity(self) -> str | None:
        """What tells this board from others: its serial number, else its USB socket; else None."""
        if self.has_serial_number:
            return f"{self.usb} {self.serial_number}"
        return f"{self.usb} at {self.link}" if self.usb and self.link else None

    def __str__(self) -> str:
        return f"{self.device} ({self.description})"


def require_serial() -> ModuleType:
    """Return the pyserial module; MissingExtra with the command where it is not installed."""
    try:
        import serial
    except ImportError as error:
        raise MissingExtra(f"serial ports need pyserial: install it with: {install('pyserial')}") from error
    module: ModuleType = serial
    return module


def list_ports(known: Path | None = None, links: Path = LINKS) -> list[Port]:
    """Return the serial ports that are there, known boards first, then Megas, then the rest by name.

    `known` is the file of known boards, the user's own unless given; FileError if it is unreadable. The rest
    is as present_ports has it.
    """
    boards = set(known_boards(known))
    ports = [replace(port, known=port.identity in boards) for port in present_ports(links)]
    return sorted(
        ports, key=lambda port: (not port.known, not port.candidate, not port.possible, port.device)
    )


def present_ports(links: Path = LINKS) -> list[Port]:
    """Return the serial ports that are there, without a look at which boards are known.

    `links` is the folder of names by USB socket. Opens no port. Raises MissingExtra without pyserial.
    """
    require_serial()
    from serial.tools import list_ports as system

    named = links_by_device(links)
    found = [port_of(entry, named) for entry in system.comports()]
    kinds = Counter(port.usb for port in found)
    return [replace(port, alone=port.usb is not None and kinds[port.usb] == 1) for port in found]


def links_by_device(links: Path = LINKS) -> dict[str, str]:
    """Return for each device the name of its USB socket; nothing where the system has no such names.

    Newer systems have two names for a socket; the first by the alphabet is the one that all have.
    """
    if not links.is_dir():
        return {}
    return {os.path.realpath(link): link.name for link in sorted(links.iterdir(), reverse=True)}


def port_of(entry: object, links: Mapping[str, str] | None = None) -> Port:
    """Return the port that pyserial's list describes; `links` are those of links_by_device."""
    vid, pid = getattr(entry, "vid", None), getattr(entry, "pid", None)
    device = str(getattr(entry, "device", ""))
    return Port(
        device=device,
        description=_description(entry),
        serial_number=getattr(entry, "serial_number", None),
        vid=vid,
        pid=pid,
        candidate=(vid, pid) in MEGAS,
        link=(links or {}).get(os.path.realpath(device)),
    )


def choose_port(ports: Sequence[Port], remembered: bool = False) -> Port:
    """Return the port that `serial:auto` opens: the one known board, or else the one and only Mega.

    Raises BackendMissing that lists what is there and says how to name one; BackendAbsent where nothing is
    there that could be opened, or a board is `remembered` that is not there.
    """
    for choice in ([port for port in ports if port.known], [port for port in ports if port.candidate]):
        if len(choice) == 1:
            return choice[0]
        if choice:
            raise BackendMissing(
                f"serial:auto: there are {counted(len(choice), 'board')}, {_listed(choice)}: {_name(choice)}"
            )
    possible = [port for port in ports if port.possible]
    if possible:
        error = BackendAbsent if remembered else BackendMissing
        raise error(
            f"serial:auto: no board that is known, but {_listed(possible)}, which may be a board or "
            f"something that should not be reset: {_name(possible)}"
        )
    others = f" (other ports: {', '.join(port.device for port in ports)})" if ports else ""
    raise BackendAbsent(
        f"serial:auto: no board is there{others}: check the USB cable (some carry no data) and the "
        "board's power lamp"
    )


def named_port(rest: str) -> Port:
    """Return the port that the rest of a `serial:` URL names: 'auto', '///dev/ttyACM0', 'COM3'.

    A board behind a network is one too ('socket://host:7000', 'rfc2217://host:7000'). Raises OptionError
    for a name or option that cannot be, BackendMissing as choose_port does."""
    device, _, query = rest.partition("?")
    if "://" in device:
        return _on_the_network(rest)
    for key, _ in parse_qsl(query, keep_blank_values=True):
        raise OptionError(f"backend 'serial:{rest}': unknown option {key!r}: serial: has no options")
    if device == "auto":
        return choose_port(list_ports(), bool(known_boards()))
    device = device.removeprefix("//")
    if not device or "\0" in device:
        raise OptionError(
            f"backend 'serial:{rest}': name a port, such as serial:///dev/ttyACM0, or say serial:auto"
        )
    ports = {port.device: port for port in present_ports()}
    found = ports.get(os.path.realpath(device), Port(device=device, description="named by you"))
    return replace(found, device=device)


def is_on_the_network(device: str) -> bool:
    """Tell whether a device is a URL behind which pyserial reaches a board on another machine."""
    return device.lower().partition("://")[0] in NETWORK


def _on_the_network(url: str) -> Port:
    try:
        parts = urlsplit(url)
        options = [key for key, _ in parse_qsl(parts.query, keep_blank_values=True)]
        fits = bool(parts.hostname and parts.port) and set(options) <= set(NETWORK[parts.scheme])
    except (ValueError, KeyError):
        fits = False
    if not fits:
        forms = " and ".join(f"serial:{scheme}://HOST:PORT" for scheme in NETWORK)
        raise OptionError(f"backend 'serial:{url}': the only URLs of a board are {forms}")
    return Port(device=url, description="on the network")


def known_boards(file: Path | None = None) -> list[str]:
    """Return the identities of the boards that have answered before; FileError if unreadable."""
    file = file or boards_file()
    if not is_there(file):
        return []
    return [line.strip() for line in read_text(file).splitlines() if line.strip()]


def remember_port(port: Port, file: Path | None = None) -> None:
    """Note that a xylophone's board is behind a port, by its identity; nothing where it has none.

    The file is held and replaced whole. FileError where it cannot be written, or others hold it for long.
    """
    file = file or boards_file()
    if port.identity is None or port.identity in known_boards(file):
        return
    make_folder(file.parent, "set XDG_STATE_HOME to a folder to write in")
    with alone_with(file, patience=REMEMBERING):
        boards = dict.fromkeys([*known_boards(file), port.identity])
        write_text(file, "".join(f"{board}\n" for board in boards))


def find_again(port: Port, look: Callable[[], Sequence[Port]] = present_ports) -> Port | None:
    """Return where a board is now that was behind `port` when it was opened, None while it is not there.

    By its serial number, which goes wherever the board goes. Without one by its USB socket, or by its name
    where the system names no sockets. Else as the only one of its kind, if it was that before: what else has
    such a converter must not be reset. A port without USB is where its name is.
    """
    if is_on_the_network(port.device):
        return port
    there = look()
    if port.has_serial_number:
        return next((other for other in there if other.identity == port.identity), None)
    kind = [other for other in there if other.usb == port.usb]
    named = os.path.realpath(port.device)
    for other in kind:
        if other.link == port.link if port.link else other.device == named:
            return other
    if port.usb is None:
        return port if Path(port.device).exists() else None
    return kind[0] if port.alone and len(kind) == 1 else None


def boards_file() -> Path:
    """Return the file of known boards: in the user's folder for what programs leave behind."""
    return state_folder() / "boards.txt"


def _listed(ports: Sequence[Port]) -> str:
    return ", ".join(map(str, ports))


def _name(ports: Sequence[Port]) -> str:
    return f"name the one to use: --backend {url_of(ports[0].device)}"


def url_of(device: str) -> str:
    """Return the backend URL of a device: 'serial:///dev/ttyACM0', 'serial:COM3'."""
    return f"serial://{device}" if device.startswith("/") else f"serial:{device}"


def _description(entry: object) -> str:
    said = str(getattr(entry, "description", "") or "n/a")
    return "says nothing about itself" if said == "n/a" else said
