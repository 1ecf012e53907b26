"""`xylophone shelf`: songs that a home knows: favourites, moods, lists, and what was played."""

from __future__ import annotations

from pathlib import Path

import click

from .. import Commands
from ..options import FOLDER_PATH
from .listing import list_shelf

COMMANDS = {
    "add": ("marking", "Put songs on the shelf."),
    "favourite": ("marking", "Say which songs are favourites."),
    "mood": ("marking", "Say or change which mood a song has."),
    "forget": ("forgetting", "Take songs off the shelf, with all that is known of them."),
    "lists": ("lists", "Show, keep, write or forget lists of songs."),
    "history": ("listing", "Say what was played when."),
}
"""Command: its module here, and its line in the help."""


class Shelf(Commands):
    """The commands of the shelf."""

    table = COMMANDS
    home = __name__


@click.group(cls=Shelf, invoke_without_command=True)
@click.option("--favourites", is_flag=True, help="Only favourites.")
@click.option("--mood", help="Only songs of a mood, such as calm.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--config", type=FOLDER_PATH, help="Configuration file to use.")
@click.pass_context
def shelf(ctx: click.Context, favourites: bool, mood: str | None, as_json: bool, config: Path | None) -> None:
    """List the songs on the shelf: those that were played, added or marked."""
    if ctx.invoked_subcommand is None:
        list_shelf(favourites, mood, as_json, config)
