"""What is asked of a queue: what of it is played, in which order, how often and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..arranger import Arrangement
from ..collection.order import Order
from ..collection.playlists import LIST_ENDINGS
from ..config.values import MOST_SEED
from ..errors import OptionError
from ..player.bounds import GAPS, SHORTEST_LOOP, loop_points
from .option_types import Passes, Seconds, Target, stack

LIST = Target("write a list to", *LIST_ENDINGS)

ENDLESS = 0
"""Passes that have no end."""

queue_options = stack(
    click.option("--start", type=Seconds(), default=0.0, help="Where the first song begins: 75 or 1:15."),
    click.option("--end", type=Seconds(), help="With --loop: repeat from --start to this time of the song."),
    click.option("--loop", type=Passes(), metavar="[N]", help="Play again and again, or N times in all."),
    click.option("--shuffle", is_flag=True, help="In an order drawn by chance, anew for each pass."),
    click.option("--seed", type=click.IntRange(0, MOST_SEED), help="The same draws or chooses the same."),
    click.option("--pause", type=Seconds(*GAPS), help="Silence between songs; 1 s without it."),
    click.option("--for", "limit", type=Seconds(1, GAPS[1]), metavar="TIME", help="About so long: 20min."),
    click.option("--save-list", type=LIST, metavar="FILE", help="Write the queue as .m3u."),
)


@dataclass(frozen=True)
class Part:
    """What of the first song is played: from `start` on, to `end` again and again; s of its song time."""

    start: float
    end: float | None
    loop: bool

    def repeated(self, piece: Arrangement) -> tuple[float, float] | None:
        """Return from where to where a song is repeated, as asked or as its file means it; None for all."""
        if self.end is not None:
            return self.start, self.end
        return loop_points(piece, self.start) if self.loop else None

    @property
    def left(self) -> Part:
        """What is left of it where the song that it is of is left out: the next plays whole."""
        return Part(0.0, None, self.loop)

    def check(self, duration: float) -> None:
        """Raise OptionError for what lies outside of a song."""
        if not 0 <= self.start < duration:
            raise OptionError(f"--start {self.start:g} is outside the song: give 0..{duration:.2f} s")
        if self.end is not None and not self.start + SHORTEST_LOOP <= self.end <= duration:
            raise OptionError(
                f"--end {self.end:g} does not fit --start {self.start:g}: "
                f"give {self.start + SHORTEST_LOOP:g}..{duration:.2f} s"
            )


@dataclass(frozen=True)
class Queue:
    """How a queue is played. `loop` is how often, ENDLESS, or None for once; `limit` how long at most, s."""

    part: Part
    loop: int | None
    shuffle: bool
    seed: int | None
    pause: float | None
    limit: float | None
    save_list: Path | None

    @classmethod
    def take(cls, options: dict[str, Any], chooses: bool = False) -> Queue:
        """Take the queue's options out of a command's arguments; usage errors where they do not fit.

        `chooses` says that songs are drawn by chance also without --shuffle.
        """
        start, end = options.pop("start"), options.pop("end")
        names = ("loop", "shuffle", "seed", "pause", "limit", "save_list")
        given = {name: options.pop(name) for name in names}
        if end is not None and given["loop"] != ENDLESS:
            raise click.UsageError("--end goes with --loop without a number: add it, or leave --end out")
        if given["seed"] is not None and not (given["shuffle"] or chooses):
            raise click.UsageError("--seed goes with --shuffle or --mood: add one, or leave --seed out")
        endless = given["loop"] == ENDLESS and given["limit"] is None
        return cls(Part(start, end, endless), **given)

    @property
    def endless(self) -> bool:
        """Whether the songs come again until something else ends them, as the time that there is."""
        return self.loop == ENDLESS or (self.loop is None and self.limit is not None)

    def order(self, songs: Sequence[Path]) -> Order:
        """Return the order in which songs are played."""
        passes = None if self.endless else self.loop or 1
        return Order(len(songs), passes, shuffle=self.shuffle, seed=self.seed)
