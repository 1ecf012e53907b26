"""Commands that list what there is, and the one that writes a configuration to start from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..collection.library import IndexEntry, songs as entries, sorted_by
from ..config import write_initial_config
from ..instrument import DEFAULT_KIND, DEFAULT_LAYOUT, KINDS, LAYOUTS
from ..pitch import pitch_name
from . import Commands
from .printing import say, say_json
from .screen import table


class SongCommands(Commands):
    """The commands below `songs`."""

    table = {"scan": ("scan", "Score all MIDI files below folders, and list the best fits.")}  # noqa: RUF012


@click.group(cls=SongCommands, invoke_without_command=True)
@click.option("--occasion", help="Only songs of an occasion, such as christmas.")
@click.option("--mood", help="Only songs of a mood, such as calm.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def songs(ctx: click.Context, occasion: str | None, mood: str | None, as_json: bool) -> None:
    """List the project's own songs; any of them can be named without path and ending."""
    if ctx.invoked_subcommand is None:
        _list_songs(occasion, mood, as_json)


def _list_songs(occasion: str | None, mood: str | None, as_json: bool) -> None:
    found: Sequence[IndexEntry] = entries()
    if occasion is not None:
        found = sorted_by(found, "occasion", occasion)
    if mood is not None:
        found = sorted_by(found, "mood", mood)
    if as_json:
        keys = ("title", "composer", "year", "licence", "shows", "mood", "occasion", "also", "source")
        say_json(
            [{"name": song.name, **{key: getattr(song, key) for key in keys}} for song in found], indent=2
        )
        return
    table(
        ("name", "title", "composer", "shows"),
        [(song.name, song.title, song.composer, song.shows) for song in found],
    )


@click.command()
def instruments() -> None:
    """List layouts of bars and kinds of hammers, for --instrument and for xylophone.toml."""
    rows = []
    for name, (pitches, _, about) in LAYOUTS.items():
        mark = " (default)" if name == DEFAULT_LAYOUT else ""
        rows.append(
            (name + mark, len(pitches), f"{pitch_name(pitches[0])}..{pitch_name(pitches[-1])}", about)
        )
    table(("layout", "bars", "range", "what it is"), rows)
    say("")
    table(
        ("hammer kind", "volts", "amperes", "supply", "recovery", "what it is"),
        [
            (
                kind.name + (" (default)" if kind.name == DEFAULT_KIND else ""),
                f"{kind.voltage:g}",
                f"{kind.current:g}",
                f"{kind.supply_limit:g} A",
                f"{kind.recovery * 1000:g} ms",
                kind.about,
            )
            for kind in KINDS.values()
        ],
    )


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("xylophone.toml"))
@click.option("--instrument", default=DEFAULT_LAYOUT, show_default=True, help="Layout of the bars.")
@click.option("--kind", default=DEFAULT_KIND, show_default=True, help="Kind of the hammers.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(path: Path, instrument: str, kind: str, force: bool) -> None:
    """Write a commented configuration file, by default xylophone.toml in the working folder."""
    write_initial_config(path, instrument, kind, force=force)
    say(f"wrote {path}: every key is explained in it; xylophone info shows what is in force")
