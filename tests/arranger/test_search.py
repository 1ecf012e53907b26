"""The search for a transposition: which shifts are looked at again, when songs are judged by excerpts."""

from __future__ import annotations

from xylophone.arranger.search import MOST, NEARLY, second_look


def looked_at(points: dict[int, float], longer: dict[int, float], likely: int = 0) -> set[int]:
    """Return the shifts that are judged by the longer excerpt."""
    return set(second_look(points, likely, longer.__getitem__))


def test_keys_that_a_short_excerpt_praises_in_vain_push_out_no_other():
    points = {0: 64.0, **dict.fromkeys(range(5, 10), 72.0), 4: 70.0}
    longer = {0: 64.0, **dict.fromkeys(range(5, 10), 61.0), 4: 69.0}
    assert second_look(points, 0, longer.__getitem__)[4] == 69.0


def test_the_search_ends_where_no_key_can_be_better_than_what_was_found():
    points = {0: 90.0, 1: 89.0, 2: 90.0 - NEARLY, 3: 89.9 - NEARLY, 4: 80.0}
    assert looked_at(points, points) == {0, 1, 2}


def test_octaves_of_one_key_take_one_place_the_better_one():
    points = {
        0: 80.0,
        12: 79.0,
        **dict.fromkeys(range(1, 7), 85.0),
        **{key + 12: 84.0 for key in range(1, 7)},
    }
    assert looked_at(points, dict.fromkeys(points, 80.0)) == {0, *range(1, 7)}


def test_the_likely_shift_and_the_best_of_whole_octaves_are_looked_at_however_bad_they_seem():
    points = {7: 95.0, 5: 50.0, -12: 30.0, 0: 40.0, 12: 20.0}
    assert looked_at(points, points, likely=5) == {7, 5, 0}


def test_of_twelve_keys_no_more_are_looked_at_than_the_best_seven_and_the_two():
    points = {shift: 90.0 - shift / 10 for shift in range(1, 12)} | {0: 10.0, 24: 9.0}
    assert looked_at(points, dict.fromkeys(points, 0.0), likely=24) == {0, 24, *range(1, 1 + MOST)}
