"""The simulated backend: what is heard, when it can be known, and what its URL may say."""

from __future__ import annotations

import numpy as np
import pytest

from simulation.striking import chord, pulses, random_song, same
from xylophone.backends import open_backend
from xylophone.backends.simulated import SimulatedBackend
from xylophone.clock import SystemClock, VirtualClock
from xylophone.config import SimulationSettings
from xylophone.errors import BackendMissing, InstrumentError, OptionError
from xylophone.instrument import build_instrument
from xylophone.simulation.hammers import Twin
from xylophone.simulation.readout import Chance
from xylophone.tables import PULSE, filled

INSTRUMENT = build_instrument()
SONG = random_song(120, 6.0)


def exact() -> SimulatedBackend:
    """Return a backend of nominal hammers without scatter."""
    return SimulatedBackend(INSTRUMENT, VirtualClock(), Twin(INSTRUMENT, 0, 0.0, 0.0, tolerance=0.0))


def test_a_song_handed_over_bit_by_bit_is_heard_as_the_twin_plays_it_at_once():
    at_once = Twin(INSTRUMENT, 3).play(SONG)
    with SimulatedBackend(INSTRUMENT, VirtualClock(), Twin(INSTRUMENT, 3)) as backend:
        sent, taken = 0, []
        while backend.now() < 7.0:
            due = int(np.searchsorted(SONG["start"], backend.now() + backend.lookahead, "right"))
            backend.schedule(SONG[sent:due])
            sent = due
            backend.clock.wait_until(backend.now() + 0.23)
            taken.append(backend.take_hits())
        outcome = backend.outcome()
    assert same(outcome, at_once, 1e-6)
    assert sorted(outcome.missed) == sorted(at_once.missed)
    assert np.array_equal(np.sort(np.concatenate(taken), order="time"), outcome.hits)


def test_a_hit_is_told_once_and_not_before_it_happens():
    backend = exact()
    backend.schedule(pulses((0.1, 0.013, 4)))
    backend.clock.wait_until(0.11)
    assert len(backend.take_hits()) == 0
    backend.clock.wait_until(0.2)
    assert len(backend.take_hits(until=0.11)) == 0
    hits = backend.take_hits()
    assert hits["channel"].tolist() == [4]
    assert 0.113 < hits["time"][0] < 0.13
    assert len(backend.take_hits()) == 0
    assert np.array_equal(backend.outcome().hits, hits)


def test_pulses_taken_back_are_not_heard_and_disturb_nobody():
    backend, alone = exact(), exact()
    for each in (backend, alone):
        each.schedule(pulses((0.1, 0.013, 0)))
    backend.schedule(chord(0.105, 0.014, 8)[1:])
    backend.clock.wait_until(0.101)
    backend.take_hits()
    backend.cancel(0.102)
    for each in (backend, alone):
        each.clock.wait_until(1.0)
    assert np.array_equal(backend.outcome().hits, alone.outcome().hits)
    assert backend.outcome().peak_current == alone.outcome().peak_current


def test_silence_cuts_a_pulse_short_and_its_hammer_falls_back():
    backend = exact()
    backend.schedule(pulses((0.1, 0.013, 0), (0.3, 0.013, 1)))
    backend.clock.wait_until(0.104)
    backend.silence()
    backend.clock.wait_until(1.0)
    outcome = backend.outcome()
    assert len(outcome.hits) == 0
    assert outcome.missed.tolist() == [0]
    assert outcome.on_time[:2].tolist() == pytest.approx([0.004, 0.0])


def test_hits_that_were_told_stay_after_silence():
    backend = exact()
    backend.schedule(pulses((0.1, 0.013, 0), (0.125, 0.013, 1)))
    backend.clock.wait_until(0.13)
    told = backend.take_hits()
    backend.silence()
    backend.clock.wait_until(1.0)
    assert len(told) == 1
    assert len(backend.take_hits()) == 0
    assert np.array_equal(backend.outcome().hits, told)


def test_after_closing_a_hammer_under_way_still_lands():
    backend = exact()
    backend.schedule(pulses((0.1, 0.013, 0)))
    backend.clock.wait_until(0.1135)
    backend.close()
    assert len(backend.outcome().hits) == 1


def test_too_many_coils_for_the_supply_are_a_fault_that_is_told_once():
    backend = exact()
    backend.schedule(chord(0.1, 0.02, 12))
    backend.clock.wait_until(1.0)
    backend.take_hits()
    faults = backend.poll()
    assert [fault.message for fault in faults] == [
        f"supply overloaded: {backend.outcome().peak_current:.2f} A of 8 A; strike fewer hammers at once"
    ]
    assert backend.outcome().peak_current > 8.0
    assert backend.poll() == ()


