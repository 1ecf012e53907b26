"""The cheapest path, against all paths tried one by one."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from xylophone.arranger.viterbi import cheapest_path


def price(path, cost, change):
    jumps = sum(change[i + 1] for i, (a, b) in enumerate(pairwise(path)) if a != b)
    return sum(cost[i][state] for i, state in enumerate(path)) + jumps


@st.composite
def tables(draw):
    places, states = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    prices = st.integers(0, 9).map(float)
    cost = draw(
        st.lists(st.lists(prices, min_size=states, max_size=states), min_size=places, max_size=places)
    )
    return cost, draw(st.lists(prices, min_size=places, max_size=places))


@given(tables())
def test_no_path_is_cheaper(table):
    cost, change = table
    path = cheapest_path(np.array(cost), np.array(change)).tolist()
    every = product(range(len(cost[0])), repeat=len(cost))
    assert price(path, cost, change) == min(price(other, cost, change) for other in every)


@pytest.mark.parametrize("length", [1, 2, 99, 100, 101, 5000])
def test_a_long_path_stays_where_a_change_costs_more_than_it_saves(length):
    cost = np.zeros((length, 3))
    cost[:, 0] = 1.0
    cost[length // 2 :, 1] = 0.5
    free, dear = np.zeros(length), np.full(length, 1e9)
    assert price(cheapest_path(cost, free).tolist(), cost, free) == 0.0
    assert cheapest_path(cost, dear).tolist() == [2] * length


def test_no_places_have_no_states():
    assert cheapest_path(np.zeros((0, 4)), np.zeros(0)).tolist() == []
