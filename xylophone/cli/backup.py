"""`xylophone backup` and `restore`: all that a home would miss, in one file, and back from it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ..config import load_settings
from ..errors import FileError, XylophoneError
from ..shelf.backup import write_backup
from ..shelf.restore import restore as put_back, unpacked
from ..shelf.store import NAME, Store
from ..words import counted
from .options import FOLDER_PATH, check_writable
from .printing import ask, say, warn

_config = click.option("--config", type=FOLDER_PATH, help="Configuration file to use.")


@click.command()
@click.argument("file", type=FOLDER_PATH)
@_config
def backup(file: Path, config: Path | None) -> None:
    """Write home.db, xylophone.toml, calibration, choices and the family's own songs into one file.

    A file of that name is replaced. Others may go on using all of it meanwhile.
    """
    check_writable(file)
    names = write_backup(file, load_settings(config), datetime.now(UTC))
    songs = sum(name.endswith(".mid") for name in names)
    say(f"wrote {file}: {counted(len(names), 'file')}, {counted(songs, 'song')} among them")


@click.command()
@click.argument("file", type=FOLDER_PATH)
@click.option("--yes", is_flag=True, help="Replace without asking.")
@_config
def restore(file: Path, yes: bool, config: Path | None) -> None:
    """Put back what a backup holds, in place of what is there.

    It is checked whole before anything is replaced, and where something goes wrong all is as it was.
    """
    found = load_settings(config)
    with unpacked(file, found) as one:
        made = one.manifest.made
        if not yes:
            ask(
                f"Replace what is kept in {found.home.folder}, and this instrument's settings, by {made}?",
                abort=True,
            )
        stays = put_back(one, found, lambda: _works(config))
    if not stays:
        raise FileError(f"what {file} holds does not work here: all is as it was")
    say(f"restored {file}, made {made}")


def _works(config: Path | None) -> bool:
    """Tell whether what was restored can be used; what is wrong with it is told."""
    try:
        with Store.open(load_settings(config).home.folder / NAME) as store:
            store.check()
    except XylophoneError as error:
        warn(error)
        return False
    return True