def test_options_of_the_url_reach_the_twin():
    def hits(url: str) -> np.ndarray:
        with open_backend(url, INSTRUMENT) as backend:
            assert isinstance(backend, SimulatedBackend)
            backend.schedule(SONG[:20])
            backend.clock.wait_until(3.0)
            return backend.outcome().hits["time"]

    assert np.array_equal(hits("sim:"), hits("sim:?seed=0&scatter=1&tolerance=1"))
    assert not np.array_equal(hits("sim:?scatter=0"), hits("sim:"))
    assert not np.array_equal(hits("sim:?seed=2"), hits("sim:"))
    assert not np.array_equal(hits("sim:?tolerance=0"), hits("sim:"))


def test_what_a_url_does_not_say_is_as_configured():
    made = SimulationSettings(seed=2, tolerance=0.0, scatter_time=0.001, scatter_level_db=0.5, fuse=0.3)

    def twin(url: str) -> Twin:
        with open_backend(url, INSTRUMENT, simulation=made) as backend:
            assert isinstance(backend, SimulatedBackend)
            return backend.twin

    other, wilder = twin("sim:?seed=5"), twin("sim:?scatter=2")
    assert twin("sim:").chance == Chance(2, 0.001, 0.5)
    assert other.chance == Chance(5, 0.001, 0.5)
    assert wilder.chance == Chance(2, 0.002, 1.0)
    for alike in (other, wilder):
        assert (np.ptp(alike.hammers.gap), alike.hammers.fuse[0]) == (0.0, 0.3)
    assert np.ptp(twin("sim:?tolerance=1").hammers.gap) > 0


def test_real_time_or_virtual_or_the_clock_that_is_given():
    given = VirtualClock()
    assert isinstance(open_backend("sim:?realtime=1", INSTRUMENT).clock, SystemClock)
    assert isinstance(open_backend("sim:?realtime=0", INSTRUMENT).clock, VirtualClock)
    assert open_backend("sim:?realtime=1", INSTRUMENT, given).clock is given


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sim:?sed=1", "unknown option 'sed': did you mean seed?"),
        ("sim:?seed=x", "seed 'x' must be a whole number from 0"),
        ("sim:?seed=-1", "seed '-1' must be a whole number from 0"),
        ("sim:?seed=", "seed '' must be"),
        ("sim:?realtime=yes", "realtime 'yes' must be 0 or 1"),
        ("sim:?scatter=nan", "scatter 'nan' must be a factor 0..10"),
        ("sim:?tolerance=11", "tolerance '11' must be a factor 0..3"),
        ("sim:here", "there is nothing to name after sim: but ?options"),
    ],
)
def test_a_wrong_option_is_named_with_its_rule(url, message):
    with pytest.raises(OptionError, match=message.replace("?", r"\?")):
        open_backend(url, INSTRUMENT)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sm:", "unknown backend 'sm:': did you mean sim:"),
        ("sim", "did you mean sim:"),
        ("bluetooth:", "there is sim:"),
        ("", "there is sim:"),
    ],
)
def test_a_backend_that_is_not_there_is_never_replaced(url, message):
    with pytest.raises(BackendMissing, match=message) as caught:
        open_backend(url, INSTRUMENT)
    assert caught.value.exit_code == 3


def test_trouble_is_planted_in_the_hammers_that_a_url_names() -> None:
    plain = open_backend("sim:", INSTRUMENT).twin
    twin = open_backend("sim:?dead=C6&weak=A5,A6&swapped=C5,D5", INSTRUMENT).twin
    changed = np.flatnonzero(twin.hammers.pull != plain.hammers.pull).tolist()
    assert changed == [INSTRUMENT.index(name) for name in ("A5", "C6", "A6")]
    assert twin.hammers.pull[INSTRUMENT.index("C6")] == 0.0
    assert twin.whole.hammers.tobytes() == plain.hammers.tobytes()
    assert plain.whole is plain


def test_simulated_trouble_is_heard_as_it_is_named() -> None:
    with open_backend("sim:?swapped=C5,D5&dead=C6&tolerance=0", INSTRUMENT) as backend:
        places = [INSTRUMENT.index(name) for name in ("C5", "C6", "D5")]
        channels = [INSTRUMENT.hammers[place].channel for place in places]
        backend.schedule(filled(PULSE, 3, start=[0.1, 1.1, 2.1], width=0.014, channel=channels))
        backend.clock.wait_until(5.0)
        heard = backend.take_hits()["channel"].tolist()
    assert heard == [INSTRUMENT.hammers[place].channel for place in (places[2], places[0])]


@pytest.mark.parametrize("rest", ["swapped=C5", "swapped=C5,C5", "swapped=C5,D5,E5"])
def test_cables_are_exchanged_in_pairs(rest: str) -> None:
    with pytest.raises(OptionError, match="must be two bars, as C5,D5"):
        open_backend(f"sim:?{rest}", INSTRUMENT)


def test_a_bar_that_is_not_there_cannot_be_in_trouble() -> None:
    with pytest.raises(InstrumentError, match="has no bar C2"):
        open_backend("sim:?dead=C2", INSTRUMENT)
