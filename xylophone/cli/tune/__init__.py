"""`xylophone tune`: what each hammer does is shown, set, measured and checked."""

from __future__ import annotations

import click

from .. import Commands
from ..printing import say

COMMANDS = {
    "auto": ("auto", "Measure all hammers with a microphone."),
    "check": ("check", "Measure a few strikes, and say what has drifted."),
    "hand": ("hand", "Tune hammers by ear, in the terminal."),
    "show": ("show", "Print latency and pulses of all hammers."),
    "set": ("change:set_", "Set a hammer's latency, pulses or loudness."),
    "reset": ("change", "Give hammers again the curves that they have untuned."),
    "undo": ("versions", "Take back the last change of the calibration, and earlier ones."),
    "log": ("versions", "List the calibrations that are kept."),
    "diff": ("versions", "Say how two calibrations differ."),
    "export": ("transfer", "Write the calibration as JSON or CSV."),
    "import": ("transfer:import_", "Read a calibration from JSON."),
}
"""Command: its module here, and its line in the help."""


class Tuning(Commands):
    """The commands of tuning."""

    table = COMMANDS
    home = __name__


@click.group(cls=Tuning, invoke_without_command=True)
@click.pass_context
def tune(ctx: click.Context) -> None:
    """Teach the instrument its own hammers, so that all strike together and equally loud.

    With a microphone: xylophone tune auto. By ear: xylophone tune hand C6.
    """
    if ctx.invoked_subcommand is None:
        say(*ctx.get_help().splitlines())
