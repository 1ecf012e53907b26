"""The text notation of the songs: what a score means, and what a wrong one gets told."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

HEAD = """title: T
composer: C
year: 1900
shows: S
key: C
meter: 4/4
tempo: 4=60
order: {order}
part R: Right, program 13
part L: Left, volume -10
== A
"""


def notes(build: ModuleType, body: str, order: str = "A") -> list[tuple[int, int, int]]:
    """Tick, length in ticks and pitch of what part R plays."""
    score = build.read_score(HEAD.format(order=order) + body)
    return [(blow.tick, blow.end - blow.tick, blow.pitch) for blow in build.tracks_of(score)["R"]]


def velocities(build: ModuleType, body: str, order: str = "A") -> list[int]:
    """Velocities of part R in a score without stress."""
    score = build.read_score(HEAD.format(order=order).replace("key:", "stress: 0\nkey:") + body)
    return [blow.velocity for blow in build.tracks_of(score)["R"]]


def pitches(build: ModuleType, body: str, order: str = "A") -> list[int]:
    return [pitch for _, _, pitch in notes(build, body, order)]


def test_a_line_begins_in_its_octave_and_goes_on_to_the_nearest_note(build: ModuleType) -> None:
    assert pitches(build, "R: @5 c4 g' c, b | @4 b a' bb f#") == [72, 79, 72, 71, 71, 81, 82, 78]


def test_lengths_dots_and_rests_stay_in_force(build: ModuleType) -> None:
    assert notes(build, "R: @5 c4. d8 r e4.") == [(0, 720, 72), (720, 240, 74), (1200, 720, 76)]


def test_a_tie_makes_one_blow_across_the_bar_line(build: ModuleType) -> None:
    assert notes(build, "R: @5 c2 c~ | c1") == [(0, 960, 72), (960, 2880, 72)]


def test_tuplets_tremolo_and_repeated_groups_are_played_out(build: ModuleType) -> None:
    assert notes(build, "R: @5 3:2{ c8 d e } c2.") == [
        (0, 160, 72),
        (160, 160, 74),
        (320, 160, 76),
        (480, 1440, 72),
    ]
    assert [tick for tick, _, _ in notes(build, "R: @5 c4:16 x3{ d8 e }")] == [
        *range(0, 480, 120),
        *range(480, 1920, 240),
    ]


def test_grace_notes_come_before_the_beat_and_rolls_after_it(build: ModuleType) -> None:
    assert notes(build, "R: @5 c2 /b c")[1:] == [(900, 60, 71), (960, 960, 72)]
    assert [tick for tick, _, _ in notes(build, "R: @5 <c e g>1%")] == [0, 15, 30]


def test_an_upbeat_and_the_short_last_measure_are_measures_of_their_own(build: ModuleType) -> None:
    score = build.read_score(HEAD.format(order="A A") + "R: (1/4) @5 c4 | d1 | (3/4) e2.")
    assert build.meter_points(score) == [(0, "1/4"), (480, "4/4")]


def test_dynamics_swell_to_the_next_mark_and_accents_add(build: ModuleType) -> None:
    assert velocities(build, "R: !p @5 c4 c^ !< c c | !f c1") == [50, 64, 50, 72, 93]


def test_a_repeat_may_be_softer_and_a_part_quieter(build: ModuleType) -> None:
    assert velocities(build, "R: !f @5 c1", "A A:-13") == [93, 80]
    score = build.read_score(HEAD.format(order="A") + "R: !f @5 c1\nL: @4 c1")
    assert [blow.velocity for blow in build.tracks_of(score)["L"]] == [93 - 10 + 5]


def test_two_parts_on_one_bar_make_one_blow(build: ModuleType) -> None:
    score = build.read_score(HEAD.format(order="A") + "R: @5 c1\nL: @5 <c e>1")
    assert {key: [b.pitch for b in track] for key, track in build.tracks_of(score).items()} == {
        "R": [72],
        "L": [76],
    }


def test_a_ritardando_arrives_at_its_tempo_and_a_tempo_takes_it_back(build: ModuleType) -> None:
    body = "R: @5 c2 [rit 4=40] c | [a tempo] c1"
    points = build.tempo_points(build.read_score(HEAD.format(order="A") + body))
    assert points[0] == (0, 60.0)
    assert points[-2:] == [(1800, 40.0), (1920, 60.0)]


def test_a_transposed_song_states_the_key_that_sounds(build: ModuleType) -> None:
    keys = [build.sounding_key(*case) for case in (("C", 5), ("Am", 2), ("Eb", 12), ("Bm", -2), ("Ab", 4))]
    assert keys == ["F", "Bm", "Eb", "Am", "C"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("R: @5 c4 d e", "section A, part R, measure 1: holds 3/4 of a whole note, not 1"),
        ("R: @5 c1 | c2. d2", "measure 2: holds 5/4"),
        ("R: c1", "a line begins with its octave"),
        ("R: @5 c d", "needs its length"),
        ("R: @5 c1~ | d1", "a tie leads to another note"),
        ("R: @5 c1~", "a tie leads nowhere"),
        ("R: @5 h1", "'h1' is neither note nor mark"),
        ("R: @5 !loud c1", "!loud is no dynamic"),
        ("R: @5 [slower] c1", r"\[slower\] is no tempo"),
        ("R: @5 /c c1", "a grace note before the beginning"),
        ("Q: @5 c1", "part 'Q' is not declared"),
        ("R: @5 c1\nL: @4 c1 | c1", "part L has 2 measures, the first has 1"),
    ],
)
def test_a_wrong_score_is_told_where_and_why(build: ModuleType, body: str, message: str) -> None:
    with pytest.raises(build.NotationError, match=message):
        build.read_score(HEAD.format(order="A") + body)


def test_an_order_that_names_no_section_is_told_so(build: ModuleType) -> None:
    with pytest.raises(build.NotationError, match="names section 'B'"):
        build.read_score(HEAD.format(order="A B") + "R: @5 c1")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("R: @4 c1", "pitch 60 is outside 67..96"),
        ("R: @4 <g a b c d e f g a>1", "9 notes at tick 0"),
        ("R: @5 c4:64 c2.", "pitch 72 at tick 30 again after 62 ms"),
    ],
)
def test_what_thirty_bars_cannot_play_is_a_fault(build: ModuleType, body: str, fault: str) -> None:
    score = build.read_score(HEAD.format(order="A") + body)
    assert build.faults(score)[0].startswith(fault)


def test_the_example_of_the_readme_is_a_score(build: ModuleType, root: Path) -> None:
    text = (root / "songs" / "README.md").read_text(encoding="utf-8")
    score = build.read_score(text.split("```")[1])
    assert [meter for _, meter in build.meter_points(score)] == ["4/4", "3/4", "2/4", "4/4"]
    assert build.tempo_points(score)[0] == (0, 116.0)
    assert len(build.tracks_of(score)["R"]) == 8 + 8 + 4 + 8
