"""The cheapest sequence of states, each change of state at a price: Viterbi's search.

Where every change at one place costs the same whatever the states (Potts' model), a step is an
elementwise minimum. Blocks of about the square root of the length run side by side, so the
number of numpy calls grows with the root of the length only; the result is exact.
"""

from __future__ import annotations

import math

import numpy as np

from ..tables import Floats, Ints


def cheapest_path(cost: Floats, change: Floats) -> Ints:
    """Return the states s that minimise sum(cost[i, s[i]]) + sum(change[i] where s[i] != s[i-1]).

    `cost` has one row for each place and one column for each state; `change[0]` is not used.
    Costs are finite and not negative. Of equal paths it returns always the same one.
    """
    places, states = cost.shape
    if places == 0 or states == 1:
        return np.zeros(places, np.intp)
    length = max(1, math.isqrt(places - 1) + 1)
    blocks = -(-places // length)
    padding = blocks * length - places
    cost = np.pad(cost, ((0, padding), (0, 0))).reshape(blocks, length, states).transpose(1, 2, 0)
    change = np.pad(change, (0, padding)).reshape(blocks, length).T
    entry, leave = _borders(_through(cost, change))
    return _inside(cost, change, entry, leave).reshape(-1)[:places]


def _through(cost: Floats, change: Floats) -> Floats:
    """Return the cheapest cost of each block, [its last state, block, state before it].

    Like `cost` [place, state, block] it has the blocks last, which is how numpy is quick.
    """
    length, states, blocks = cost.shape
    total = np.full((states, blocks, states), np.inf)
    total[np.arange(states), :, np.arange(states)] = 0.0
    for i in range(length):
        jump = total.min(axis=0) + change[i, :, None]
        np.minimum(total, jump, out=total)
        total += cost[i, :, :, None]
    return total


def _borders(through: Floats) -> tuple[Ints, Ints]:
    """Return for each block the state before it and its last state on the cheapest path."""
    states, blocks, _ = through.shape
    reached = np.zeros((blocks + 1, states))
    for block in range(blocks):
        reached[block + 1] = (reached[block] + through[:, block]).min(axis=1)
    entry, leave = np.zeros(blocks, np.intp), np.zeros(blocks, np.intp)
    state = int(reached[-1].argmin())
    for block in range(blocks - 1, -1, -1):
        leave[block] = state
        state = int((reached[block] + through[state, block]).argmin())
        entry[block] = state
    return entry, leave


def _inside(cost: Floats, change: Floats, entry: Ints, leave: Ints) -> Ints:
    """Return the cheapest states in each block between its borders, [block, place]."""
    length, states, blocks = cost.shape
    block = np.arange(blocks)
    jumped = np.zeros((length, states, blocks), np.bool_)
    origin = np.zeros((length, blocks), np.intp)
    total = np.full((states, blocks), np.inf)
    total[entry, block] = 0.0
    for i in range(length):
        origin[i] = total.argmin(axis=0)
        jump = total[origin[i], block] + change[i]
        jumped[i] = jump < total
        total = np.minimum(total, jump) + cost[i]
    path = np.zeros((blocks, length), np.intp)
    state = leave
    for i in range(length - 1, -1, -1):
        path[:, i] = state
        state = np.where(jumped[i, state, block], origin[i], state)
    return path
