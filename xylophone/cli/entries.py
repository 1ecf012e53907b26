"""`xylophone add` and `xylophone queue`: the songs that the owner of the instrument has still to play."""

from __future__ import annotations

from typing import Any

import click

from ..collection.prepared import Asked
from ..config import load_settings
from ..config.values import MOST_SEED
from ..owner.client import OwnerClient
from ..owner.songs import in_lines, song_of
from ..words import counted
from . import Commands
from .owned import State, ask_owner
from .printing import say, say_json
from .screen import table
from .song_options import arrange_options, complete_songs, find_all, song_options

WINDOW = 200
"""Entries that are asked for at once."""

IDS = click.IntRange(min=0)


@click.command()
@click.argument("names", metavar="SONG...", nargs=-1, required=True, shell_complete=complete_songs)
@arrange_options
@song_options
@click.option("--as-written", is_flag=True, help="Keep long silence, which is cut else (docs/cli.md).")
@click.option("--next", "as_next", is_flag=True, help="Before all that is still to come.")
def add(names: tuple[str, ...], as_written: bool, as_next: bool, **options: Any) -> None:
    """Add songs to the queue: files, folders, lists, or names of the project's own."""
    asked = Asked.take(options, load_settings())
    paths, missing = find_all(names)
    songs = list(in_lines(song_of(path, asked, as_written) for path in paths))
    with OwnerClient.connect() as owner:
        for batch in reversed(songs) if as_next else songs:
            state = owner.do("insert" if as_next else "add", songs=batch)["state"]
    say(f"added {counted(len(paths), 'song')}: {_coming(state)}")
    if missing:
        raise type(missing)("not every song was added: see above")


class QueueCommands(Commands):
    """The commands below `queue`."""

    table = {  # noqa: RUF012
        "move": ("entries:move", "Put a song at a place of those to come."),
        "remove": ("entries:remove", "Take songs out."),
        "clear": ("entries:clear", "Take all out that are still to come."),
        "shuffle": ("entries:shuffle", "Draw a new order of what is to come."),
        "repeat": ("entries:repeat", "Begin anew when the queue is over, or no more."),
        "finish": ("entries:finish", "End when the song that plays is over, or go on."),
    }


@click.group(cls=QueueCommands, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def queue(ctx: click.Context, as_json: bool) -> None:
    """List the queue, each song with its number, by which the commands below know it."""
    if ctx.invoked_subcommand is not None:
        return
    entries = _entries()
    if as_json:
        say_json(entries, indent=2)
    elif entries:
        table(("number", "title", "state"), [(one["entry"], one["title"], _state(one)) for one in entries])
    else:
        say("the queue is empty")


@click.command()
@click.argument("number", type=IDS)
@click.argument("place", type=click.IntRange(min=1))
def move(number: int, place: int) -> None:
    """Put a song at a place of those to come: 1 is the next."""
    _changed(ask_owner("move", entry=number, to=place - 1))


@click.command()
@click.argument("numbers", metavar="NUMBER...", type=IDS, nargs=-1, required=True)
def remove(numbers: tuple[int, ...]) -> None:
    """Take songs out of the queue."""
    _changed(ask_owner("remove", entries=list(numbers)))


@click.command()
def clear() -> None:
    """Take all songs out that are still to come."""
    _changed(ask_owner("clear"))


@click.command()
@click.option("--seed", type=click.IntRange(0, MOST_SEED), help="The same draws the same.")
def shuffle(seed: int | None) -> None:
    """Draw a new order of what is to come."""
    _changed(ask_owner("shuffle", **({} if seed is None else {"seed": seed})))


@click.command()
@click.argument("on", type=click.Choice(["on", "off"]), default="on")
def repeat(on: str) -> None:
    """Begin anew when the queue is over; `off` ends that."""
    state = ask_owner("repeat", on=on == "on")
    say("the queue begins anew when it is over" if state["repeat"] else "the queue is played once")


@click.command()
@click.argument("on", type=click.Choice(["on", "off"]), default="on")
def finish(on: str) -> None:
    """End when the song that plays is over; `off` lets the queue go on."""
    state = ask_owner("finish", on=on == "on")
    say("it ends after this song" if state["finish"] else "the queue goes on after this song")


def _entries() -> list[dict[str, Any]]:
    """Return all entries of the queue, asked for a window at a time, each from the last one on."""
    with OwnerClient.connect() as owner:
        found: list[dict[str, Any]] = owner.do("queue", count=WINDOW)["entries"]
        while found and (more := owner.do("queue", first=found[-1]["entry"], count=WINDOW)["entries"][1:]):
            found += more
    return found


def _state(entry: State) -> str:
    return f"{entry['state']}: {entry['why']}" if entry.get("why") else str(entry["state"])


def _changed(state: State) -> None:
    say(_coming(state))


def _coming(state: State) -> str:
    queue = state["queue"]
    after = f", next {queue['next']}" if queue["next"] else ""
    return f"{counted(queue['count'], 'song')} to come{after}"
