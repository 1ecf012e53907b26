"""Options that say which instrument is in force, and the settings that they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..config import Settings, load_settings
from ..errors import FileError
from . import completion
from .option_types import stack

FOLDER_PATH = click.Path(path_type=Path)

setting_options = stack(
    click.option("--config", type=FOLDER_PATH, help="Configuration file to use."),
    click.option(
        "--instrument",
        shell_complete=completion.layouts,
        help="Layout of the bars, in place of the configured one.",
    ),
    click.option("--calibration", type=FOLDER_PATH, help="Calibration file to use."),
)

stage_options = stack(
    setting_options,
    click.option("--backend", metavar="URL", help="Backend, in place of the configured one."),
)
"""What leads to the backend in force."""


def settings(options: dict[str, Any]) -> Settings:
    """Take the setting options out of a command's keyword arguments and load the settings they lead to."""
    return load_settings(
        options.pop("config"),
        layout=options.pop("instrument"),
        calibration=options.pop("calibration"),
        backend=options.pop("backend", None),
    )


def check_writable(*paths: Path | None) -> None:
    """Refuse files that cannot be written, before anything is done; FileError. None stands for no file."""
    for path in filter(None, paths):
        if not path.absolute().parent.is_dir():
            raise FileError(
                f"cannot write {path}: its folder does not exist: make it first, or write elsewhere"
            )
        if path.is_dir():
            raise FileError(f"cannot write {path}: it is a folder: name a file in it")
