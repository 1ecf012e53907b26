"""Faults planted in simulated hammers are named, each with a remedy; healthy hammers are not."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tuning.sessions import Tuned, distance, instrument_of, tune
from xylophone.calibration.file import default_calibration
from xylophone.calibration.values import CURVES
from xylophone.simulation.bench import measure
from xylophone.simulation.faults import FaultyTwin, Planted
from xylophone.simulation.hammers import Twin
from xylophone.sound.position import position_of
from xylophone.tuning import auto_session
from xylophone.tuning.diagnosis import Ailment, HammerFault, diagnose, tilt

TEN = instrument_of((67, 69, 72, 74, 76, 79, 81, 84, 86, 88))
DEAD, WEAK, DOUBLE, UNSTEADY, ONE, OTHER = 1, 3, 5, 7, 6, 9
PLANTED = {DEAD: Planted.DEAD, WEAK: Planted.WEAK, DOUBLE: Planted.DOUBLE, UNSTEADY: Planted.UNSTEADY}
HEALTHY = (0, 2, 4, 8)
SEED = 5
NAMES = tuple(hammer.name for hammer in TEN.hammers)


@pytest.fixture(scope="module")
def tuned() -> Tuned:
    """A session before ten hammers, six of which are out of order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto_session, "LONGEST", 55.0)  # s; more rounds would teach nothing here
        return tune(FaultyTwin(TEN, SEED, faults=PLANTED, swapped=((ONE, OTHER),)))


@pytest.fixture(scope="module")
def ailments(tuned: Tuned) -> dict[str, Ailment]:
    found = diagnose(tuned.analysis)
    assert max(Counter(ailment.hammer for ailment in found).values()) == 1
    return {ailment.hammer: ailment for ailment in found}


def test_planted_faults_are_named_in_the_order_of_the_bars_and_nothing_else(
    ailments: dict[str, Ailment],
) -> None:
    assert [(name, ailment.fault) for name, ailment in ailments.items()] == [
        (NAMES[DEAD], HammerFault.DEAD),
        (NAMES[WEAK], HammerFault.WEAK),
        (NAMES[DOUBLE], HammerFault.DOUBLE),
        (NAMES[ONE], HammerFault.SWAPPED),
        (NAMES[UNSTEADY], HammerFault.UNSTEADY),
        (NAMES[OTHER], HammerFault.SWAPPED),
    ]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (
            DEAD,
            r"A4 is dead: no sound from \d+ strikes with pulses up to 22\.0 ms; check the cable of output 1, "
            "its driver, and that its plunger moves freely",
        ),
        (
            WEAK,
            r"D5 is weak: a pulse of 14\.4 ms brings (no sound at all|\d+ dB less than usual).*; "
            "check its gap, its spring and that it moves freely, and its cable for a bad contact",
        ),
        (
            DOUBLE,
            r"G5 is double: a second blow of -(8|9|10) dB after \d+ of \d+ strikes, from \d+\.\d ms on; move "
            "it a little away from its bar, damp its way back, or give it a lower longest_pulse_ms",
        ),
        (
            UNSTEADY,
            r"C6 is unsteady: its strikes scatter by [1-5]\.\d ms and [1-3]\.\d dB, others by 0\.[2-5] ms "
            r"and 0\.[1-5] dB; look for friction, a loose screw or a loose plug, and tune it again",
        ),
        (
            ONE,
            "A5 is swapped: E6 sounds instead, and A5 for E6; exchange the cables of outputs 6 and 9, "
            "or their numbers in `channels` of xylophone.toml",
        ),
        (
            OTHER,
            "E6 is swapped: A5 sounds instead, and E6 for A5; exchange the cables of outputs 9 and 6, "
            "or their numbers in `channels` of xylophone.toml",
        ),
    ],
)
def test_a_fault_is_told_in_one_line_with_what_was_heard_and_what_to_do(
    ailments: dict[str, Ailment], place: int, line: str
) -> None:
    assert re.fullmatch(line, str(ailments[NAMES[place]]))


def test_hammers_that_could_not_be_measured_keep_the_default_curves(tuned: Tuned) -> None:
    default = default_calibration(TEN)
    kept = [place for place, origin in enumerate(tuned.calibration.origin) if origin == "default"]
    assert kept == [DEAD, ONE, OTHER]
    assert set(tuned.calibration.origin) == {"default", "measured"}
    for key in ("level", *CURVES):
        assert np.array_equal(getattr(tuned.calibration, key)[kept], getattr(default, key)[kept])


def test_faults_of_some_do_not_spoil_the_curves_of_others(tuned: Tuned) -> None:
    found = distance(tuned.calibration, measure(Twin(TEN, SEED)), HEALTHY)
    assert found.usual_width < 0.03
    assert found.usual_latency < 0.25


