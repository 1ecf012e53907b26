"""`xylophone backup` and `restore`: all that a home would miss, in one file, and back from it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ..config import load_settings
from ..errors import FileError, XylophoneError
from ..owner.unit import Unit, own_unit, silenced
from ..running.playing import leaving_on_signals
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

    A file of that name is replaced. Others may go on using all of it meanwhile. For root it is what the
    system's unit plays with.
    """
    target, config = file.absolute(), config and config.absolute()
    _owned()
    check_writable(target)
    names = write_backup(target, load_settings(config), datetime.now(UTC))
    songs = sum(name.endswith(".mid") for name in names)
    say(f"wrote {file}: {counted(len(names), 'file')}, {counted(songs, 'song')} among them")


@click.command()
@click.argument("file", type=FOLDER_PATH)
@click.option("--yes", is_flag=True, help="Replace without asking.")
@_config
def restore(file: Path, yes: bool, config: Path | None) -> None:
    """Put back what a backup holds, in place of what is there.

    It is checked whole before anything is replaced, and where something goes wrong all is as it was. The
    system's unit is stopped meanwhile, which needs sudo, and has to come up with what is new.
    """
    source, config = file.absolute(), config and config.absolute()
    unit = _owned()
    found = load_settings(config)
    with leaving_on_signals(), unpacked(source, found) as one:
        made = one.manifest.made
        if not yes:
            ask(
                f"Replace what is kept in {found.home.folder}, and this instrument's settings, by {made}?",
                abort=True,
            )
        with silenced(unit) as comes_up:
            stays = put_back(one, found, lambda: _works(config) and comes_up())
    if not stays:
        raise FileError(f"what {file} holds does not work here: all is as it was")
    plays = "; the owner plays with it" if unit is not None and unit.runs else ""
    say(f"restored {file}, made {made}{plays}")


def _owned() -> Unit | None:
    """Return the unit whose owner has the files; root goes on as that owner's user."""
    unit = own_unit()
    if unit is not None:
        unit.act_for()
    return unit


def _works(config: Path | None) -> bool:
    """Tell whether what was restored can be used; what is wrong with it is told."""
    try:
        with Store.open(load_settings(config).home.folder / NAME) as store:
            store.check()
    except XylophoneError as error:
        warn(error)
        return False
    return True
