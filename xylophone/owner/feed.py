"""What an owner's player is fed with: the entries of its queue, each made ready while the one before plays.

Whoever calls holds `lock`, which is taken before the player's own, never after it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from ..arranger import Arrangement
from ..collection.prepared import LeftOut, Prepared, start_gone
from ..errors import PlayerError, XylophoneError
from ..player import Player, PlayerState, Snapshot
from ..player.bounds import loop_points
from ..player.term import Term, ends_soon
from ..shelf.listening import Listening
from .beginning import Beginning, superseded
from .latch import Stopped
from .making import Made, Maker
from .programme import Programme
from .promises import Promise, keep
from .queue import Entry, Song

SOUNDING = (PlayerState.PLAYING, PlayerState.PAUSED)


@dataclass(frozen=True, eq=False)
class Heard:
    """An entry that has played: its song, when it began, for how many seconds, and whether to its end."""

    entry: Entry
    piece: Arrangement
    began: datetime
    seconds: float
    finished: bool


@dataclass(frozen=True)
class Remark:
    """What there is to say of an entry that was made ready; `left_out` where it cannot be played.

    `kind` is the error's class where that is a mistake: a silent song is none.
    """

    entry: Entry
    lines: tuple[str, ...]
    left_out: bool = False
    kind: str | None = None


class Feed(Programme):
    """Keeps a player fed from a queue. `tell` is called when something has changed; `say` prints a line."""

    def __init__(self, maker: Maker, tell: Callable[[], object], say: Callable[[str], object]) -> None:
        super().__init__()
        self.lock = threading.RLock()
        self.beginning: Beginning | None = None
        self.begun: Callable[[Entry, Snapshot], object] = lambda entry, shot: None
        self.ended: Callable[[Heard], object] = lambda heard: None
        self._heard: tuple[Entry, Arrangement, Listening] | None = None
        self.stopped: Stopped | None = None
        self.remarks: list[Remark] = []  # that were not told yet
        self._maker, self._tell, self.say = maker, tell, say
        self._piece: Arrangement | None = None  # of the entry that plays
        self._following: tuple[Entry, Arrangement] | None = None  # what was handed over to follow it
        self._handed: list[tuple[Entry, Arrangement]] = []  # all of that, since it began to play
        self._change: tuple[Entry, Promise] | None = None  # the entry that plays is made anew
        self._looped = False  # the entry that plays repeats as its file means it

    def feed(self, player: Player) -> None:
        """Let the player have what it needs next; never waits."""
        self._see_what_plays(player)
        if self.beginning is not None:
            self._begin(player, self.beginning)
        elif self._change is not None and self._piece is not None:
            self._exchange(player, self._piece, *self._change)
        elif player.state in SOUNDING and self._piece is not None:
            self._feed(player, self._piece)

    def begin(self, beginning: Beginning) -> Promise:
        """Let an entry begin as soon as it is ready, in place of what plays, and return what comes of it."""
        if (pending := self.beginning) is not None:
            beginning.before = beginning.before or pending.before
            pending.promise.set_exception(superseded())
        self.beginning = beginning
        return beginning.promise

    def give_up(self, why: XylophoneError) -> None:
        """Let nothing begin that was to."""
        if self.beginning is not None:
            self._refuse(self.beginning, why)

    def _refuse(self, beginning: Beginning, why: XylophoneError) -> None:
        """Let an entry not begin, and what was before it go on."""
        self.beginning = None
        if beginning.before is not None:
            self.put_back(beginning.before)
        beginning.promise.set_exception(why)
        self._tell()

    def change(self, song: Song) -> Promise:
        """Make the entry that plays anew, its song asked for in another way; PlayerError where none plays."""
        entry = self.sounding
        if entry is None or self._piece is None:
            raise PlayerError("nothing is playing: play a song first")
        if self._change is not None:
            self._change[1].set_exception(PlayerError("it was asked for in another way meanwhile"))
        entry.song, promise = song, Promise()
        self._maker.take(entry)
        self._change = entry, promise
        return promise

    @property
    def sounding(self) -> Entry | None:
        """The entry that is heard, whatever is to begin in its place; None where none is."""
        return None if self._heard is None else self._heard[0]

    @property
    def present(self) -> Entry | None:
        """The entry that begins, or else plays; None where nothing does."""
        if self.beginning is not None:
            return self.beginning.entry
        return None if self._piece is None else self.queue.playing

    def is_ready(self, entry: Entry) -> bool:
        """Tell whether an entry can begin at once."""
        handed = self._following is not None and self._following[0] is entry
        return handed or self._maker.has(entry)

    def resume_later(self, player: Player) -> None:
        """Remember what plays, if anything does, for the next player."""
        shot, entry = player.snapshot(), self.sounding
        broken = shot.state is PlayerState.FAILED and self._piece is not None and player.piece is self._piece
        if broken and entry is not None and self.beginning is None:
            self.beginning = Beginning(entry, min(shot.position, shot.duration))
        self._forget()

    def _see_what_plays(self, player: Player) -> None:
        """Notice that the next entry has begun, or that all is over."""
        sounding = player.piece
        if sounding is not self._piece:
            for entry, piece in self._handed:
                if piece is sounding:
                    self._piece, self._following, self._handed = piece, None, []
                    self._note(player, entry, piece)
                    break
        if player.state in SOUNDING:
            self._listen(player)
        else:
            self._end()
            self._forget()
            if self.beginning is None:
                self._end_term()
            self._drop_change()

    def _drop_change(self) -> None:
        """Make nothing anew any more, as what was to be is over."""
        if self._change is not None:
            self._change[1].set_exception(PlayerError("it was over before it was made anew"))
            self._change = None

    def _note(self, player: Player, entry: Entry, piece: Arrangement) -> None:
        self._end()
        self._heard = (entry, piece, Listening(player.backend.now()))
        self._looped = False
        if self._change is not None and self._change[0] is not entry:
            self._drop_change()
        before = None if self.beginning is None else self.beginning.before
        (self.queue if before is None else before.queue).begin(entry)
        self.begun(entry, player.snapshot())
        self._tell()

    def _end(self) -> None:
        """Tell of the entry that has played."""
        if self._heard is not None:
            entry, piece, listening = self._heard
            self._heard = None
            self.ended(Heard(entry, piece, listening.began, listening.seconds, listening.finished))

    def _listen(self, player: Player) -> None:
        if self._heard is not None:
            self._heard[2].look(player.snapshot(), player.backend.now())

    def _begin(self, player: Player, beginning: Beginning) -> None:
        if self.stopped is not None or player.state is PlayerState.STOPPED:
            return
        entry = beginning.entry
        made = self._maker.wanted(entry)
        if made is None:
            return
        self._maker.take(entry)
        if isinstance(made, LeftOut):
            self._pass_over(entry, made, beginning)
            return
        self.beginning = None
        if beginning.in_time and not self.term.admits(made.piece, player.backend.now(), self.manner.speed):
            self._end_by_time(player)
            keep(player.settled(), beginning.promise, lambda shot: {})
            return
        try:
            self._play(player, beginning, made.piece)
        except XylophoneError as error:
            self._refuse(beginning, error)
            return
        self._remark(Remark(entry, made.told))
        keep(player.settled(), beginning.promise, lambda shot: {"entry": entry.number, "title": entry.title})

    def _play(self, player: Player, beginning: Beginning, piece: Arrangement) -> None:
        """Let the player begin; OptionError for a place, a moment or a length that does not fit."""
        entry, start, at, now = beginning.entry, beginning.start, beginning.at, player.backend.now()
        if not self.term.begun:
            self.term.check_first(piece, self.manner.speed)
        player.play(piece, more=True, start=start, at=at, **asdict(self.manner))
        self._forget()
        entry.title, self._piece = piece.song.title, piece
        self._note(player, entry, piece)
        self.term.begin(now if at is None else at)
        self._loop_as_written(player, piece, start)

    def _exchange(self, player: Player, piece: Arrangement, entry: Entry, promise: Promise) -> None:
        made = self._maker.wanted(entry)
        if made is None:
            return
        self._maker.take(entry)
        self._change = None
        try:
            if isinstance(made, LeftOut):
                raise made.error
            player.exchange(piece, made.piece)
        except XylophoneError as error:
            promise.set_exception(error)
            return
        self._piece = made.piece
        if self._following is not None and self._following[0] is entry:
            self._following = None  # it comes again in the new way
        keep(player.settled(), promise, lambda shot: {"transpose": shot.transpose})

    def _pass_over(self, entry: Entry, made: LeftOut, beginning: Beginning) -> None:
        """Tell that an entry cannot be played, and go on with the next unless it was wanted alone."""
        entry.trouble = str(made.error)
        self.queue.begin(entry)
        following = None if beginning.alone else self.queue.next()
        lost = following is not None and beginning.start > 0
        self._mark(entry, made, *([start_gone(beginning.start)] if lost else []))
        if following is None:
            self._refuse(beginning, made.error)
        else:
            beginning.entry, beginning.start = following, 0.0

    def _mark(self, entry: Entry, made: LeftOut, *more: str) -> None:
        entry.trouble, lines = str(made.error), (*made.words, *more)
        kind = None if made.failed is None else type(made.failed).__name__
        self._remark(Remark(entry, lines, left_out=True, kind=kind))
        for line in lines:
            self.say(line)
        self._tell()

    def take_remarks(self) -> list[Remark]:
        """Return what there is to say of entries since the last call."""
        taken, self.remarks = self.remarks, []
        return taken

    def _remark(self, remark: Remark) -> None:
        if remark.lines:
            self.remarks.append(remark)
            self._tell()

    def _feed(self, player: Player, piece: Arrangement) -> None:
        """Let the entry follow that is next; stop when nothing is and all is over."""
        following = None if self.queue.finish else self.queue.next()
        self._let_out_of_loop(player, following)
        if following is None:
            self._hand_over(player, piece, None)
            if player.waits:
                self.queue.finish = False
                player.stop()
                self._tell()
            return
        if self._following is not None and self._following[0] is following:
            return
        made = self._made(following, piece)
        if isinstance(made, LeftOut):
            self._maker.take(following)
            self._mark(following, made)
        elif made is not None and not self._admits(player, made.piece):
            self._hand_over(player, piece, None)
            if player.waits:
                self._end_by_time(player)
        elif made is not None:
            self._maker.take(following)
            following.title = made.piece.song.title
            self._remark(Remark(following, made.told))
            self._hand_over(player, piece, (following, made.piece))
        else:
            self._hand_over(player, piece, None)

    def _loop_as_written(self, player: Player, piece: Arrangement, start: float) -> None:
        """Repeat a song that repeats alone, and without an end, as its file means it."""
        alone = self.queue.repeat and len(self.queue.entries) == 1 and self.term.seconds is None
        if alone and (loop := loop_points(piece, start)) is not None:
            player.set_loop(*loop)
            self._looped = True

    def _made(self, following: Entry, piece: Arrangement) -> Made | None:
        """Return an entry made ready, None while it is not; one that follows itself is ready."""
        again = following is self.queue.playing
        return Prepared(replace(piece), ()) if again else self._maker.wanted(following)

    def _let_out_of_loop(self, player: Player, following: Entry | None) -> None:
        """Let a part repeat no more where the end is to come, or another song after a file's own loop."""
        ends = self.queue.finish or self.term.is_up(player.backend.now())
        if (ends and player.snapshot().loop) or (self._looped and following is not self.queue.playing):
            self._looped = False
            player.end_loop()

    def _admits(self, player: Player, piece: Arrangement) -> bool:
        """Tell whether a song is to follow, which is settled shortly before where the time has an end."""
        shot, now = player.snapshot(), player.backend.now()
        settled = self.term.seconds is None or ends_soon(shot)
        return settled and self.term.admits_after(piece, now, shot, self.manner.gap)

    def _end_by_time(self, player: Player) -> None:
        """Stop as the time is up; what is still to come is taken out."""
        self.queue.clear()
        player.stop()
        self._end_term()
        self._tell()

    def _end_term(self) -> None:
        """Forget the time that was given; what was repeated until it is up repeats no more."""
        if self.term.seconds is not None:
            self.term, self.queue.repeat = Term(), False

    def _hand_over(
        self, player: Player, piece: Arrangement, following: tuple[Entry, Arrangement] | None
    ) -> None:
        """Let an entry follow the piece that plays, or none; too late for one that has begun meanwhile."""
        if following is None and self._following is None:
            return
        self._following = following
        self._handed = [each for each in self._handed if player.holds(each[1])]  # the rest will not sound
        self._handed += [] if following is None else [following]
        player.follow(piece, [] if following is None else [following[1]])

    def _forget(self) -> None:
        """Forget what plays and what was to follow it."""
        self._piece, self._following, self._handed = None, None, []
