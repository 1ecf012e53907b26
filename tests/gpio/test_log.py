"""The dispatcher's log: counters, rings that wrap, and memory that two processes share."""

from __future__ import annotations

import mmap

import pytest

from xylophone.gpio.log import REFUSALS, SAMPLES, SIZE, Count, Log


@pytest.fixture
def log() -> Log:
    return Log()


def test_a_new_log_is_empty(log):
    assert [log[count] for count in Count] == [0] * len(Count)
    assert log.lateness().tolist() == []
    assert log.width_errors().tolist() == []


def test_each_counter_has_a_place_of_its_own(log):
    for number, count in enumerate(Count):
        log.add(count, number + 1)
    assert [log[count] for count in Count] == list(range(1, len(Count) + 1))
    log.add(Count.LATE)
    assert log[Count.LATE] == Count.LATE + 2


def test_counters_do_not_touch_samples(log):
    for count in Count:
        if count not in (Count.STRUCK, Count.ENDED, Count.PLAYED):
            log.add(count, -1)
    log.struck(5)
    log.ended(7)
    assert log.lateness().tolist() == [5]
    assert log.width_errors().tolist() == [7]


def test_refusals_are_counters_of_their_own():
    assert len(set(REFUSALS)) == 6
    assert not set(REFUSALS) & {Count.LATE, Count.CANCELLED, Count.CUT, Count.PLAYED}


def test_most_keeps_the_highest(log):
    for value in (3, 9, 5):
        log.most(Count.LATEST, value)
    assert log[Count.LATEST] == 9


def test_strikes_and_ends_are_counted_and_kept(log):
    log.struck(-40)
    log.struck(120)
    log.ended(-7)
    assert log.lateness().tolist() == [-40, 120]
    assert log.width_errors().tolist() == [-7]
    assert (log[Count.STRUCK], log[Count.ENDED], log[Count.PLAYED]) == (2, 1, 1)


@pytest.mark.parametrize("beyond", [0, 1, 5, SAMPLES + 3])
def test_rings_wrap_and_keep_the_last_samples(log, beyond):
    total = SAMPLES + beyond
    for number in range(total):
        log.struck(number)
        log.ended(-number)
    last = range(beyond, total)
    assert sorted(log.lateness().tolist()) == list(last)
    assert sorted(log.width_errors().tolist(), reverse=True) == [-number for number in last]
    assert (log[Count.STRUCK], log[Count.ENDED], log[Count.PLAYED]) == (total, total, total)


def test_a_full_ring_has_all_its_samples_and_no_other(log):
    for number in range(SAMPLES - 1):
        log.struck(number + 1)
    assert len(log.lateness().tolist()) == SAMPLES - 1
    assert 0 not in log.lateness().tolist()
    assert log.width_errors().tolist() == []


def test_samples_hold_64_bits(log):
    log.struck(2**62)
    log.ended(-(2**62))
    assert (log.lateness().tolist(), log.width_errors().tolist()) == ([2**62], [-(2**62)])


def test_two_logs_share_a_memory_each_sees_what_the_other_writes():
    memory = mmap.mmap(-1, SIZE)
    writer, reader = Log(memory), Log(memory)
    writer.add(Count.CUT, 3)
    writer.struck(17)
    writer.ended(18)
    assert reader[Count.CUT] == 3
    assert reader.lateness().tolist() == [17]
    assert reader.width_errors().tolist() == [18]
    reader.add(Count.CUT)
    assert writer[Count.CUT] == 4
    writer.release()
    assert reader.lateness().tolist() == [17]
    reader.release()
    memory.close()


def test_two_mappings_of_one_file_are_one_log(tmp_path):
    with open(tmp_path / "log", "w+b") as file:
        file.truncate(SIZE)
        first, second = (mmap.mmap(file.fileno(), SIZE) for _ in range(2))
    writer, reader = Log(first), Log(second)
    writer.struck(-1)
    assert reader.lateness().tolist() == [-1]
    writer.release()
    first.close()
    assert reader[Count.STRUCK] == 1
    reader.release()
    second.close()


def test_memory_of_its_own_is_nobody_elses(log):
    log.struck(1)
    assert Log().lateness().tolist() == []
