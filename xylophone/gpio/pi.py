"""The Pi itself: gpiozero's pin factory, SPI and I2C buses, and what their libraries' errors mean."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import BackendMissing, MissingExtra, XylophoneError, install
from ..wiring import Wiring
from .outputs import OutputError

_REMEDY = (
    "sudo apt install python3-gpiozero python3-lgpio python3-smbus2, or "
    f"{install('gpiozero', 'lgpio', 'smbus2')}"
)


def require_pi() -> None:
    """Raise BackendMissing, with the remedy, where there are no pins or they are not for this user."""
    if "GPIOZERO_PIN_FACTORY" in os.environ:
        return
    if "Raspberry Pi" not in (model := _model()):
        raise BackendMissing(
            f"this is no Raspberry Pi{f' but {model}' if model else ''}: use sim: or serial:auto here"
        )
    chip = _chip(model)
    if (why := no_device(chip, "gpio")) is not None:
        raise BackendMissing(
            why or f"there is no {chip} on this {model}: update its system, or pass it into the container"
        )


def _chip(model: str) -> str:
    """Return the gpiochip of the header, as gpiozero finds it: 4 on a Pi 5, unless its kernel is newer."""
    older = "/dev/gpiochip4"
    return older if model.startswith("Raspberry Pi 5 ") and os.path.exists(older) else "/dev/gpiochip0"


def _model() -> str:
    """Return what this machine says that it is, '' for nothing; containers see the second file only."""
    for path, line in (
        ("/proc/device-tree/model", r"(.+?)\0*\s*$"),
        ("/proc/cpuinfo", r"(?m)^Model\s*: (.+)$"),
    ):
        with suppress(OSError):
            if found := re.search(line, Path(path).read_text(errors="replace")):
                return found[1].strip()
    return ""


def pin_factory() -> Any:
    """Return gpiozero's pin factory for this machine; BackendMissing or MissingExtra where there is none.

    The variable GPIOZERO_PIN_FACTORY chooses another than lgpio, the only one that knows every Pi.
    """
    try:
        from gpiozero import Device
        from gpiozero.exc import BadPinFactory
    except ImportError as error:
        raise MissingExtra(f"gpiozero is not installed ({error}): {_REMEDY}") from error
    os.environ.setdefault("GPIOZERO_PIN_FACTORY", "lgpio")
    try:
        with _folder_for_lgpio():
            Device.ensure_pin_factory()
    except ImportError as error:
        raise MissingExtra(f"no library for the pins of a Raspberry Pi ({error}): {_REMEDY}") from error
    except (BadPinFactory, *library_errors()) as error:
        raise BackendMissing(
            f"the pins of this machine do not open ({error}): gpio: is for a Raspberry Pi with its own system"
        ) from error
    return Device.pin_factory


def preload(kind: str) -> None:
    """Read gpiozero in ahead of time, if it is there and a kind of wiring needs it."""
    with suppress(ImportError):
        if kind != "null":
            import gpiozero  # noqa: F401


@contextmanager
def _folder_for_lgpio() -> Iterator[None]:
    """Give lgpio a folder of its own while it is loaded.

    It goes to the folder that LG_WD names, else stays in the working one, and makes a FIFO there whose name
    is the same in every process: two that start at once would take each other's.
    """
    before, named = os.getcwd(), os.environ.get("LG_WD")
    with tempfile.TemporaryDirectory(prefix="xylophone-lgpio-") as folder:
        os.environ["LG_WD"] = folder
        try:
            yield
        finally:
            os.chdir(before)
            if named is None:
                del os.environ["LG_WD"]
            else:
                os.environ["LG_WD"] = named


def library_errors() -> tuple[type[Exception], ...]:
    """Return what the libraries raise when the hardware does not answer."""
    found: list[type[Exception]] = [OSError]
    if "gpiozero" in sys.modules:
        from gpiozero import GPIOZeroError

        found.append(GPIOZeroError)
    if "lgpio" in sys.modules:  # its errors are no OSErrors
        found.append(sys.modules["lgpio"].error)
    return tuple(found)


def opening_errors() -> tuple[type[Exception], ...]:
    """Return what keeps hardware from being opened: our own errors too."""
    return (XylophoneError, *library_errors())


def open_spi(wiring: Wiring, factory: Any) -> Any:
    """Return gpiozero's interface to the SPI bus, the hardware's own; BackendMissing where there is none."""
    from gpiozero.exc import SPISoftwareFallback

    device = f"/dev/spidev0.{wiring.spi_device}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SPISoftwareFallback)
            spi = factory.spi(port=0, device=wiring.spi_device)
        spi.clock_mode = 0
        if hasattr(type(spi), "rate"):
            spi.rate = wiring.spi_rate
    except (SPISoftwareFallback, *library_errors()) as error:
        raise bus_missing(device, "SPI", error) from error
    return spi


def no_device(device: str, group: str) -> str | None:
    """Return why a device does not open, '' where it is not there; None where it does."""
    try:
        os.close(os.open(device, os.O_RDWR))
    except FileNotFoundError:
        return ""
    except OSError as error:
        if isinstance(error, PermissionError):
            return (
                f"no permission for {device}: join its group: sudo adduser $USER {group}; then log in again"
            )
        return f"{device} does not open: {error.strerror}"
    return None


def bus_missing(device: str, bus: str, error: Exception) -> BackendMissing:
    """Return the error for a bus that did not open, with the remedy."""
    name = bus.lower()
    why = no_device(device, name)
    if why == "":
        why = f"{device} is not there: switch {bus} on with: sudo raspi-config nonint do_{name} 0"
    if why is None and "spidev" in str(error):  # what gpiozero's factories other than lgpio need
        why = f"SPI does not open ({error}): sudo apt install python3-lgpio, or python3-spidev"
    return BackendMissing(why or f"{bus} does not open: {error}; see dmesg")


def open_line(pin: int, factory: Any, level: bool) -> Any:
    """Return gpiozero's OutputDevice of a pin at a level; OutputError where somebody else has it."""
    from gpiozero import OutputDevice

    try:
        return OutputDevice(pin, initial_value=level, pin_factory=factory)
    except library_errors() as error:
        raise pin_taken(pin, error) from error


def pin_taken(pin: int, error: Exception) -> OutputError:
    """Return the error for a pin that cannot be had, with the remedy."""
    return OutputError(
        f"GPIO{pin} cannot be had ({error}): end the program that uses it (xylophone off), "
        "or wire another pin and name it in xylophone.toml"
    )
