"""`xylophone tune export` and `import`: a calibration for other programs, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...calibration.exchange import from_json, to_csv, to_json
from ...calibration.file import default_calibration
from ...errors import CalibrationError, OptionError
from ...files import read_text, write_text
from ...tuning.edits import check_likely
from ...words import counted
from ..calibrations import in_force
from ..options import FOLDER_PATH, settings
from ..printing import say
from .kept import Kept, tuned_options

FORMATS = ("json", "csv")


@click.command()
@click.argument("path", metavar="[FILE]", type=FOLDER_PATH, default=Path("-"))
@click.option(
    "--format", "as_format", type=click.Choice(FORMATS), help="Unless the name ends in .json or .csv."
)
@tuned_options
def export(path: Path, as_format: str | None, **options: Any) -> None:
    """Write the calibration as JSON or CSV: into a file or, without one, on stdout as JSON."""
    stdout = path == Path("-")
    chosen = as_format or ("json" if stdout else _format_of(path))
    calibration = in_force(settings(options))
    text = to_csv(calibration) if chosen == "csv" else to_json(calibration)
    if stdout:
        say(*text.splitlines())
        return
    write_text(path, text)
    say(f"wrote {path}: {counted(len(calibration.hammers), 'hammer')} of kind {calibration.kind}")


@click.command("import")
@click.argument("path", metavar="FILE", type=FOLDER_PATH)
@click.option("--force", is_flag=True, help="Also what no hammer of this kind is like.")
@tuned_options
def import_(path: Path, force: bool, **options: Any) -> None:
    """Read a calibration from JSON; hammers that the file does not name keep theirs."""
    text = read_text(path)
    with Kept.take(options) as kept:
        usual = default_calibration(kept.found.instrument)
        try:
            new = from_json(text, kept.calibration)
            for name in () if force else usual.hammers:
                check_likely(kept.calibration, new, name, usual)
        except CalibrationError as error:
            raise CalibrationError(f"{path}: {error}") from error
        kept.save(new)


def _format_of(path: Path) -> str:
    """Return the format that a file's name says; OptionError where it says none."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise OptionError(
            f"{path} has the ending {path.suffix!r}, which is none of .json and .csv: name such a file, "
            "or give --format"
        )
    return ending
