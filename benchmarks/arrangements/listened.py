"""Figures of what a listener hears over many files, each beside what is asked at least and its aim."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from arrangement import files_of
from startup import Figure

from arrangements.degrade import FAULTS
from arrangements.listener import WRITTEN_SPAN, texture
from xylophone import load_song

Row = dict[str, float | str | bool]
"""The rows of one file; one that has nothing to count in a row has NaN there, or lacks it."""

GONE = {
    "lead": -99.0,
    "lead low": -99.0,
    "intrusions": 100.0,
    "basses": 1.0,
    "basses octave": 1.0,
    "shift": 100.0,
}
"""What a file has in these rows whose accompaniment is gone."""

SHARES = ("steps", "range", "voice", "sounded", "harmony", "marked", "pure", "score")
"""In these it has 0."""


def failed(row: Row) -> Row:
    """Return the rows of a file that lost its accompaniment: each that it has is as bad as can be."""
    worst = GONE | dict.fromkeys((*SHARES, *(f"lost {fault}" for fault in FAULTS)), 0.0)
    return row | {key: worst[key] for key in row if key in worst}


def column(rows: Sequence[Row], key: str) -> np.ndarray:
    """Return the numbers of a row over files, without those that have none."""
    values = np.array([row[key] for row in rows if key in row], np.float64)
    return values[~np.isnan(values)]


def at(rows: Sequence[Row], key: str, *percent: float, scale: float = 1.0) -> tuple[float, ...]:
    """Return percentiles of a row over files, NaN where no file has it."""
    values = column(rows, key)
    return (
        tuple((scale * np.percentile(values, percent)).tolist()) if len(values) else (np.nan,) * len(percent)
    )


def mean(values: np.ndarray) -> float:
    """Return the mean, NaN for nothing."""
    return float(np.mean(values)) if len(values) else float("nan")


def unequal(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of files in which not all parts are equal."""
    return [row for row in rows if not row.get("imitates")]


def lead_heard(rows: Sequence[Row]) -> list[Figure]:
    """Return how far the leads that are heard are from the planned ones, if files were played."""
    pairs = [(row["lead heard"], row["lead"]) for row in rows if "lead heard" in row and not row["alone"]]
    away = np.abs(np.diff(np.array(pairs, np.float64).reshape(-1, 2), axis=1)[:, 0])
    away = away[~np.isnan(away)]
    if not len(away):
        return []
    middle, most = np.percentile(away, (50, 100))
    note = f"{len(away)} files, most {most:.1f} dB"
    return [Figure("lead heard, from the planned one: median", (middle,), "dB", (0.5,), (0.3,), note=note)]


def balance(rows: Sequence[Row]) -> list[Figure]:
    """Return the figures of levels."""
    median, dynamic = column(unequal(rows), "lead"), [row for row in rows if row["written"] >= WRITTEN_SPAN]
    low = column(rows, "lead low")
    return [
        Figure(
            "lead: files with a median of 2.5 dB",
            (100 * mean(median >= 2.5),),
            "%",
            (90,),
            (97,),
            more=True,
            note=f"{len(median)} files without counterpoint; "
            f"with it {100 * mean(column(rows, 'lead') >= 2.5):.0f} %, where what enters leads by 1.5 dB",
        ),
        Figure(
            "lead: 10th percentile within a file, median",
            at(rows, "lead low", 50),
            "dB",
            (1,),
            (1.5,),
            more=True,
            note=f"{100 * mean(low >= 1):.0f} % of files have 1 dB",
        ),
        *lead_heard(rows),
        Figure(
            "tune's steps within 0.5 dB of the scaled ones",
            (100 * mean(column(rows, "steps")),),
            "%",
            (98,),
            (100,),
            more=True,
            note="10th percentile {:.0f} %".format(*at(rows, "steps", 10, scale=100)),
        ),
        Figure(
            f"range used where {WRITTEN_SPAN} dB are written, median",
            at(dynamic, "range", 50),
            "dB",
            (7,),
            (8.5,),
            more=True,
            note="{} files, written {:.1f} dB".format(len(dynamic), *at(dynamic, "written", 50)),
        ),
    ]


