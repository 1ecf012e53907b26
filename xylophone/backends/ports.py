"""Serial ports: which are there, which may be opened unasked, and which boards are known from before.

Opening a port resets whatever is behind it, somebody's 3D printer too. So `serial:auto` opens only a
board that has answered before, or the one and only Arduino Mega.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qsl

from ..config.places import state_folder
from ..errors import BackendAbsent, BackendMissing, FileError, MissingExtra, OptionError
from ..files import read_text, write_text

MEGAS = frozenset({(0x2341, 0x0042), (0x2341, 0x0010), (0x2A03, 0x0042), (0x2A03, 0x0010)})
"""USB vendor and product of an Arduino Mega 2560, all its revisions."""

CONVERTERS = frozenset({(0x1A86, 0x7523), (0x0403, 0x6001), (0x10C4, 0xEA60)})
"""CH340, FT232R, CP2102: on clones of the Mega, and on thousands of other things."""

SHORTEST_SERIAL = 6
"""Characters; shorter serial numbers ('0001' on every CP2102) tell no board from another."""

LISTING = "list them with: xylophone devices"


@dataclass(frozen=True, slots=True)
class Port:
    """One serial port and what USB says about it; None where it says nothing."""

    device: str  # '/dev/ttyACM0', 'COM3'
    description: str
    serial_number: str | None = None
    vid: int | None = None
    pid: int | None = None
    known: bool = False  # a board with this serial number has answered before
    candidate: bool = False  # an Arduino Mega 2560 by its USB identity

    @property
    def possible(self) -> bool:
        """Whether a board can be behind it: a Mega, or a converter such as clones of it have."""
        return self.known or self.candidate or (self.vid, self.pid) in CONVERTERS

    @property
    def identity(self) -> str | None:
        """What tells this board from every other, None where nothing does."""
        if self.vid is None or self.pid is None or len(self.serial_number or "") < SHORTEST_SERIAL:
            return None
        return f"{self.vid:04x}:{self.pid:04x} {self.serial_number}"

    def __str__(self) -> str:
        return f"{self.device} ({self.description})"


def require_serial() -> ModuleType:
    """Return the pyserial module; MissingExtra with the command where it is not installed."""
    try:
        import serial
    except ImportError as error:
        raise MissingExtra(
            "serial ports need pyserial: install it with: python -m pip install 'xylophone[serial]'"
        ) from error
    module: ModuleType = serial
    return module


def list_ports(known: Path | None = None) -> list[Port]:
    """Return the serial ports that are there, known boards first, then Megas, then the rest by name.

    `known` is the file of known boards, the user's own unless given. Opens no port. Raises
    MissingExtra without pyserial.
    """
    require_serial()
    from serial.tools import list_ports as system

    boards = known_boards(known)
    ports = [port_of(entry, boards) for entry in system.comports()]
    return sorted(
        ports, key=lambda port: (not port.known, not port.candidate, not port.possible, port.device)
    )


def port_of(entry: object, boards: Iterable[str]) -> Port:
    """Return the port that pyserial's list describes, known if its identity is among `boards`."""
    vid, pid = getattr(entry, "vid", None), getattr(entry, "pid", None)
    device = str(getattr(entry, "device", ""))
    port = Port(
        device=device,
        description=_description(entry),
        serial_number=getattr(entry, "serial_number", None),
        vid=vid,
        pid=pid,
        candidate=(vid, pid) in MEGAS,
    )
    return replace(port, known=port.identity in set(boards))


def choose_port(ports: Sequence[Port]) -> Port:
    """Return the port that `serial:auto` opens: the one known board, or else the one and only Mega.

    Raises BackendMissing that lists what is there and says how to name one.
    """
    for choice in ([port for port in ports if port.known], [port for port in ports if port.candidate]):
        if len(choice) == 1:
            return choice[0]
        if choice:
            raise BackendMissing(
                f"serial:auto: there are {len(choice)} boards, {_listed(choice)}: {_name(choice)}"
            )
    possible = [port for port in ports if port.possible]
    if possible:
        raise BackendMissing(
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

    An URL that pyserial knows ('socket://host:7000') is one too. Raises OptionError for a name or
    option that cannot be, BackendMissing as choose_port does."""
    device, _, query = rest.partition("?")
    if "://" in device:
        return Port(device=rest, description="an URL for pyserial")
    for key, _ in parse_qsl(query, keep_blank_values=True):
        raise OptionError(f"backend 'serial:{rest}': unknown option {key!r}: serial: has no options")
    if device == "auto":
        return choose_port(list_ports())
    device = device.removeprefix("//")
    if not device:
        raise OptionError(
            f"backend 'serial:{rest}': name a port, such as serial:///dev/ttyACM0, or say serial:auto"
        )
    ports = {port.device: port for port in list_ports()}
    found = ports.get(os.path.realpath(device), Port(device=device, description="named by you"))
    return replace(found, device=device)


def known_boards(file: Path | None = None) -> list[str]:
    """Return the identities of the boards that have answered before; FileError if unreadable."""
    file = file or boards_file()
    if not file.exists():
        return []
    return [line.strip() for line in read_text(file).splitlines() if line.strip()]


def remember_port(port: Port, file: Path | None = None) -> None:
    """Note that a xylophone's board is behind a port, by its identity; nothing where it has none.

    The file is replaced whole. FileError where it cannot be written.
    """
    file = file or boards_file()
    boards = known_boards(file)
    if port.identity is None or port.identity in boards:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make {file.parent}: set XDG_STATE_HOME to a folder to write in") from error
    write_text(file, "".join(f"{board}\n" for board in [*boards, port.identity]))


def find_again(port: Port, look: Callable[[], Sequence[Port]] = list_ports) -> Port | None:
    """Return where a board is now that was behind `port`, None while it is not there.

    By its identity, which survives another name of the port; without one, by the name alone.
    """
    for other in look():
        same = other.identity == port.identity if port.identity else other.device == port.device
        if same:
            return other
    return port if port.vid is None and Path(port.device).exists() else None


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
