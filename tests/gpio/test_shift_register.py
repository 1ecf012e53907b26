"""The chain of 74HC595: every bit on its wires, and what wires do that are not there."""

from __future__ import annotations

import errno
import re

import pytest
from hypothesis import given, strategies as st

from gpio.chips import Board, Chain, devices, failure
from xylophone.errors import BackendMissing
from xylophone.gpio.guards import LineGuard
from xylophone.gpio.outputs import OutputError, open_output
from xylophone.gpio.shift_register import ShiftRegister
from xylophone.wiring import Wiring

COUNTS = range(1, 9)


def wire(chips: int = 4, told: int | None = None, *, seed: int = 0, miso: bool | None = None, **settings):
    """Return a board, what hangs on it, and the outputs that are told of it."""
    board = Board()
    wiring = Wiring(registers=told or chips, **settings)
    chain = Chain(
        board,
        chips,
        seed=seed,
        miso=miso,
        device=wiring.spi_device,
        output_enable_pin=wiring.output_enable_pin,
    )
    return board, chain, ShiftRegister(wiring, board)


def start(chips: int = 4, **settings):
    """Do as `wire`, and bring the outputs up."""
    board, chain, outputs = wire(chips, **settings)
    outputs.prepare()
    line = LineGuard(25, off=True, factory=board)
    line.claim()
    outputs.check()
    line.allow()
    outputs.begin()
    board.line = line  # gpiozero lets go of what nobody holds
    return board, chain, outputs


@pytest.mark.parametrize("chips", COUNTS)
def test_zeros_are_shifted_through_twice_before_anything(chips):
    board, chain, outputs = wire(chips, seed=chips)
    assert chain.latched != 0
    outputs.prepare()
    assert [not any(sent) for sent in board.transfers] == [True, True]
    assert min(map(len, board.transfers)) >= chips
    assert chain.latches == [0, 0]
    outputs.close()


def test_coils_never_see_what_the_chips_power_up_with_or_the_marks():
    board, chain, outputs = start(4)
    assert len(chain.seen) > 2
    assert not any(chain.seen)
    assert chain.coils() == 0
    outputs.write(0b1010)
    assert chain.coils() == 0b1010
    board.line.cut()
    assert chain.coils() == 0
    outputs.close()


@pytest.mark.parametrize("chips", COUNTS)
def test_marks_find_the_length_of_the_chain(chips):
    _, chain, outputs = wire(chips)
    outputs.prepare()
    assert outputs.check() == f"{chips} chips 74HC595 answer"
    assert (chain.shifted, chain.latched) == (0, 0)
    outputs.close()


@pytest.mark.parametrize("chips", COUNTS)
@pytest.mark.parametrize("told", COUNTS)
def test_a_chain_of_another_length_is_told_with_both_lengths(chips, told):
    _, chain, outputs = wire(chips, told)
    outputs.prepare()
    if told != chips:
        with pytest.raises(
            OutputError,
            match=rf"the chain has {chips} chips 74HC595, xylophone\.toml says {told}: set gpio\.registers",
        ):
            outputs.check()
    assert chain.latched == 0
    outputs.close()


def test_a_chain_that_is_longer_than_may_be_is_told():
    _, chain, outputs = wire(9, 8)
    outputs.prepare()
    with pytest.raises(OutputError, match=r"the chain has more than 8 chips 74HC595, xylophone\.toml says 8"):
        outputs.check()
    assert chain.latched == 0
    outputs.close()


@pytest.mark.parametrize(("miso", "what"), [(False, "zeros"), (True, "ones")])
def test_where_nothing_comes_back_the_wires_are_told(miso, what):
    _, chain, outputs = wire(4, miso=miso)
    outputs.prepare()
    with pytest.raises(
        OutputError,
        match=rf"nothing but {what} comes back .*check its 3\.3 V.*MISO.* set gpio\.read_back = false",
    ):
        outputs.check()
    assert chain.latched == 0
    outputs.close()


def test_something_else_that_comes_back_is_told():
    board, _, outputs = wire(4)
    outputs.prepare()
    board.spi_answers = [[0] * 9, [0, 0, 0xA5, 0x3D] + [0] * 7, [0] * 9]
    with pytest.raises(OutputError, match="something else comes back"):
        outputs.check()
    outputs.close()


