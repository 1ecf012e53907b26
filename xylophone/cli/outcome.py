"""What a backend met and did, in words: faults as they come, and the account at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..backends.contract import Fault, Report

COUNTED = {
    "resets": ("the board has reset {} time", "the board has reset {} times"),
    "reconnects": ("it was plugged in again {} time", "it was plugged in again {} times"),
    "retransmits": ("{} frame was sent again", "{} frames were sent again"),
    "damaged": ("{} answer arrived damaged", "{} answers arrived damaged"),
    "board_damaged": ("{} frame reached the board damaged", "{} frames reached the board damaged"),
    "board_overruns": ("{} byte was lost on the board", "{} bytes were lost on the board"),
    "board_forced": ("{} output was forced off", "{} outputs were forced off"),
}
"""Note of a report: its words for one and for several."""


def tell(faults: Iterable[Fault]) -> None:
    """Print faults on stderr, a line each; a fatal one is left to the error that it raises."""
    for fault in faults:
        if not fault.fatal:
            # Not by click, which writes past the bars that are being drawn, and into them.
            print(f"xylophone: {fault.message}", file=sys.stderr, flush=True)


def not_played(report: Report, refusals: Mapping[str, int]) -> str:
    """Return what was not played as '3 late, 2 recovery', by reason; '' when everything was.

    `refusals` are the sequencer's; the backend's own and what came too late are in the report.
    """
    counts = dict(refusals)
    for reason, count in (*report.refused.items(), ("late", report.late)):
        counts[reason] = counts.get(reason, 0) + count
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()) if count)


def line_words(report: Report) -> str:
    """Return what went wrong on the way to a board, '' when nothing did."""
    counts = [(words, int(report.notes.get(name, 0))) for name, words in COUNTED.items()]
    return ", ".join(words[count > 1].format(count) for words, count in counts if count)
