"""The order of an evening: passes, and what is drawn by chance."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from xylophone.collection.order import Order


def drawn(order: Order, most: int = 1000) -> list[int]:
    """Return the songs that are drawn, at most so many."""
    turns = [turn.song for _ in range(most) if (turn := order.draw()) is not None]
    assert len(turns) == most or order.draw() is None
    return turns


def test_songs_come_in_their_order_as_many_passes_as_are_asked_for() -> None:
    assert drawn(Order(3)) == [0, 1, 2]
    assert drawn(Order(3, 2)) == [0, 1, 2, 0, 1, 2]
    assert drawn(Order(2, None), 5) == [0, 1, 0, 1, 0]


def test_a_turn_says_which_of_how_many_it_is() -> None:
    order = Order(2, 2)
    turns = [order.draw() for _ in range(4)]
    assert [(turn.number, turn.of) for turn in turns if turn] == [(1, 2), (2, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize("songs", [2, 3, 7])
@pytest.mark.parametrize("seed", range(20))
def test_each_pass_is_shuffled_anew_and_no_song_comes_twice_running(songs: int, seed: int) -> None:
    turns = drawn(Order(songs, 50, shuffle=True, seed=seed))
    passes = [tuple(turns[n : n + songs]) for n in range(0, len(turns), songs)]
    assert all(sorted(one) == list(range(songs)) for one in passes)
    assert all(before != after for before, after in pairwise(turns))
    assert songs == 2 or len(set(passes)) > 3


def test_a_seed_draws_the_same_and_another_another() -> None:
    one, again, other = (drawn(Order(9, 2, shuffle=True, seed=seed)) for seed in (1, 1, 2))
    assert one == again != other


def test_the_first_song_is_drawn_by_chance_too() -> None:
    firsts = Counter(drawn(Order(4, shuffle=True, seed=seed))[0] for seed in range(200))
    assert set(firsts) == {0, 1, 2, 3}


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_song_that_is_left_out_never_comes_again(shuffle: bool) -> None:
    order = Order(3, 3, shuffle=shuffle, seed=4)
    played = []
    while (turn := order.draw()) is not None:
        if turn.song == 1:
            order.leave_out(turn)
        else:
            played.append(turn)
    assert sorted(turn.song for turn in played) == [0, 0, 0, 2, 2, 2]
    assert all(turn.of == 2 for turn in played[2:])


def test_where_all_are_left_out_nothing_is_drawn() -> None:
    order = Order(2, None)
    while (turn := order.draw()) is not None:
        order.leave_out(turn)
    assert order.draw() is None
