"""A session before simulated hammers, whose true curves the bench knows: what it finds, what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tuning.sessions import (
    EIGHT,
    FIVE,
    FRONT,
    THREE,
    Tuned,
    distance,
    instrument_of,
    recorded_again,
    session,
    tune,
)
from xylophone.backends.contract import Fault
from xylophone.calibration.file import default_calibration, read_calibration, write_calibration
from xylophone.calibration.values import CURVES, Calibration
from xylophone.errors import BackendError, TuningError
from xylophone.sequencer.curves import Curves
from xylophone.simulation.bench import measure
from xylophone.simulation.ear import Room
from xylophone.simulation.hammers import Twin
from xylophone.sound.position import position_of
from xylophone.tables import Samples
from xylophone.tuning.analysis import Analysis, analyse, calibration_of
from xylophone.tuning.auto_session import Progress
from xylophone.tuning.diagnosis import diagnose, tilt
from xylophone.tuning.sag import USUAL, result_of, shared_terms
from xylophone.tuning.shape import NODES
from xylophone.tuning.trials import Purpose, Take, load_session

SEED = 1
DEFAULT = default_calibration(EIGHT)


@pytest.fixture(scope="module")
def truth() -> Calibration:
    return measure(Twin(EIGHT, SEED))


@pytest.fixture(scope="module")
def plain() -> Tuned:
    """A session as it usually is; the twin has hammers, scatter and a supply as they come."""
    return tune(Twin(EIGHT, SEED))


# what it finds


def test_the_curves_are_near_the_true_ones(plain: Tuned, truth: Calibration) -> None:
    found = distance(plain.calibration, truth)
    assert found.width < 0.045
    assert found.usual_width < 0.01
    assert found.latency < 1.1
    assert found.usual_latency < 0.2
    assert plain.calibration.origin == ("measured",) * 8
    assert plain.calibration.measured == ("supply",)


def test_the_curves_are_far_better_than_the_default_ones(plain: Tuned, truth: Calibration) -> None:
    found, before = distance(plain.calibration, truth), distance(DEFAULT, truth)
    assert before.width > 5.0 * found.width
    assert before.usual_width > 6.0 * found.usual_width
    assert before.usual_latency > 6.0 * found.usual_latency


def test_healthy_hammers_and_a_microphone_in_its_place_give_no_cause_for_complaint(plain: Tuned) -> None:
    assert diagnose(plain.analysis) == []
    assert tilt(plain.analysis, FRONT) is None


@pytest.mark.parametrize(
    ("room", "sample_rate"),
    [
        (Room(position_of("low")), 48000),
        (Room(FRONT), 44100),
        (Room(FRONT, ppm=100.0, late=0.5), 48000),
        (Room(FRONT, knocks=0.5), 48000),
    ],
    ids=["at the low end", "44.1 kHz", "clock 100 ppm fast", "knocks in the room"],
)
def test_another_microphone_hears_the_same_curves(plain: Tuned, room: Room, sample_rate: int) -> None:
    again = recorded_again(plain, Twin(EIGHT, SEED), room, sample_rate)
    found = distance(again.calibration, plain.calibration)
    assert found.width < 0.03
    assert found.usual_width < 0.012
    assert found.latency < 0.5
    assert found.usual_latency < 0.05
    assert diagnose(again.analysis) == []
    assert tilt(again.analysis, room.position) is None


@pytest.mark.parametrize(
    ("place", "other", "at"), [("low", "highest", r"0,0\.3"), ("high", "lowest", r"0\.9,0\.3")]
)
def test_a_microphone_that_stands_elsewhere_than_it_is_said_is_doubted(
    plain: Tuned, place: str, other: str, at: str
) -> None:
    position = position_of(place)
    line = tilt(analyse(plain.session.takes, EIGHT, DEFAULT, position), position)
    assert line is not None
    assert re.fullmatch(
        rf"bars sound \d+ dB louder towards the {other} one as if the microphone stood nearer to it than "
        rf"{at} m: put it 1 m before the middle, or say where it stands with --mic",
        line,
    )


def test_a_supply_that_sags_more_is_found(plain: Tuned) -> None:
    usual = plain.calibration.supply.per_ampere
    weak = tune(Twin(EIGHT, SEED, supply_resistance=0.3)).calibration.supply
    assert usual / DEFAULT.supply.per_ampere == pytest.approx(1.0, abs=0.4)
    assert weak.per_ampere / DEFAULT.supply.per_ampere == pytest.approx(3.0, abs=0.5)
    assert replace(weak, per_ampere=0.0) == replace(DEFAULT.supply, per_ampere=0.0)


def chords_as_if(analysis: Analysis, factor: float, coupling: float) -> Analysis:
    """Return an analysis whose chords came after some rest, and were as loud as these terms make them."""
    evidence, curves = analysis.evidence, Curves(EIGHT, calibration_of(analysis))
    trials, level = evidence.trials, evidence.level.copy()
    rested = np.where(trials["purpose"] == Purpose.CHORD, 0.5 * (trials["hammer"] % 2), evidence.rested)
    supply, current = DEFAULT.supply, np.full(len(trials), EIGHT.kind.current)
    met = supply.beside(trials["start"], trials["start"] + trials["width"], current)[0]
    loss = factor * supply.per_ampere * met + evidence.loss
    for row in np.flatnonzero(trials["purpose"] == Purpose.CHORD).tolist():
        place = int(trials["hammer"][row])
        levels = np.linspace(*curves.calibration.level[place, [0, -1]], 500)
        needs = replace(curves.at(np.full(500, place), levels), rest_coupling=coupling)
        asked = needs.width_at(np.full(500, loss[row]), rested[row])
        level[row] = np.interp(trials["width"][row], asked, levels) + analysis.gain
    return replace(analysis, evidence=replace(evidence, level=level, rested=rested))


@pytest.mark.parametrize(("factor", "coupling"), [(1.0, DEFAULT.rest_coupling), (1.2, 2.5), (0.8, 0.9)])
def test_chords_tell_the_sag_and_what_it_takes_from_rested_hammers(
    plain: Tuned, factor: float, coupling: float
) -> None:
    found = shared_terms(chords_as_if(plain.analysis, factor, coupling))
    assert found is not None
    assert found.factor == pytest.approx(factor, abs=0.025)
    shrunk = (found.doubt / USUAL) ** 2  # as far as the chords leave it open, the default is believed
    expected = coupling + shrunk * (DEFAULT.rest_coupling - coupling)
    assert found.coupling == pytest.approx(expected, abs=0.05)
    assert found.doubt < USUAL


def test_two_sessions_before_the_same_hammers_are_the_same() -> None:
    one, other = (tune(Twin(THREE, 4)) for _ in range(2))
    for key in ("level", *CURVES):
        assert np.array_equal(getattr(one.calibration, key), getattr(other.calibration, key))
    assert one.calibration.supply == other.calibration.supply
    assert np.array_equal(one.session.takes[0].sound, other.session.takes[0].sound)


def test_what_is_played_keeps_to_what_the_hammers_allow(plain: Tuned) -> None:
    (take,) = plain.session.takes
    hammers = EIGHT.hammers
    for start, width, place, purpose in take.trials.tolist():
        assert hammers[place].shortest_pulse <= width <= hammers[place].longest_pulse
        assert start >= 1.0
        assert purpose in tuple(Purpose)
    report = plain.session.backend.report()
    assert (report.pulses, report.late, report.refused) == (len(take.trials), 0, {})


def test_progress_rises_to_the_whole() -> None:
    told: list[Progress] = []
    turns = [(place, DEFAULT.width[place, [-1, -5]]) for place in range(3)]
    session(Twin(THREE, 4), told=told.append).once(turns)
    assert [progress.doing for progress in told][:: len(told) - 1] == ["listening to the room", "checking"]
    played = [progress.played for progress in told]
    assert played == sorted(played)
    assert all(progress.played <= progress.whole for progress in told)
    assert told[-1].played == pytest.approx(told[0].whole, abs=1.0)


def test_curves_of_a_hammer_that_answers_oddly_can_be_written(plain: Tuned, tmp_path: Path) -> None:
    fit = plain.analysis.fits[0]
    assert fit is not None
    bent = fit.found.copy()
    bent[6 : 6 + NODES] -= 0.004 * np.linspace(-1.0, 1.0, NODES)  # wider pulses, softer blows
    odd = replace(plain.analysis, fits=(replace(fit, found=bent), *plain.analysis.fits[1:]))
    calibration = result_of(odd)
    write_calibration(tmp_path / "c.toml", calibration)
    assert np.all(np.diff(read_calibration(tmp_path / "c.toml").width) > 0.0)


def test_bars_too_low_to_be_told_apart_are_refused_before_anything_is_struck() -> None:
    begun = session(Twin(instrument_of(range(40, 104)), 1))
    with pytest.raises(
        TuningError, match=r"^E2 and F2 sound 4\.9 Hz apart, .* 8 or more .*: tune .* tune hand$"
    ):
        begun.run()
    assert begun.takes == ()
    assert begun.backend.now() == 0.0


# what is wrong with a recording


def spoilt(plain: Tuned, change: Callable[[Samples], Samples], sample_rate: int | None = None) -> Take:
    (take,) = plain.session.takes
    return replace(take, sound=change(take.sound), sample_rate=sample_rate or take.sample_rate)


@pytest.mark.parametrize(
    ("change", "sample_rate", "words"),
    [
        (
            lambda sound: np.delete(sound, slice(1200000, 1200480)),
            None,
            r"jumps by \d+ ms.*lost samples.*again",
        ),
        (lambda sound: sound[: 30 * 48000], None, r"ends after 30\.0 s.*cut short; record the whole session"),
        (lambda sound: np.clip(20.0 * sound, -1.0, 1.0), None, r"clips, first at \d+\.\d s: lower"),
        (lambda sound: 0.0 * sound, None, "is silent: check that the microphone is connected"),
        (lambda sound: sound[::-1].copy(), None, "not found in the recording|are heard in the recording"),
        (lambda sound: sound[::3].copy(), 16000, "16000 samples a second: give one of 22050 or more"),
        (
            lambda sound: sound[5 * 48000 :],
            None,
            r"begins 3\.\d s after the first strike: start",
        ),
        (lambda sound: sound, 44100, r"not found in the recording.*belongs to the plan"),
        (lambda sound: sound[48000:48010], None, "is silent"),
    ],
    ids=[
        *("samples lost", "cut short", "clipped", "silent", "backwards", "too slow a rate"),
        *("begun too late", "another rate than it says", "ten samples"),
    ],
)
def test_a_recording_that_teaches_nothing_is_refused(
    plain: Tuned, change: Callable[[Samples], Samples], sample_rate: int | None, words: str
) -> None:
    take = spoilt(plain, change, sample_rate)
    with pytest.raises(TuningError, match=words) as caught:
        analyse([take], EIGHT, DEFAULT, FRONT)
    assert "\n" not in str(caught.value)


def test_a_recording_of_another_session_is_refused(plain: Tuned) -> None:
    (take,) = plain.session.takes
    others = take.trials.copy()
    for place in range(len(EIGHT)):
        own = np.flatnonzero((others["hammer"] == place) & (others["purpose"] == Purpose.CURVE))
        others["width"][own] = others["width"][own[::-1]]
    with pytest.raises(TuningError, match="recording that belongs to th"):
        analyse([replace(take, trials=others)], EIGHT, DEFAULT, FRONT)


def test_a_recording_of_other_hammers_on_the_same_instrument_is_refused() -> None:
    """The first round is the same for all; pulses that differ later make other distances."""
    one, other = (tune(Twin(THREE, seed)).session.takes[0] for seed in (1, 2))
    with pytest.raises(TuningError, match="recording that belongs to th"):
        analyse([replace(one, trials=other.trials)], THREE, default_calibration(THREE), FRONT)


def test_a_session_may_be_gone_on_with_after_the_gain_was_lowered(plain: Tuned) -> None:
    (take,) = plain.session.takes
    first = len(take.trials) // 2
    frame = round((float(take.trials["start"][first]) + 0.05) * take.sample_rate)  # before it is heard
    found = []
    for gain in (1.0, 0.5):
        takes = [
            replace(take, trials=take.trials[:first], sound=take.sound[:frame]),
            replace(take, trials=take.trials[first:], sound=(gain * take.sound[frame:]).astype(np.float32)),
        ]
        found.append(result_of(analyse(takes, EIGHT, DEFAULT, FRONT)))
    apart = distance(*found)
    assert apart.usual_width < 0.01
    assert apart.width < 0.03


def test_chords_in_a_recording_of_their_own_are_heard_by_the_bars_of_the_other(plain: Tuned) -> None:
    """A session that broke off before its last chords, and was gone on with."""
    (take,) = plain.session.takes
    first = int(np.flatnonzero(take.trials["purpose"] != Purpose.CHORD)[-1]) + 1
    frame = round(float(take.trials["start"][first]) * take.sample_rate)
    takes = [
        replace(take, trials=take.trials[:first], sound=take.sound[:frame]),
        replace(take, trials=take.trials[first:], sound=take.sound[frame - take.sample_rate :]),
    ]
    one, two = plain.analysis.evidence, analyse(takes, EIGHT, DEFAULT, FRONT).evidence
    assert two.doubt == pytest.approx(one.doubt, abs=0.02)
    assert two.level[first:] == pytest.approx(one.level[first:], abs=0.1, nan_ok=True)


def test_a_sound_card_may_add_a_constant(plain: Tuned) -> None:
    analysis = analyse([spoilt(plain, lambda sound: sound + np.float32(0.2))], EIGHT, DEFAULT, FRONT)
    found = distance(result_of(analysis), plain.calibration)
    assert (found.width, found.latency) == pytest.approx((0.0, 0.0), abs=1e-3)
    assert diagnose(analysis) == []


def test_a_curve_that_begins_later_keeps_what_each_level_needs_besides(plain: Tuned) -> None:
    """Terms of loss and rest belong to levels, wherever the knots lie."""
    fit = plain.analysis.fits[2]
    assert fit is not None
    begun = replace(fit, softest=fit.known_from() + 4.0)
    fits = (*plain.analysis.fits[:2], begun, *plain.analysis.fits[3:])
    whole, part = plain.calibration, result_of(replace(plain.analysis, fits=fits))
    assert part.level[2, 0] > whole.level[2, 0] + 3.0
    assert part.level[2, -1] == pytest.approx(whole.level[2, -1])
    for key in CURVES:
        asked = np.interp(part.level[2], whole.level[2], getattr(whole, key)[2])
        assert getattr(part, key)[2] == pytest.approx(asked, abs=0.01 * np.abs(asked).max())


def test_a_supply_that_cannot_be_believed_keeps_the_default(plain: Tuned) -> None:
    evidence = plain.analysis.evidence
    loud = np.where(evidence.trials["purpose"] == Purpose.CHORD, evidence.level + 3.0, evidence.level)
    odd = result_of(replace(plain.analysis, evidence=replace(evidence, level=loud)))
    assert (odd.supply, odd.measured) == (DEFAULT.supply, ())


def test_a_recording_may_begin_sooner_and_be_softer(plain: Tuned) -> None:
    noise = np.random.default_rng(0).normal(0.0, 1e-4, 7 * 48000).astype(np.float32)
    take = spoilt(plain, lambda sound: np.concatenate((noise, 0.3 * sound)).astype(np.float32))
    analysis = analyse([take], EIGHT, DEFAULT, FRONT)
    assert analysis.gain - plain.analysis.gain == pytest.approx(20.0 * np.log10(0.3), abs=0.1)
    for one, other in zip(analysis.fits, plain.analysis.fits, strict=True):
        assert one is not None
        assert other is not None
        assert one.curves()[1] == pytest.approx(other.curves()[1], rel=0.005)


# what is wrong with the ear, the room, or the backend


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda sound, now: sound[:0], "gives no samples: unplug it"),
        (lambda sound, now: 0.0 * sound, "is silent: check that the microphone is connected"),
        (
            lambda sound, now: sound + np.float32(0.1),
            "room is too loud, -20 dB re full scale: make it quieter",
        ),
        (lambda sound, now: np.clip(20.0 * sound, -1.0, 1.0), "clips, first at 1"),
    ],
    ids=["no samples", "silence", "loud room", "clipping"],
)
def test_an_ear_that_hears_nothing_useful_ends_the_session_early(
    spoil: Callable[[Samples, float], Samples], words: str, tmp_path: Path
) -> None:
    begun = session(Twin(EIGHT, SEED), spoil=spoil, folder=tmp_path / "session")
    with pytest.raises(TuningError, match=words) as caught:
        begun.run()
    assert "\n" not in str(caught.value)
    assert begun.backend.now() < 15.0


def test_a_fatal_fault_of_the_backend_ends_the_session_and_others_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    met: list[tuple[Fault, ...]] = []
    begun = session(Twin(THREE, SEED), met=met.append)
    faults = iter([(Fault(0.1, "a late pulse"),), (), (Fault(0.3, "the board is gone", fatal=True),)])
    monkeypatch.setattr(begun.backend, "poll", lambda: next(faults))
    with pytest.raises(BackendError, match=r"^the board is gone$"):
        begun.run()
    assert [fault.message for faults in met for fault in faults] == ["a late pulse", "the board is gone"]


# a session that breaks off


class BrokenOffError(Exception):
    pass


def broken_off(sound: Samples, now: float) -> Samples:
    if now > 11.0:
        raise BrokenOffError
    return sound


def test_a_session_that_broke_off_is_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(BrokenOffError):
        tune(Twin(FIVE, SEED), spoil=broken_off, folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["session.json", "take-1.wav"]
    earlier, position = load_session(tmp_path, FIVE)
    assert position == FRONT
    assert [len(take.trials) for take in earlier] == [21]  # the first round, with the reference
    tuned = tune(Twin(FIVE, SEED), room=Room(FRONT, seed=1), folder=tmp_path, earlier=earlier)
    found = distance(tuned.calibration, measure(Twin(FIVE, SEED)))
    assert found.width < 0.07
    assert found.usual_width < 0.012
    assert found.latency < 0.9
    assert found.usual_latency < 0.22
    takes, _ = load_session(tmp_path, FIVE)
    assert [len(take.trials) for take in takes] == [len(take.trials) for take in tuned.session.takes]
    assert sum(len(take.trials) for take in takes) >= 100
    assert takes[0].sound == pytest.approx(earlier[0].sound, abs=2e-7)