def test_a_few_hammers_say_nothing_about_the_microphone(tuned: Tuned) -> None:
    assert sum(fit is not None for fit in tuned.analysis.fits) < 8
    assert tilt(tuned.analysis, position_of("low")) is None


class Miswired(FaultyTwin):
    """One output drives another hammer too: its own is on none."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(SIX, SEED)
        self._bars[one] = other


SIX = instrument_of((67, 72, 76, 81, 86, 91))


@pytest.fixture(scope="module")
def miswired() -> Tuned:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auto_session, "LONGEST", 25.0)
        return tune(Miswired(1, 4))


def test_one_cable_on_a_wrong_output_is_named_and_no_other(miswired: Tuned) -> None:
    (ailment,) = diagnose(miswired.analysis)
    assert str(ailment) == (
        "C5 is swapped: D6 sounds instead; check the cable of output 1, or `channels` in xylophone.toml"
    )


def test_what_sounds_much_softer_than_from_its_own_hammer_was_not_struck(miswired: Tuned) -> None:
    evidence = miswired.analysis.evidence
    own = evidence.trials["hammer"] == 1
    softer = replace(evidence, sounded=evidence.sounded - 20.0 * own)
    (ailment,) = diagnose(replace(miswired.analysis, evidence=softer))
    assert re.fullmatch(
        r"C5 is unclear: only 0 of \d+ strikes were heard clearly; make the room quieter .*", str(ailment)
    )


def test_few_strikes_do_not_make_a_wrong_output(miswired: Tuned) -> None:
    evidence = miswired.analysis.evidence
    bar = evidence.bar.copy()
    bar[evidence.of(1)[4:]] = -1
    assert HammerFault.SWAPPED not in {
        ailment.fault for ailment in diagnose(replace(miswired.analysis, evidence=replace(evidence, bar=bar)))
    }


def test_knocks_that_fall_anywhere_after_strikes_are_no_second_blows(tuned: Tuned) -> None:
    evidence = tuned.analysis.evidence
    gap = np.where(np.isnan(evidence.gap), np.nan, np.linspace(0.01, 0.14, len(evidence.gap)))
    knocked = replace(tuned.analysis, evidence=replace(evidence, gap=gap))
    assert HammerFault.DOUBLE not in {ailment.fault for ailment in diagnose(knocked)}


@pytest.mark.parametrize(
    ("doubt", "uneven", "said"),
    [
        (0.0, 1.0, None),
        (0.49, 1.0, None),
        (0.7, 1.0, "its loudness is known to 1.4 dB only, not to 1 dB"),
        (0.0, 6.0, r"its loudness is known to [1-9]\.\d dB only, not to 1 dB"),
    ],
    ids=["sure", "nearly", "its bar's decay", "its strikes scatter"],
)
def test_a_hammer_whose_loudness_is_not_known_to_a_decibel_is_named(
    tuned: Tuned, doubt: float, uneven: float, said: str | None
) -> None:
    analysis, place = tuned.analysis, HEALTHY[1]
    doubts = np.where(np.arange(len(NAMES)) == place, doubt, 0.0)
    fits = list(analysis.fits)
    fit = fits[place]
    assert fit is not None
    fits[place] = replace(
        fit, level_error=uneven * fit.level_error, spread=fit.spread * (0.01 if doubt else 1.0)
    )
    found = diagnose(replace(analysis, fits=tuple(fits), evidence=replace(analysis.evidence, doubt=doubts)))
    told = [one for one in found if one.hammer == NAMES[place]]
    assert [one.fault for one in told] == ([HammerFault.UNCLEAR] if said else [])
    for one in told:
        assert re.fullmatch(said or "", one.heard)
        assert one.remedy == "make the room quieter or the microphone nearer, and tune it again"


@pytest.mark.parametrize(
    ("late", "uneven", "named"),
    [(0.9, 0.1, False), (0.1, 0.9, False), (0.8, 0.8, True), (1.1, 0.0, True), (0.0, 1.1, True)],
)
def test_scatter_in_time_and_loudness_counts_together(
    tuned: Tuned, late: float, uneven: float, named: bool
) -> None:
    """Given in parts of the limits; all strikes but one scatter so, one falls far out."""
    away = np.where(np.arange(12) % 2, 1.0, -1.0)
    latency = away * late * max(2.5 * tuned.analysis.latency_sd, 0.001)
    level = away * uneven * max(2.5 * tuned.analysis.level_sd, 2.0)
    latency[3], level[3] = 0.02, -15.0
    place = HEALTHY[0]
    fits = list(tuned.analysis.fits)
    weight = np.where(np.arange(12) == 3, 0.01, 1.0)
    fits[place] = replace(fits[place], latency_error=latency, level_error=level, weight=weight)
    found = diagnose(replace(tuned.analysis, fits=tuple(fits)))
    assert (HammerFault.UNSTEADY in [one.fault for one in found if one.hammer == NAMES[place]]) == named
