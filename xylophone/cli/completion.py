"""What a shell completes whatever is played: layouts and bars."""

from __future__ import annotations

import click

from ..config import load_instrument
from ..instrument import LAYOUTS


def layouts(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return the layouts of bars that begin so."""
    return [name for name in sorted(LAYOUTS) if name.startswith(begun)]


def bars(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Return the bars of the instrument in force that begin so, in capitals or not."""
    names = [hammer.name for hammer in load_instrument().hammers]
    return [name for name in names if name.lower().startswith(begun.lower())]
