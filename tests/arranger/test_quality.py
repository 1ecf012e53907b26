"""The score against its definition, strike by strike, and how it ranks what is better and worse."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from arranger.melodies import layouts, shifts
from arranger.test_plain_arranger import SEEDS, some_song
from counts import examples
from xylophone.arranger import Arrangement, arrange, judge
from xylophone.arranger.arrangement import NO_ROLE
from xylophone.arranger.quality import POINTS
from xylophone.strikes import DB_PER_STEP
from xylophone.tables import Priority


class Plain:
    """What is counted of an arrangement, with loops."""

    def __init__(self, made: Arrangement) -> None:
        self.made, self.notes, self.struck = made, made.song.notes, made.struck.tolist()
        self.tune = [n for n in range(len(self.notes)) if made.roles[n] == Priority.MELODY]
        self.others = [n for n in range(len(self.notes)) if made.roles[n] not in (Priority.MELODY, NO_ROLE)]
        self.away = [
            bar - (int(note["pitch"]) + [by for time, by in made.shifts if time <= note["onset"]][-1])
            for bar, note in zip(self.struck, self.notes, strict=True)
        ]
        self.strikes = [
            (float(row["onset"]), int(made.instrument.pitches[row["hammer"]]), int(row["priority"]), row)
            for row in made.notes
        ]
        self.sung = [strike for strike in self.strikes if strike[2] == Priority.MELODY]

    def sounding(self, time: float) -> int | None:
        """Return the place among the tune's strikes of the one that sounds at a moment."""
        begun = [place for place, strike in enumerate(self.sung) if strike[0] <= time + 0.03]
        return begun[-1] if begun and time <= self.sung[begun[-1]][0] + 1.5 else None

    def beside(self):
        for strike in self.strikes:
            place = self.sounding(strike[0])
            if strike[2] != Priority.MELODY and place is not None:
                yield place, strike, self.sung[place]

    def written(self, strike) -> int:
        return int(self.notes["pitch"][strike[3]["source"]])

    def buried(self) -> float:
        loudest: dict[int, float] = {}
        for place, strike, tune in self.beside():
            lead = float(tune[3]["velocity"] - strike[3]["velocity"]) * DB_PER_STEP
            loudest[place] = min(lead, loudest.get(place, math.inf))
        return sum(min(1.0, max(0.0, (2.5 - lead) / 5)) for lead in loudest.values()) / max(1, len(self.sung))

    def seconds(self) -> list[bool]:
        chords: list[list] = []
        for strike in self.strikes:
            if not chords or strike[0] - chords[-1][-1][0] > 0.025 or strike[0] - chords[-1][0][0] >= 0.025:
                chords.append([])
            chords[-1].append(strike)
        found = []
        for chord in (sorted(chord, key=lambda strike: strike[1]) for chord in chords if len(chord) > 1):
            found.append(
                any(
                    0 < other[1] - one[1] <= 2 and abs(self.written(other) - self.written(one)) not in (1, 2)
                    for one, other in pairwise(chord)
                )
            )
        return found

    def clutter(self) -> float:
        each = Counter(math.floor(strike[0]) for strike in self.strikes)
        more = sum(max(0, count - 14) for count in each.values())
        for n, strike in enumerate(self.strikes):
            before = [one[0] for one in self.strikes[:n] if one[1] == strike[1]]
            more += strike[2] != Priority.MELODY and bool(before) and strike[0] - before[-1] < 0.15
        return min(1.0, more / max(1, len(self.strikes)))

    def missed(self, n: int) -> float:
        second = math.floor(float(self.notes["onset"][n]))
        count = sum(second <= strike[0] < second + 1 for strike in self.strikes)
        return min(1.0, max(0.0, (14 - count) / 6))

    def shares(self) -> dict[str, list | float]:
        notes, struck, away = self.notes, self.struck, self.away
        right = [n for n in self.tune if struck[n] >= 0 and away[n] % 12 == 0]
        home = min(
            Counter(away[n] for n in right).items(), key=lambda pair: (-pair[1], pair[0]), default=(0, 0)
        )[0]
        covered = []
        for n in (n for n in self.tune if struck[n] >= 0):
            time = float(self.made.notes["onset"][self.made.carrier[n]])
            covered.append(
                any(abs(at - time) <= 0.03 + 1e-9 and bar > struck[n] for at, bar, *_ in self.strikes)
            )
        broken = []
        for voice in sorted({(int(notes["track"][n]), int(self.made.roles[n])) for n in self.others}):
            rows = [
                n for n in self.others if (notes["track"][n], self.made.roles[n]) == voice and struck[n] >= 0
            ]
            broken += [
                away[a] != away[b] for a, b in pairwise(rows) if notes["onset"][b] - notes["onset"][a] < 1.5
            ]
        near = [
            tune[1] - strike[1] < 9
            for _, strike, tune in self.beside()
            if strike[2] == Priority.BASS
            and abs(strike[0] - tune[0]) <= 0.03
            and self.written(tune) - self.written(strike) >= 9
        ]
        intruders = sum(
            self.written(strike) < self.written(tune) and strike[1] >= tune[1]
            for _, strike, tune in self.beside()
        )
        heard = sum(struck[n] >= 0 for n in self.others) / max(1, len(self.others))
        some = len(self.others) >= 0.2 * (len(self.others) + len(self.tune)) and self.others
        return {
            "melody": [n not in right for n in self.tune],
            "intervals": [
                not (struck[a] >= 0 <= struck[b] and away[a] == away[b])
                for a, b in pairwise(self.tune)
                if notes["onset"][b] - notes["onset"][a] < 1.5
            ],
            "strays": [away[n] != home for n in right],
            "covered": covered,
            "intruders": min(1.0, intruders / max(1, len(self.sung))),
            "buried": self.buried(),
            "basses": near,
            "seconds": self.seconds(),
            "voices": broken,
            "clutter": self.clutter(),
            "notes": sum(self.missed(n) for n in self.others if struck[n] < 0) / max(1, len(self.others)),
            "bare": max(0.0, 1 - heard / 0.3) if some else 0.0,
        }


@given(SEEDS, layouts, shifts)
@examples(15)
def test_quality_counts_what_is_heard_strike_by_strike(seed: int, instrument, transpose: int) -> None:
    made = arrange(some_song(seed), instrument, transpose=transpose)
    quality = judge(made)
    if not len(made.notes):
        assert (quality.score, quality.melody) == (0, "")
        return
    shares = {
        name: of if isinstance(of, float) else sum(of) / max(1, len(of))
        for name, of in Plain(made).shares().items()
    }
    assert {cost.name: cost.share for cost in quality.costs} == pytest.approx(shares, abs=1e-6)
    assert {cost.name: cost.points for cost in quality.costs} == pytest.approx(
        {name: POINTS[name][0] * share for name, share in shares.items()}, abs=1e-4
    )
    lost = math.fsum(POINTS[name][0] * share for name, share in shares.items())
    assert quality.points == pytest.approx(max(0.0, 100 - lost), abs=1e-3)
    assert quality.score == round(quality.points)
    notes, tune = made.song.notes, np.flatnonzero(made.roles == Priority.MELODY)
    most = Counter(notes["track"][tune].tolist())
    track = min(most, key=lambda number: (-most[number], number))
    assert quality.melody == (made.song.tracks[track].name or f"track {track}")
