"""MCP23017 expanders: what their registers hold, and what coils see of it."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, strategies as st

from gpio.chips import Board, I2cBus, Mcp23017, Reset, failure, on_i2c
from xylophone.errors import BackendMissing, MissingExtra
from xylophone.gpio.expander import Expander
from xylophone.gpio.guards import LineGuard
from xylophone.gpio.outputs import OutputError, open_output
from xylophone.wiring import Wiring

ADDRESSES = {1: (0x20,), 2: (0x20, 0x21), 4: (0x27, 0x20, 0x23, 0x21)}
RESET = 24


class Bench:
    """Chips on a bus, their reset line, and outputs that are told of them."""

    def __init__(self, chips: int = 2, wired: bool = True, **left: int) -> None:
        self.addresses = ADDRESSES[chips]
        self.chips = {address: Mcp23017(**left) for address in self.addresses}
        self.bus = I2cBus(self.chips)
        self.board = Board()
        reset = self.board.pin(RESET, pin_class=Reset)
        if left:  # by a program that has not cleared up: chips out of reset, and more
            reset.function = "output"
            reset.state = True
        reset.wire(self.chips.values() if wired else ())
        self.line = LineGuard(RESET, off=False, factory=self.board)
        self.outputs: Expander | None = None

    def open(self) -> Expander:
        """Open the bus."""
        self.outputs = Expander(Wiring(i2c_addresses=self.addresses, reset_pin=RESET))
        return self.outputs

    def start(self) -> Expander:
        """Bring the outputs up."""
        outputs = self.open()
        outputs.prepare()
        self.line.claim()
        outputs.check()
        self.line.allow()
        outputs.begin()
        self.forget()
        return outputs

    def close(self) -> None:
        """Close the outputs."""
        outputs, self.outputs = self.outputs, None
        outputs.close()

    def enable(self) -> Expander:
        """Open the bus, the chips not in reset, and let that be all."""
        self.line.claim()
        self.line.allow()
        return self.open()

    def forget(self) -> None:
        """Forget what went over the bus."""
        self.bus.transactions.clear()
        self.bus.history.clear()
        self.bus.clocks = 0


@contextmanager
def wired(chips: int = 2, **settings) -> Iterator[Bench]:
    bench = Bench(chips, **settings)
    with on_i2c(bench.bus):
        try:
            yield bench
        finally:
            if bench.outputs is not None:
                bench.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with wired() as made:
        yield made


@given(
    chips=st.sampled_from(list(ADDRESSES)),
    numbers=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20),
)
def test_every_mask_is_exact(chips, numbers):
    masks = [number % (1 << 16 * chips) for number in numbers]
    with wired(chips) as bench:
        outputs = bench.start()
        for mask in masks:
            outputs.write(mask)
            assert bench.bus.coils() == mask
        assert outputs.refresh() == 0


@pytest.mark.parametrize("channel", range(64))
def test_each_channel_is_one_pin_of_one_chip(channel):
    with wired(4) as bench:
        bench.start().write(1 << channel)
        on = [
            (address, "GPA" if pin < 8 else "GPB", pin % 8)
            for address, chip in bench.chips.items()
            for pin in range(16)
            if chip.coils() >> pin & 1
        ]
        place, pin = divmod(channel, 16)
        assert on == [(ADDRESSES[4][place], "GPA" if pin < 8 else "GPB", pin % 8)]


def test_a_chord_over_both_chips_is_one_transaction(bench):
    outputs = bench.start()
    outputs.write(0x8001_4002)
    assert bench.bus.transactions == [((0x20, b"\x14\x02\x40", False), (0x21, b"\x14\x01\x80", False))]
    assert bench.bus.clocks == 2 * 4 * 9  # 0.72 ms at the Pi's 100 kHz


@pytest.mark.parametrize(
    ("mask", "addresses"), [(0x0000_0001, [0x20]), (0x8000_0000, [0x21]), (0x0001_0001, [0x20, 0x21])]
)
def test_only_chips_that_change_are_written(bench, mask, addresses):
    outputs = bench.start()
    outputs.write(mask)
    assert [[message.address for message in one] for one in bench.bus.transactions] == [addresses]
    assert bench.bus.coils() == mask
    outputs.write(0)
    assert [[message.address for message in one] for one in bench.bus.transactions] == [addresses] * 2
    assert bench.bus.coils() == 0


def test_a_chip_on_which_coils_only_go_off_comes_first(bench):
    outputs = bench.start()
    outputs.write(0x0001_0000)
    bench.forget()
    outputs.write(0x0000_0001)
    (transaction,) = bench.bus.transactions
    assert [message.address for message in transaction] == [0x21, 0x20]
    assert all(mask.bit_count() <= 1 for mask in bench.bus.history)


def test_a_mask_that_changes_nothing_is_no_transaction(bench):
    outputs = bench.start()
    outputs.write(5)
    bench.forget()
    outputs.write(5)
    assert bench.bus.transactions == []
    assert bench.bus.coils() == 5


def test_no_coil_that_stays_on_goes_off_meanwhile(bench):
    outputs = bench.start()
    outputs.write(0x0101_0101)
    bench.bus.history.clear()
    outputs.write(0x0301_0103)
    assert bench.bus.history
    assert all(mask & 0x0101_0101 == 0x0101_0101 for mask in bench.bus.history)


class TestBegin:
    @pytest.mark.parametrize("direction", [0xFFFF, 0x0000, 0x5AA5])
    def test_makes_no_coil_go_on_whatever_was_left_there(self, direction):
        with wired(latch=0xFFFF, direction=direction) as bench:
            outputs = bench.open()
            before = bench.bus.coils()
            outputs.begin()
            assert bench.bus.history
            for mask in bench.bus.history:
                assert mask & ~before == 0
                before = mask
            assert bench.bus.coils() == 0

    def test_writes_latches_before_directions(self, bench):
        bench.enable().begin()
        for address in bench.addresses:
            written = [
                message.content[0]
                for one in bench.bus.transactions
                for message in one
                if message.address == address and len(message.content) == 3
            ]
            assert written == [Mcp23017.OLATA, Mcp23017.IODIRA]

    def test_reads_back_what_it_wrote(self, bench):
        bench.enable().begin()
        read = [one for one in bench.bus.transactions if any(message.is_read for message in one)]
        assert [one[0][0:2] for one in read] == [
            (0x20, b"\x00"),
            (0x20, b"\x14"),
            (0x21, b"\x00"),
            (0x21, b"\x14"),
        ]

    def test_can_be_done_again(self, bench):
        outputs = bench.start()
        outputs.write(0xFFFF_FFFF)
        bench.line.cut()
        bench.line.allow()
        outputs.begin()
        assert bench.bus.coils() == 0
        outputs.write(1)
        assert bench.bus.coils() == 1


class TestPrepare:
    def test_switches_off_what_another_program_left_on(self):
        with wired(latch=0xFFFF, direction=0) as bench:
            outputs = bench.open()
            assert bench.bus.coils() == 0xFFFF_FFFF
            outputs.prepare()
            assert bench.bus.coils() == 0

    def test_does_not_mind_chips_that_are_in_reset(self, bench):
        bench.line.claim()
        bench.open().prepare()

    def test_reaches_the_chips_behind_a_silent_one(self):
        with wired(latch=0xFFFF, direction=0) as bench:
            bench.chips[0x20].powered = False
            outputs = bench.open()
            assert bench.bus.coils() == 0xFFFF_0000
            outputs.prepare()
            assert bench.bus.coils() == 0


class TestCheck:
    def test_tells_what_the_line_holds(self, bench):
        outputs = bench.open()
        bench.line.claim()
        assert outputs.check() == "2 chips MCP23017 answer, and only while GPIO24 lets them"

    def test_finds_a_reset_line_that_is_not_wired(self):
        with wired(wired=False) as bench:
            outputs = bench.open()
            bench.line.claim()
            with pytest.raises(
                OutputError,
                match=r"MCP23017 at 0x20 answers while GPIO24 should hold it in reset: wire its /RESET to",
            ):
                outputs.check()

    def test_finds_the_one_chip_whose_reset_is_not_wired(self, bench):
        bench.board.pin(RESET).wire([bench.chips[0x20]])
        bench.chips[0x21].hold(False)
        outputs = bench.open()
        bench.line.claim()
        with pytest.raises(OutputError, match="MCP23017 at 0x21 answers while GPIO24"):
            outputs.check()


def test_a_bus_that_hangs_is_an_output_error(bench):
    outputs = bench.start()
    bench.bus.error = failure(errno.ETIMEDOUT)
    with pytest.raises(
        OutputError, match=r"MCP23017 at 0x20 and 0x21 does not answer \(Connection timed out\)"
    ):
        outputs.write(0x1_0001)


def test_close_leaves_all_off(bench):
    outputs = bench.start()
    outputs.write(0xFFFF_FFFF)
    bench.close()
    assert bench.bus.coils() == 0
    assert bench.bus.descriptors == set()


def test_close_is_quiet_when_the_bus_hangs(bench):
    bench.start()
    bench.bus.error = failure(errno.ETIMEDOUT)
    bench.close()
    assert bench.bus.descriptors == set()


def test_open_output_knows_it(bench):
    outputs = open_output("mcp23017", Wiring())
    assert isinstance(outputs, Expander)
    outputs.close()


class TestNoBus:
    def test_because_it_is_switched_off(self, bench):
        bench.bus.missing = failure(errno.ENOENT)
        remedy = "/dev/i2c-1 is not there: switch I2C on with: sudo raspi-config nonint do_i2c 0"
        with pytest.raises(BackendMissing, match=re.escape(remedy)):
            Expander(Wiring())

    def test_because_it_is_the_other_one(self, bench):
        with pytest.raises(BackendMissing, match="/dev/i2c-0 is not there"):
            Expander(Wiring(i2c_bus=0))

    def test_because_it_is_not_permitted(self, bench):
        bench.bus.missing = failure(errno.EACCES)
        remedy = "no permission for /dev/i2c-1: join its group: sudo adduser $USER i2c; then log in again"
        with pytest.raises(BackendMissing, match=re.escape(remedy)):
            Expander(Wiring())

    def test_because_it_does_not_open(self, bench):
        bench.bus.missing = failure(errno.EBUSY)
        with pytest.raises(BackendMissing, match="/dev/i2c-1 does not open: Device or resource busy"):
            Expander(Wiring())

    def test_because_smbus2_is_missing(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "smbus2", None)
        with pytest.raises(MissingExtra, match=r"smbus2 is not installed .*sudo apt install python3-smbus2"):
            Expander(Wiring())
