"""What a shell completes: songs, layouts, presets and bars."""

from __future__ import annotations

from typing import Any

import click

from ..arranger import PRESETS
from ..collection.library import songs as own_songs
from ..config import load_instrument
from ..instrument import LAYOUTS


def songs(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[Any]:
    """Return the project's songs that begin so, and let the shell add files."""
    from click.shell_completion import CompletionItem  # which only a shell asks for

    names = [CompletionItem(song.name) for song in own_songs() if song.name.startswith(begun)]
    return [*names, CompletionItem(begun, type="file")]


def layouts(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return the layouts of bars that begin so."""
    return [name for name in sorted(LAYOUTS) if name.startswith(begun)]


def presets(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return the presets of the arranger that begin so."""
    return [name for name in PRESETS if name.startswith(begun)]


def bars(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return the bars of the instrument in force that begin so, in capitals or not."""
    names = [hammer.name for hammer in load_instrument().hammers]
    return [name for name in names if name.lower().startswith(begun.lower())]
