"""The term of a playing: for how long songs begin, which still does, and which is too long from the start."""

from __future__ import annotations

from ..arranger import Arrangement
from ..errors import OptionError
from ..words import clock_time
from .snapshot import Snapshot
from .timeline import GAP, length

OVERRUN = 300.0
"""s by which a song may end after the time is up."""

AHEAD = 5.0
"""s before the end of a song at which it is settled whether another follows it."""


class Term:
    """So many seconds from the beginning of the first song; without an end for None. Times are the backend's.

    The song that plays when they are over is played to its end. None begins after that, nor one that would
    end more than OVERRUN later.

    >>> term = Term(60.0)
    >>> term.begin(2.0)
    >>> term.ends
    62.0
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self._began: float | None = None

    def begin(self, moment: float) -> None:
        """Count from a moment, unless that was done before."""
        if self._began is None:
            self._began = moment

    @property
    def begun(self) -> bool:
        """Whether it counts already."""
        return self._began is not None

    @property
    def ends(self) -> float | None:
        """When the time is up; None while that is open."""
        return None if self._began is None or self.seconds is None else self._began + self.seconds

    def is_up(self, now: float) -> bool:
        """Tell whether the time is up: what is repeated then goes on to its end."""
        ends = self.ends
        return ends is not None and now >= ends

    def check_first(self, first: Arrangement, speed: float) -> None:
        """Raise OptionError where already the first song is too long at a speed."""
        lasts, title = length(first) / speed, first.song.title
        if self.seconds is not None and lasts > self.seconds + OVERRUN:
            raise OptionError(
                f"a time of {clock_time(self.seconds)} is too short: {title} lasts {clock_time(lasts)}: "
                "give more time, or a shorter song"
            )

    def admits(self, piece: Arrangement, moment: float, speed: float) -> bool:
        """Tell whether a piece may begin at a moment, at a speed."""
        ends = self.ends
        return ends is None or (moment < ends and moment + length(piece) / speed <= ends + OVERRUN)

    def admits_after(self, piece: Arrangement, now: float, shot: Snapshot, gap: float | None) -> bool:
        """Tell whether a piece may follow what plays now, after a silence; GAP for None."""
        begins = now + rest(shot) + (GAP if gap is None else gap)
        return self.admits(piece, begins, shot.speed)


def rest(shot: Snapshot) -> float:
    """Return for how long the present song goes on as it is played, s."""
    return (shot.duration - shot.position) / shot.speed


def ends_soon(shot: Snapshot) -> bool:
    """Tell whether it is time to settle what follows."""
    return rest(shot) < AHEAD
