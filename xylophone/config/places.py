"""Where files are looked for. Pure but for asking whether a file is there: every place is an argument."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError, FileError
from ..files import is_there

FILE_NAME = "xylophone.toml"
CALIBRATION_NAME = "calibration.toml"

CONFIG_VARIABLE = "XYLOPHONE_CONFIG"
BACKEND_VARIABLE = "XYLOPHONE_BACKEND"

WORKING = "working folder"
"""What led to a configuration that nobody named: it may have come with somebody's songs."""

_PORT = r"(tty(ACM|USB|AMA|S)|serial|rfcomm)\d+|serial/by-(id|path)/[^/]+|(cu|tty)\.[^/]+|xylophone[\w-]*"
_FOUND_URL = re.compile(rf"sim:.*|gpio:[a-z0-9]*|serial:(auto|COM\d+|(//)?/dev/({_PORT}))")
"""Backends that such a file may name: the simulation, this machine's pins, and serial ports by their usual
names; no network, no other file or terminal, no option."""

_WRITTEN = ("calibration*", "calibration*.versions/*", ".xylophone-*")
"""What tuning writes beside a configuration, and what it holds the file by."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file in use, and in words what led to it."""

    path: Path
    source: str


def find_config(
    option: Path | None, environ: Mapping[str, str], working: Path, user: Path | None
) -> Place | None:
    """Return the configuration file in use, None where there is none.

    The first of: the option, the variable XYLOPHONE_CONFIG, xylophone.toml in the working folder,
    xylophone.toml in the user's folder. A file that was named is returned whether it exists or not.
    """
    if option is not None:
        return Place(option, "--config")
    if named := environ.get(CONFIG_VARIABLE):
        return Place(Path(named), CONFIG_VARIABLE)
    for folder, source in ((working, WORKING), (user, "user's folder")):
        if folder is not None and is_there(folder / FILE_NAME):
            return Place(folder / FILE_NAME, source)
    return None


def find_calibration(
    option: Path | None, config: Place | None, user: Path | None, backend: str = ""
) -> Place | None:
    """Return the calibration file in use, None for the default of the hammer kind.

    The first of: the option; the one at `calibration_home`. A file that was named is returned whether it
    exists or not.
    """
    if option is not None:
        return Place(option, "--calibration")
    home = calibration_home(config, user, backend)
    if home is None or not is_there(home):
        return None
    return Place(home, "beside the configuration" if config else "user's folder")


def calibration_home(config: Place | None, user: Path | None, backend: str = "") -> Path | None:
    """Return where the calibration of the hammers behind a backend's URL belongs; tuning writes there.

    It is calibration.toml beside xylophone.toml or, when none is in use, in the user's folder; beside a
    configuration of another name, alma.toml, it is alma.calibration.toml. Simulated hammers are others than
    those of the hardware, and others for each seed, tolerance and trouble in the URL: calibration-sim.toml,
    calibration-sim-seed-3.toml.
    """
    folder = config.path.parent if config else user
    if folder is None:
        return None
    whose = "" if config is None or config.path.name == FILE_NAME else f"{config.path.stem}."
    calibration = Path(CALIBRATION_NAME)
    return folder / f"{whose}{calibration.stem}{_simulated(backend)}{calibration.suffix}"


def _simulated(backend: str) -> str:
    """Return what is in the name of simulated hammers' calibration, nothing for those of hardware."""
    from urllib.parse import parse_qsl

    scheme, _, rest = backend.partition(":")
    if scheme != "sim":
        return ""
    asked = parse_qsl(rest.partition("?")[2])
    others = [f"-{key}-{value}" for key, value in sorted(asked) if key not in ("realtime", "scatter")]
    return re.sub(r"[^A-Za-z0-9.-]", "-", "".join(["-sim", *others]))


def user_folder(environ: Mapping[str, str]) -> Path | None:
    """Return the user's configuration folder, whether it exists or not; None for a user without home.

    On Linux by the XDG rule, computed here because each start of the program needs it; elsewhere
    what platformdirs says.
    """
    if not sys.platform.startswith("linux"):
        from platformdirs import user_config_path

        return user_config_path("xylophone", appauthor=False)
    return _xdg_folder(environ, "XDG_CONFIG_HOME", ".config")


def home_folder(asked: str | None, config: Place | None, environ: Mapping[str, str]) -> Path:
    """Return the folder of home.db: as [home] folder asks, else the user's for what programs must not lose.

    What is asked for may begin with `~`, and counts from the configuration's folder. ConfigError where a
    configuration that nobody named asks for a folder outside its own.
    """
    if asked is None or config is None:
        return _data_folder(environ)
    try:
        folder = Path(asked).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"{config.path}: home.folder {asked!r} begins with a home folder that nobody has here: "
            "write the whole path"
        ) from error
    if config.source == WORKING and (folder.is_absolute() or ".." in folder.parts):
        raise ConfigError(
            f"{config.path}: home.folder {asked!r} is outside of the working folder, where this file was "
            "only found: name the file with --config"
        )
    return config.path.parent.absolute() / folder


def _data_folder(environ: Mapping[str, str]) -> Path:
    """Return the user's folder for data; for a user without a home the one among temporary files."""
    if not sys.platform.startswith("linux"):
        from platformdirs import user_data_path

        return _somewhere(user_data_path)
    return _xdg_folder(environ, "XDG_DATA_HOME", os.path.join(".local", "share")) or temporary_folder()


def _xdg_folder(environ: Mapping[str, str], variable: str, otherwise: str) -> Path | None:
    if os.path.isabs(named := environ.get(variable, "")):
        return Path(named, "xylophone")
    home = environ.get("HOME") or os.path.expanduser("~")
    return Path(home, otherwise, "xylophone") if os.path.isabs(home) else None


def cache_folder() -> Path:
    """Return the user's folder for what can be worked out again."""
    from platformdirs import user_cache_path

    return _somewhere(user_cache_path)


def state_folder() -> Path:
    """Return the user's folder for what programs leave behind."""
    from platformdirs import user_state_path

    return _somewhere(user_state_path)


def temporary_folder() -> Path:
    """Return the user's own folder among temporary files; whoever writes there makes sure whose it is."""
    if not hasattr(os, "getuid"):
        import tempfile

        return Path(tempfile.gettempdir(), "xylophone")
    return Path(os.environ.get("TMPDIR") or "/tmp", f"xylophone-{os.getuid()}")


def _somewhere(place: Callable[..., Path]) -> Path:
    """Return a folder as platformdirs has it; for a user without a home the one among temporary files."""
    try:
        path = place("xylophone", appauthor=False)
    except RuntimeError:  # newer ones say that there is no home, older ones return '~'
        return temporary_folder()
    return path if path.is_absolute() else temporary_folder()


def check_found_url(url: str, config: Place) -> None:
    """Raise ConfigError where a configuration that nobody named asks for more than it may."""
    if config.source == WORKING and not _FOUND_URL.fullmatch(url):
        raise ConfigError(
            f"{config.path}: backend.url {url!r} is more than a file may ask for that was only found in the "
            "working folder: say so with --backend, or name the file with --config"
        )


def check_found_links(folder: Path) -> None:
    """Raise FileError where what tuning writes in a folder is a link, which may lead anywhere."""
    for pattern in _WRITTEN:
        for path in sorted(folder.glob(pattern)):
            if path.is_symlink():
                raise FileError(
                    f"{path} is a link, in a working folder whose xylophone.toml nobody has named: "
                    "name it with --config, or delete the link"
                )
