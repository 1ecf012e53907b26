"""Snapping keeps its bounds, and no group chains onto another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from link.snapping import snap

gaps = st.lists(st.one_of(st.integers(0, 70), st.integers(0, 5000)), min_size=1, max_size=60)


def one_by_one(clocks: list[int], widths: list[int]) -> tuple[list[int], list[int]]:
    """The rules of docs/protocol.md, a strike at a time."""
    group, on, off = None, [], []
    for clock, width in zip(clocks, widths, strict=True):
        if group is None or clock > group + 32:
            rest = clock % 64
            group = clock - rest if rest <= 15 else clock + 64 - rest if rest >= 49 else clock
        on.append(group)
        off.append((group + 4 * width) // 64 * 64)
    return on, off


@given(st.integers(0, 2**33), gaps, st.randoms(use_true_random=False))
def test_it_is_the_rules_one_by_one(start, gaps, source):
    clocks = start + np.cumsum(gaps)
    widths = np.array([source.randrange(50, 50_000) for _ in gaps])
    on, off = snap(clocks, widths)
    assert (on.tolist(), off.tolist()) == one_by_one(clocks.tolist(), widths.tolist())


@pytest.mark.parametrize("spread", [100_000, 1_000_000, 20_000_000, 2_000_000_000])
def test_bounds(spread):
    source = np.random.default_rng(spread)
    clocks = np.sort(source.integers(0, spread, 50_000)) + 2**32 - spread // 2
    widths = source.integers(50, 50_000, len(clocks))
    on, off = snap(clocks, widths)
    assert (on - clocks).min() >= -32
    assert (on - clocks).max() <= 15
    shorter = 4 * widths - (off - on)
    assert shorter.min() >= 0
    assert shorter.max() <= 63
    assert np.diff(np.unique(np.concatenate((on, off)))).min() >= 16


def test_the_bounds_are_met():
    on, off = snap(np.array([984, 1016, 1017, 64 * 100 + 49]), np.array([1000, 1000, 1000, 50]))
    assert on.tolist() == [984, 984, 1024, 64 * 101]
    assert off[-1] - on[-1] == 192


def test_no_group_chains_onto_another():
    on, _ = snap(np.arange(16, 320, 20), np.full(16, 500))
    assert np.unique(on).tolist() == [16, 64, 128, 176, 216, 256, 296]


def test_strikes_out_of_order_are_an_error():
    with pytest.raises(ValueError, match="sort"):
        snap(np.array([5, 4]), np.array([50, 50]))


def test_nothing_is_snapped_to_nothing():
    on, off = snap(np.empty(0, np.int64), np.empty(0, np.int64))
    assert len(on) == len(off) == 0
