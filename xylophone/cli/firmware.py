"""`xylophone firmware`: build, flash, version, and the virtual board."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ..backends import open_backend
from ..backends.ports import choose_port, list_ports, url_of
from ..backends.serial import SerialBackend
from ..board.image import IMAGE, firmware_folder, firmware_version, read_program, read_record
from ..board.tools import build_image, build_virtual_board, require_tool, write_eeprom, write_flash
from ..config import cache_folder, load_settings
from ..errors import BackendError, BackendMissing, FileError
from ..instrument import Instrument
from ..link.limits import ceilings, limits_of
from ..link.messages import CEILINGS_AT, BoardType, HelloReply
from ..running.playing import leaving_on_signals, playing
from ..words import counted
from .printing import say

FILE = click.Path(path_type=Path)


@click.group()
def firmware() -> None:
    """Build the board's firmware, flash it, or run it as a virtual board."""


@firmware.command()
@click.option("-o", "--output", type=FILE, default="xylophone.hex", show_default=True, help="Image to write.")
def build(output: Path) -> None:
    """Build the firmware from its sources, with make and avr-gcc."""
    folder = firmware_folder()
    with _words_first():
        build_image(folder, output)
    size = len(read_program(output))
    say(f"wrote {output}: firmware {firmware_version(folder)}, {size} bytes of flash")


@firmware.command()
@click.option(
    "--port", metavar="DEVICE", help="Port of the board; without it the one that serial:auto opens."
)
@click.option("--image", type=FILE, help="Image to write, in place of the one that ships.")
@click.option("--config", type=FILE, help="Configuration whose hammers the board is for.")
def flash(port: str | None, image: Path | None, config: Path | None) -> None:
    """Write the firmware, and what its hammers stand, to an Arduino Mega 2560, with avrdude."""
    instrument = load_settings(config).instrument
    image = image or firmware_folder() / IMAGE
    size = len(read_program(image))
    require_tool("avrdude", "writing firmware to a board")
    device = port or choose_port(list_ports()).device
    url = url_of(device)
    with leaving_on_signals(), playing("serial:auto"), playing(url):
        say(f"writing {image.name}, {size} bytes, to {device} ...")
        with _words_first():
            write_flash(image, device)
            write_eeprom(CEILINGS_AT, ceilings(instrument), device)
        said = greet(url, instrument)
        say(f"written; the board says: {board_words(said)}")
        _confirm_ceilings(said, instrument)


@firmware.command()
@click.option("--backend", metavar="URL", help="Ask this board too: serial:auto, serial:///dev/ttyACM0.")
def version(backend: str | None) -> None:
    """Say which firmware ships with this program, and with --backend which one a board has."""
    folder = firmware_folder()
    record, size = read_record(folder), len(read_program(folder / IMAGE))
    say(f"firmware:  {record.version}, protocol {record.protocol}")
    say(f"image:     {folder / IMAGE}, {size} bytes of flash")
    say(f"checksum:  sha256 {record.sha256}")
    say(f"built by:  {record.compiler}")
    if backend is not None:
        with leaving_on_signals(), playing(backend):
            say(f"board:     {board_words(greet(backend, load_settings().instrument))}")


@firmware.command()
def emulate() -> None:
    """Run the firmware as a virtual board on a port of this machine, until Ctrl-C."""
    with _words_first():
        program = build_virtual_board(firmware_folder(), cache_folder())
    try:
        with leaving_on_signals(), _running(program) as board:
            port = board.stdout.readline().strip() if board.stdout else ""
            if not port:
                raise BackendError(f"the virtual board did not start: run {program} to see why")
            say(f"virtual board on {port}, until Ctrl-C; in another terminal:")
            say(f"xylophone play greensleeves --backend {url_of(port)}")
            board.wait()
            raise BackendError(
                f"the virtual board has ended by itself, with {board.returncode}: start it again"
            )
    except KeyboardInterrupt:
        say("", "the virtual board is off")


def _confirm_ceilings(said: HelloReply, instrument: Instrument) -> None:
    """Say what the board says that it keeps of its hammers; BackendError when that is another pulse."""
    longest = max(limits_of(hammer).longest for hammer in instrument.hammers)
    if said.longest != longest:
        raise BackendError(
            f"the board allows pulses of {said.longest / 500:g} ms, not {longest / 500:g} as its "
            "hammers stand: its EEPROM was not written; flash it again"
        )
    say(f"it allows no pulse above {longest / 500:g} ms, as {instrument.kind.name} stands")


def greet(url: str, instrument: Instrument) -> HelloReply:
    """Open a board for an instrument, let go of it again, and return what it said of itself.

    BackendMissing where nothing answers or the URL is no board's, BackendError where it does not fit.
    """
    if not url.startswith("serial:"):
        raise BackendMissing(f"{url} has no firmware: name a board, such as serial:auto")
    with open_backend(url, instrument) as backend:
        said = backend.identity if isinstance(backend, SerialBackend) else None
    if said is None:
        raise BackendMissing(
            f"the board behind {url} does not say who it is: xylophone doctor --backend {url}"
        )
    return said


def board_words(said: HelloReply) -> str:
    """Return in words what a board says of itself: 'Arduino Mega 2560, firmware 1.0, ...'."""
    kinds = {BoardType.HOST: "virtual board", BoardType.MEGA2560: "Arduino Mega 2560"}
    kind = (
        kinds.get(BoardType(said.board)) if said.board in list(BoardType) else f"board of kind {said.board}"
    )
    release = f"{said.version >> 8}.{said.version & 255}"
    return f"{kind}, firmware {release}, protocol {said.protocol}, {counted(said.channels, 'channel')}"


@contextmanager
def _words_first() -> Iterator[None]:
    """Print what a program said before the error that it has failed."""
    try:
        yield
    except BackendError as error:
        for note in getattr(error, "__notes__", ()):
            say(*(f"  {line}" for line in note.splitlines()), err=True)
        raise


@contextmanager
def _running(program: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the virtual board while the block runs."""
    try:
        board = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise FileError(
            f"cannot run {program}: {error.strerror}; delete it, and it is built again"
        ) from error
    try:
        yield board
    finally:
        board.terminate()
        board.wait()
