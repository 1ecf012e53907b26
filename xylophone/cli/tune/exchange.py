"""`xylophone tune export` and `import`: a calibration for spreadsheets and other programs, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...errors import CalibrationError, OptionError
from ..options import FOLDER_PATH, calibration_of, setting_options, settings
from .change import Kept

FORMATS = ("json", "csv")

_format_option = click.option(
    "--format", "as_format", type=click.Choice(FORMATS), help="Unless the name ends in .json or .csv."
)


@click.command()
@click.argument("path", metavar="[FILE]", type=FOLDER_PATH, default=Path("-"))
@_format_option
@setting_options
def export(path: Path, as_format: str | None, **options: Any) -> None:
    """Write the calibration as JSON or CSV: into a file or, without one, on stdout as JSON."""
    from ...files import write_text
    from ...tuning.exchange import to_csv, to_json

    stdout = path == Path("-")
    chosen = as_format or ("json" if stdout else _format_of(path))
    calibration = calibration_of(settings(options), None)
    text = to_csv(calibration) if chosen == "csv" else to_json(calibration)
    if stdout:
        click.echo(text, nl=False)
        return
    write_text(path, text)
    click.echo(f"wrote {path}: {len(calibration.hammers)} hammers of kind {calibration.kind}")


@click.command("import")
@click.argument("path", metavar="FILE", type=FOLDER_PATH)
@_format_option
@setting_options
def import_(path: Path, as_format: str | None, **options: Any) -> None:
    """Read a calibration from JSON or CSV; hammers that the file does not name keep theirs."""
    from ...files import read_text
    from ...tuning.exchange import from_csv, from_json

    chosen = as_format or _format_of(path)
    kept = Kept.take(options)
    text = read_text(path)
    try:
        new = (from_csv if chosen == "csv" else from_json)(text, kept.calibration)
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
