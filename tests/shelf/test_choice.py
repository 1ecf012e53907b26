"""Songs are chosen as wished, the least recently heard first, never nothing, and each with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from xylophone.shelf.choice import PAUSE, SLACK, Candidate, Chosen, Wish, choose
from xylophone.shelf.entries import ToldBy
from xylophone.shelf.mood import MOODS

MARCH = date(2026, 3, 8)
ADVENT = date(2026, 12, 10)


def song(name: str, *mood: str, days: int | None = None, **more: object) -> Candidate:
    """Return a song, heard so many days before the eighth of March."""
    heard = None if days is None else datetime(2026, 3, 8, 12, tzinfo=UTC) - timedelta(days=days)
    known: dict[str, object] = {"told_by": ToldBy.TAG}
    return Candidate(Path(f"{name}.mid"), name, name.encode(), mood, heard=heard, **(known | more))  # type: ignore[arg-type]


def minute(_song: Candidate) -> float:
    return 60.0 - PAUSE


def names(chosen: Chosen) -> list[str]:
    return [choice.song.title for choice in chosen.choices]


SONGS = [
    song("b", "calm", days=2),
    song("a", "calm", days=9),
    song("c", "calm", "merry"),
    song("d", "merry"),
    song("e", "calm", days=0, told_by=ToldBy.GUESSED),
]


def test_those_never_heard_come_first_then_the_least_recently_heard_each_with_its_reason() -> None:
    chosen = choose(SONGS, Wish(MARCH, "Calm"), minute)
    assert [(choice.song.title, choice.reason) for choice in chosen.choices] == [
        ("c", "Calm, never heard"),
        ("a", "Calm, last heard 9 days ago"),
        ("b", "Calm, last heard 2 days ago"),
        ("e", "Calm (guessed from tempo, density and level), last heard today"),
    ]
    assert (chosen.fills, chosen.told) == (True, "")


def test_a_time_is_filled_and_not_much_more() -> None:
    chosen = choose(SONGS, Wish(MARCH, "calm", length=120.0), minute)
    assert (names(chosen), chosen.fills) == (["c", "a"], True)
    chosen = choose(SONGS, Wish(MARCH, "calm", length=1200.0), minute)
    assert (names(chosen), chosen.fills) == (["c", "a", "b", "e"], False)


def test_a_song_that_is_too_long_is_passed_over_and_the_shortest_taken_where_all_are() -> None:
    lasts = {"c": 500.0, "a": 100.0, "b": 59.0, "e": 300.0}
    wish = Wish(MARCH, "calm", length=60.0)
    assert names(choose(SONGS, wish, lambda song: lasts[song.title])) == ["b"]
    chosen = choose(SONGS, replace(wish, length=20.0), lambda song: lasts[song.title])
    assert (names(chosen), chosen.fills) == (["b"], True)


def test_what_fits_the_instrument_badly_comes_last_and_says_so() -> None:
    songs = [
        song("bad", "calm", fit=20),
        song("good", "calm", days=1, fit=90),
        song("unknown", "calm", days=0),
    ]
    chosen = choose(songs, Wish(MARCH, "calm"), minute)
    assert names(chosen) == ["good", "unknown", "bad"]
    assert chosen.choices[2].reason == "calm, though it fits by 20 of 100 only, never heard"


def test_where_no_song_has_the_mood_those_near_it_are_taken_and_it_is_told() -> None:
    chosen = choose([song("w", "wistful"), song("m", "merry")], Wish(MARCH, "calm"), minute)
    assert names(chosen) == ["w"]
    assert chosen.choices[0].reason == "wistful, which is near calm, never heard"
    assert chosen.told == "no song is calm: wistful ones are taken"


GRAND_DANCE = song("x", "grand", occasion=("dance",))


@pytest.mark.parametrize(
    ("songs", "told"),
    [
        ([GRAND_DANCE, song("y", "calm")], "no song is calm and is for dance: calm ones are taken"),
        ([GRAND_DANCE], "no song is calm and is for dance: others for dance are taken"),
        ([song("x", "grand")], "no song is calm and is for dance: others are taken"),
        (
            [song("x", "grand", occasion=("anthem",))],
            "no song is calm and is for dance, nor may another come unasked today: all are taken",
        ),
    ],
)
def test_a_wish_is_widened_step_by_step(songs: list[Candidate], told: str) -> None:
    chosen = choose(songs, Wish(MARCH, "calm", "dance"), minute)
    assert (len(chosen.choices), chosen.told) == (1, told)


def test_songs_of_a_season_come_in_it_or_when_they_are_asked_for() -> None:
    seasonal = [song(name, "calm", occasion=(name,)) for name in ("christmas", "anthem")]
    songs = [*seasonal, song("x", "calm")]
    assert names(choose(songs, Wish(MARCH, "calm"), minute)) == ["x"]
    assert set(names(choose(songs, Wish(ADVENT, "calm"), minute))) == {"x", "christmas"}
    assert names(choose(songs, Wish(MARCH, "calm", "christmas"), minute)) == ["christmas"]
    assert names(choose(songs, Wish(MARCH, None, "anthem"), minute)) == ["anthem"]


def test_the_same_seed_and_day_choose_the_same_and_others_another_order() -> None:
    songs = [song(str(number), "calm") for number in range(20)]
    chosen = names(choose(songs, Wish(MARCH, "calm", seed=1), minute))
    assert chosen == names(choose(songs[::-1], Wish(MARCH, "calm", seed=1), minute))
    assert chosen != names(choose(songs, Wish(MARCH, "calm", seed=2), minute))
    assert chosen != names(choose(songs, Wish(MARCH + timedelta(1), "calm", seed=1), minute))


@given(
    st.lists(
        st.builds(
            song,
            st.text("abcdef", min_size=1),
            st.sampled_from(MOODS),
            days=st.none() | st.integers(0, 999),
            occasion=st.sampled_from([(), ("christmas",), ("anthem",), ("dance",)]),
            fit=st.none() | st.integers(0, 100),
        ),
        min_size=1,
        unique_by=lambda song: song.digest,
    ),
    st.none() | st.sampled_from(MOODS),
    st.none() | st.sampled_from(["christmas", "dance", "wedding"]),
    st.none() | st.floats(1, 5000),
)
def test_never_nothing_nothing_twice_and_nothing_far_too_long(
    songs: list[Candidate], mood: str | None, occasion: str | None, length: float | None
) -> None:
    chosen = choose(songs, Wish(MARCH, mood, occasion, length), minute)
    assert 1 <= len(chosen.choices) == len(set(names(chosen)))
    assert {choice.song for choice in chosen.choices} <= set(songs)
    assert (
        length is None or len(chosen.choices) == 1 or 60 * len(chosen.choices) <= length * (1 + SLACK) + 1e-6
    )
    assert all("\n" not in choice.reason and choice.reason for choice in chosen.choices)