def voices(rows: Sequence[Row]) -> list[Figure]:
    """Return the figures of what is struck where."""
    plain_rows = unequal(rows)
    of_kind = [[row for row in rows if row.get("imitates") is kind] for kind in (True, False)]
    names = ("true counterpoint", "chorales")
    return [
        Figure(
            "intrusions per 100 tune notes, mean / p90",
            (mean(column(plain_rows, "intrusions")), *at(plain_rows, "intrusions", 90)),
            "",
            (0.3, 1),
            (0.1, 0.3),
            note=f"most {at(plain_rows, 'intrusions', 100)[0]:.0f}",
        ),
        Figure(
            "basses nearer than a sixth, of those written farther",
            (100 * mean(column(rows, "basses")),),
            "%",
            (10,),
            (5,),
            note=f"than an octave {100 * mean(column(rows, 'basses octave')):.0f} %",
        ),
        *(
            Figure(
                f"intervals of the worst voice, {name}, median",
                at(some, "voice", 50, scale=100),
                "%",
                (least,),
                (aim,),
                more=True,
                note="{} files, least {:.0f} %".format(len(some), *at(some, "voice", 0, scale=100)),
            )
            for name, some, least, aim in zip(names, of_kind, (95, 92), (98, 94), strict=True)
            if some
        ),
    ]


def judged(rows: Sequence[Row]) -> list[Figure]:
    """Return the figures of the judge."""
    better = column(rows, "shift")
    spread = at(rows, "score", 10, 50, 90)
    shifts = Figure(
        "files with a better transposition, by 2 points",
        (float((better >= 2).sum()),),
        "",
        (0,),
        (0,),
        digits=0,
        note=f"of {len(better)}; by 3 points {(better >= 3).sum()}",
    )
    scores = Figure(
        "judge's scores, p90 - p10",
        (spread[2] - spread[0],),
        "",
        (20,),
        more=True,
        digits=0,
        note="p10 / median / p90 {:.0f} / {:.0f} / {:.0f}".format(*spread),
    )
    return [*([shifts] if len(better) else []), scores, *degraded(rows)]


def degraded(rows: Sequence[Row]) -> list[Figure]:
    """Return how many arrangements made worse the judge ranks lower, and what each fault costs."""
    lost = [column(rows, f"lost {fault}") for fault in FAULTS]
    every = np.concatenate(lost)
    ranked = Figure(
        "degraded versions ranked below the original",
        (100 * mean(every > 0),),
        "%",
        (98,),
        (99.5,),
        more=True,
        note=f"of {len(every)}",
    )
    costs = [
        Figure(
            f"  {fault}: points lost, median / p10",
            at(rows, f"lost {fault}", 50, 10),
            "",
            (5,),
            more=True,
            digits=1,
            note=f"{100 * mean(points > 0):.0f} % ranked below",
        )
        for fault, points in zip(FAULTS, lost, strict=True)
    ]
    return [ranked, *costs]


def kept(rows: Sequence[Row]) -> list[Figure]:
    """Return the figures of what is left, of singers and of paper strips."""
    sung = [row for row in rows if "marked" in row]
    singers = [
        Figure(
            "Lieder without names: marked, median / p10",
            at(sung, "marked", 50, 10, scale=100),
            "%",
            (92, 75),
            (97, 88),
            more=True,
            note=f"{len(sung)} files",
        ),
        Figure(
            "  of what is marked, the voice or its doubling",
            (100 * mean(column(sung, "pure")),),
            "%",
            (90,),
            (95,),
            more=True,
        ),
        Figure(
            "  with names: marked, median / p10",
            at(sung, "marked named", 50, 10, scale=100),
            "%",
            more=True,
            note=f"of what is marked {100 * mean(column(sung, 'pure named')):.0f} %",
        ),
    ]
    return [
        Figure(
            "notes sounded, median / p10",
            at(rows, "sounded", 50, 10, scale=100),
            "%",
            (96, 88),
            (98, 92),
            more=True,
        ),
        Figure("harmony per measure, median / p10", at(rows, "harmony", 50, 10, scale=100), "%", more=True),
        *(singers if sung else []),
        Figure("strikes a second, median / p90", at(rows, "rate", 50, 90)),
        Figure("music-box: strikes a second, median / p90", at(rows, "strip rate", 50, 90), "", (5, 8)),
        Figure("  same bar within 0.6 s", (100 * mean(column(rows, "strip again")),), "%", (20,)),
        Figure("  chords with a second", (100 * mean(column(rows, "strip seconds")),), "%", (2,)),
    ]


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Return all figures of some files."""
    return [*balance(rows), *voices(rows), *judged(rows), *kept(rows)]


def of_strips(folder: Path) -> list[Figure]:
    """Return how dense strips are that people punched."""
    rows: list[Row] = []
    for path in files_of(folder, None):
        notes = load_song(path).notes
        dense = texture(notes["onset"].astype(np.float64), notes["pitch"].astype(np.int64))
        rows.append({"rate": dense.rate, "again": dense.again, "seconds": dense.seconds})
    return [
        Figure(f"people, {len(rows)} strips: strikes a second, median / p90", at(rows, "rate", 50, 90)),
        Figure("  same bar within 0.6 s", (100 * mean(column(rows, "again")),), "%"),
        Figure("  chords with a second", (100 * mean(column(rows, "seconds")),), "%"),
    ]