@pytest.mark.parametrize("miso", [False, True])
def test_without_read_back_nothing_is_checked_and_all_is_written(miso):
    board, chain, outputs = wire(2, miso=miso, read_back=False)
    outputs.prepare()
    assert outputs.check() == ("2 chips 74HC595 as told: QH' is not wired to MISO, so nothing is checked")
    outputs.begin()
    sent = len(board.transfers)
    for mask in (0xFFFF, 0x0180, 0):
        outputs.write(mask)
        assert chain.latched == mask
    assert outputs.refresh() == 0
    assert len(board.transfers) == sent + 4
    outputs.close()


@pytest.mark.parametrize("channel", range(64))
def test_each_channel_is_one_output_of_one_chip(channel):
    _, chain, outputs = start(8)
    outputs.write(1 << channel)
    on = [(chip, name) for chip in range(8) for name in NAMES if chain.output(chip, name)]
    assert on == [(channel // 8, NAMES[channel % 8])]
    outputs.close()


NAMES = ("QA", "QB", "QC", "QD", "QE", "QF", "QG", "QH")


@given(chips=st.sampled_from(COUNTS), numbers=st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_every_mask_is_latched_exactly_and_nothing_else(chips, numbers):
    masks = [number % (1 << 8 * chips) for number in numbers]
    board, chain, outputs = start(chips)
    before = len(chain.latches), len(board.transfers)
    for mask in masks:
        outputs.write(mask)
        assert chain.coils() == mask
    assert chain.latches[before[0] :] == masks
    assert len(board.transfers) == before[1] + len(masks)
    assert outputs.refresh() == 0
    outputs.close()
    assert chain.latched == 0


def test_a_chord_is_one_transfer_of_as_many_bytes_as_chips():
    board, chain, outputs = start(4)
    del board.transfers[:], chain.seen[:]
    outputs.write(0x8001_0203)
    assert board.transfers == [b"\x80\x01\x02\x03"]
    assert chain.seen == [0x8001_0203]
    outputs.close()


@pytest.mark.parametrize("device", [0, 1])
def test_the_port_is_used_as_the_settings_say(device):
    board, chain, outputs = wire(2, spi_device=device, spi_rate=250_000)
    assert board.spi_rate == 250_000
    outputs.prepare()
    assert outputs.check() == "2 chips 74HC595 answer"
    assert chain.latched == 0
    outputs.close()
    assert board.spi_open == 0


class TestNoise:
    def test_on_the_way_back_is_written_again_and_counted(self):
        board, chain, outputs = start(4)
        outputs.write(0b01)
        del board.transfers[:]
        chain.noise_back = 1
        outputs.write(0b10)
        assert board.transfers == [b"\0\0\0\x02"] * 2
        assert chain.coils() == 0b10
        assert outputs.refresh() == 1
        assert outputs.refresh() == 0
        outputs.close()

    def test_on_the_way_out_is_mended_by_refresh_and_counted(self):
        _, chain, outputs = start(4)
        chain.noise_out = 1
        outputs.write(0b10)
        assert chain.coils() != 0b10
        assert outputs.refresh() == 1
        assert chain.coils() == 0b10
        assert outputs.refresh() == 0
        outputs.close()

    def test_on_the_way_out_is_mended_by_the_next_write(self):
        _, chain, outputs = start(4)
        chain.noise_out = 1
        outputs.write(0b10)
        outputs.write(0b11)
        assert chain.coils() == 0b11
        assert outputs.refresh() == 1
        outputs.close()

    @pytest.mark.parametrize("noise", ["noise_back", "noise_out"])
    def test_that_goes_on_is_an_error_in_one_line(self, noise):
        _, chain, outputs = start(4)
        outputs.write(0xFF)
        if noise == "noise_out":
            chain.noise_out = 1
            outputs.write(0xFE)
        setattr(chain, noise, 2)
        with pytest.raises(
            OutputError, match=r"the chain gave .* back for 00 00 00 0f: look at the wires"
        ) as told:
            outputs.write(0x0F)
        assert isinstance(told.value, OSError)
        assert "\n" not in str(told.value)
        outputs.close()

    def test_that_was_an_error_is_not_counted_as_mended(self):
        _, chain, outputs = start(4)
        chain.noise_back = 2
        with pytest.raises(OutputError):
            outputs.write(0x0F)
        outputs.prepare()
        outputs.begin()
        assert outputs.refresh() == 0
        outputs.close()

    def test_after_an_error_everything_can_be_brought_up_again(self):
        _, chain, outputs = start(4)
        chain.noise_back = 2
        with pytest.raises(OutputError):
            outputs.write(0x0F)
        sent = len(chain.latches)
        outputs.refresh()
        assert len(chain.latches) == sent  # what the chain holds is not known
        outputs.prepare()
        outputs.begin()
        assert chain.coils() == 0
        outputs.write(0xF0)
        assert chain.coils() == 0xF0
        outputs.close()

    def test_a_supply_that_dips_is_found_by_refresh(self):
        _, chain, outputs = start(4)
        outputs.write(0)
        chain.shifted = chain.latched = 0xDEAD_BEEF
        assert outputs.refresh() == 1
        assert chain.coils() == 0
        outputs.close()


class TestBus:
    def test_that_fails_is_an_output_error_in_one_line(self):
        board, _, outputs = start(4)
        board.spi_errors = [failure(errno.EIO)]
        with pytest.raises(OutputError, match=r"SPI transfer failed: .*Input/output error") as told:
            outputs.write(1)
        assert isinstance(told.value, OSError)
        assert "\n" not in str(told.value)
        outputs.close()

    def test_that_failed_once_can_be_used_again(self):
        board, chain, outputs = start(4)
        outputs.write(1)
        board.spi_errors = [failure(errno.EIO)]
        with pytest.raises(OutputError):
            outputs.write(3)
        outputs.write(0)
        assert chain.coils() == 0
        outputs.close()

    @pytest.mark.parametrize("answer", [[256, 0], [-1, 0]])
    def test_that_answers_what_cannot_be_is_an_output_error(self, answer):
        board, _, outputs = start(2)
        board.spi_answers = [answer]
        with pytest.raises(OutputError, match="SPI transfer failed"):
            outputs.write(1)
        outputs.close()

    def test_that_answers_with_too_few_bytes_is_written_again(self):
        board, chain, outputs = start(2)
        board.spi_answers = [[0]]
        outputs.write(1)
        assert chain.coils() == 1
        assert outputs.refresh() == 1
        outputs.close()

    def test_is_let_go_of_also_when_it_fails_at_the_end(self):
        board, _, outputs = start(2)
        board.spi_errors = [failure(errno.EIO)]
        with pytest.raises(OutputError):
            outputs.close()
        assert board.spi_open == 0


def test_close_leaves_zeros_and_lets_go():
    board, chain, outputs = start(4)
    outputs.write(0xFFFF_FFFF)
    outputs.close()
    assert (chain.shifted, chain.latched) == (0, 0)
    assert board.spi_open == 0
    again = ShiftRegister(Wiring(), board)
    again.close()


def test_open_output_knows_it():
    board = Board()
    Chain(board, 4)
    outputs = open_output("595", Wiring(), factory=board)
    assert isinstance(outputs, ShiftRegister)
    outputs.close()


class TestNoSpi:
    def test_because_it_is_switched_off(self):
        remedy = "/dev/spidev0.0 is not there: switch SPI on with: sudo raspi-config nonint do_spi 0"
        with (
            devices(lambda _: failure(errno.ENOENT)),
            pytest.raises(BackendMissing, match=re.escape(remedy)),
        ):
            ShiftRegister(Wiring(), Board(spi=False))

    def test_because_it_is_not_permitted(self):
        remedy = "no permission for /dev/spidev0.1: join its group: sudo adduser $USER spi; then log in again"
        with (
            devices(lambda _: failure(errno.EACCES)),
            pytest.raises(BackendMissing, match=re.escape(remedy)),
        ):
            ShiftRegister(Wiring(spi_device=1), Board(spi=False))

    def test_because_its_library_is_missing(self):
        with devices(lambda _: None), pytest.raises(BackendMissing, match=r"failed to import spidev") as told:
            ShiftRegister(Wiring(), Board(spi=False))
        assert "install" in str(told.value)

    def test_because_another_has_its_pins(self):
        board = Board()
        Chain(board, 4)
        first = ShiftRegister(Wiring(), board)
        with devices(lambda _: None), pytest.raises(BackendMissing, match=r"SPI does not open: .*in use"):
            ShiftRegister(Wiring(), board)
        first.close()
