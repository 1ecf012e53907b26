"""What a backend met and did, in words: faults as they come, how it ended, and the account at the end."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from ..backends.backend import Backend
from ..backends.contract import Coils, Fault, Report
from ..errors import BackendError, SafetyError, XylophoneError
from ..running.playing import ENDED_BY_OFF
from ..words import lost_words
from .printing import warn

COUNTED = {
    "resets": ("the board has reset {} time", "the board has reset {} times"),
    "reconnects": ("it was gone and came back {} time", "it was gone and came back {} times"),
    "retransmits": ("{} frame was sent again", "{} frames were sent again"),
    "damaged": ("{} answer arrived damaged", "{} answers arrived damaged"),
    "board_damaged": ("{} frame reached the board damaged", "{} frames reached the board damaged"),
    "board_overruns": ("{} byte was lost on the board", "{} bytes were lost on the board"),
    "board_forced": ("{} output was forced off", "{} outputs were forced off"),
}
"""Note of a report: its words for one and for several."""


class StoppedBy(SystemExit):
    """The end of a command by a signal: its exit code, by whom it was, and what is known since."""

    code: int

    def __init__(self, code: int, words: str) -> None:
        super().__init__(code)
        self.words = words

    @classmethod
    def by(cls, leaving: BaseException) -> StoppedBy | None:
        """Return what ends the program as a signal does, None where `leaving` does not come of one."""
        if isinstance(leaving, StoppedBy):
            return leaving
        code = 128 + signal.SIGINT if isinstance(leaving, KeyboardInterrupt) else getattr(leaving, "code", 0)
        who = {128 + signal.SIGINT: "Ctrl-C", ENDED_BY_OFF: "xylophone off"}.get(code, "a signal")
        return cls(code, f"stopped by {who}") if code > 128 or code == ENDED_BY_OFF else None

    def __str__(self) -> str:
        return self.words


def with_words(leaving: BaseException, *words: str) -> BaseException:
    """Return what ends the program as `leaving` does, its one line followed by more words."""
    first = leaving.lines if isinstance(leaving, XylophoneError) else [str(StoppedBy.by(leaving) or leaving)]
    told = "; ".join([*first, *words])
    if (stopped := StoppedBy.by(leaving)) is not None:
        return StoppedBy(stopped.code, told)
    return type(leaving)(told)


@contextmanager
def closing(backend: Backend) -> Iterator[None]:
    """Close a backend when the block is left, and tell whether its coils are off where that is in doubt.

    Raises BackendError where nothing has confirmed it; a signal that ends the block is followed by what is
    known, and by exit code 1 where that is nothing. Refusals for safety keep their own exit code.
    """
    try:
        with backend:
            yield
    except (XylophoneError, KeyboardInterrupt, SystemExit) as leaving:
        raise _ended(leaving, backend.coils) from leaving
    if backend.coils is Coils.UNCONFIRMED:
        raise BackendError(str(Coils.UNCONFIRMED))
    if backend.coils is Coils.OFF_BY_LIMIT:
        warn(str(backend.coils))


def _ended(leaving: BaseException, coils: Coils) -> BaseException:
    """Return how a command ends that leaves a backend so, with what is known of its coils."""
    if isinstance(leaving, XylophoneError) and coils is Coils.OFF:
        return leaving
    ended = with_words(leaving, str(coils))
    if coils is not Coils.UNCONFIRMED:
        return ended
    if isinstance(ended, StoppedBy):
        return StoppedBy(ended.code if ended.code == SafetyError.exit_code else 1, ended.words)
    return ended if isinstance(ended, SafetyError) else BackendError(str(ended))


def tell(faults: Iterable[Fault]) -> None:
    """Print faults on stderr, a line each; a fatal one is left to the error that it raises."""
    for fault in faults:
        if not fault.fatal:
            warn(fault.message)


def not_played(report: Report, refusals: Mapping[str, int] | None = None) -> str:
    """Return 'not played: 3 late, 2 recovery', and what went wrong on the way; '' when everything was played.

    `refusals` are the sequencer's; the backend's own and what came too late are in the report.
    """
    counts = Counter(refusals) + Counter(report.refused) + Counter(late=report.late)
    return "; ".join(filter(None, (lost_words(counts), line_words(report)))) if counts else ""


def line_words(report: Report) -> str:
    """Return what went wrong on the way to a board, '' when nothing did."""
    counts = [(words, int(report.notes.get(name, 0))) for name, words in COUNTED.items()]
    return ", ".join(words[count > 1].format(count) for words, count in counts if count)
