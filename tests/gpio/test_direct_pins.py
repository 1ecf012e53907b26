"""The Pi's own pins as outputs: their levels, the order of their edges, and whose they are."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import Any

import pytest
from gpiozero import LED
from gpiozero.pins.mock import MockFactory, MockPin
from hypothesis import given, strategies as st

from gpio.chips import failure
from xylophone.gpio.direct_pins import DirectPins
from xylophone.gpio.guards import PinsGuard
from xylophone.gpio.outputs import OutputError, open_output
from xylophone.wiring import HONEST_PINS, Wiring

FOUR = (17, 27, 22, 23)


class WatchedPin(MockPin):
    """A pin whose edges are noted by its board, and that fails when it is told to."""

    def __init__(self, factory: MockFactory, info: Any) -> None:
        self.fails = False
        super().__init__(factory, info)

    def _set_state(self, value: Any) -> None:
        if self.fails:
            raise failure(errno.EIO)
        super()._set_state(value)

    def _change_state(self, value: bool) -> bool:
        changed: bool = super()._change_state(value)
        if changed:
            self.factory.edges.append((self._number, value))
        return changed


class Board(MockFactory):
    """Pins, all edges in order, and pins that belong to another process."""

    def __init__(self) -> None:
        super().__init__(pin_class=WatchedPin)
        self.edges: list[tuple[int, bool]] = []
        self.busy: set[int] = set()

    def pin(self, name: Any, pin_class: Any = None, **more: Any) -> Any:
        """Return a pin; the kernel refuses one that another process has, as lgpio asks for it here."""
        if name in self.busy:
            raise failure(errno.EBUSY)
        return super().pin(name, pin_class, **more)

    def mask(self, pins: tuple[int, ...]) -> int:
        """Return the mask of pins that are driven high."""
        return sum((self.is_output(pin) and bool(self.pin(pin).state)) << n for n, pin in enumerate(pins))

    def is_output(self, pin: int) -> bool:
        """Tell whether a pin is driven."""
        return self.pin(pin).function == "output"


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def outputs(board: Board) -> Iterator[DirectPins]:
    made = DirectPins(Wiring(pins=FOUR), board)
    made.prepare()
    made.check()
    made.begin()
    yield made
    made.close()


def free(board: Board, pins: tuple[int, ...] = FOUR) -> list[int]:
    """Return the pins that nobody has."""
    found = []
    for pin in pins:
        try:
            LED(pin, pin_factory=board).close()
        except Exception:
            continue
        found.append(pin)
    return found


def test_nothing_is_taken_before_prepare(board):
    DirectPins(Wiring(pins=FOUR), board)
    assert board.edges == []
    assert free(board) == list(FOUR)


def test_prepare_drives_all_low(board):
    outputs = DirectPins(Wiring(pins=FOUR), board)
    outputs.prepare()
    assert [board.is_output(pin) for pin in FOUR] == [True] * 4
    assert board.edges == []
    assert free(board) == []
    outputs.close()


def test_check_tells_the_pins(outputs):
    assert outputs.check() == "4 pins, GPIO17, 27, 22, 23"


@given(st.lists(st.integers(0, 2 ** len(HONEST_PINS) - 1), max_size=20))
def test_every_mask_is_exact(masks):
    board = Board()
    outputs = DirectPins(Wiring(), board)
    outputs.prepare()
    outputs.begin()
    states: dict[int, list[bool]] = {pin: [False] for pin in HONEST_PINS}
    for mask in masks:
        outputs.write(mask)
        assert board.mask(HONEST_PINS) == mask
        for place, pin in enumerate(HONEST_PINS):
            if states[pin][-1] != bool(mask >> place & 1):
                states[pin].append(not states[pin][-1])
    assert {pin: [bool(one.state) for one in board.pin(pin).states] for pin in HONEST_PINS} == states
    outputs.close()


def test_what_goes_off_goes_off_before_anything_goes_on(board, outputs):
    outputs.write(0b0110)
    board.edges.clear()
    outputs.write(0b1001)
    assert board.edges == [(27, False), (22, False), (17, True), (23, True)]


@given(st.integers(0, 15), st.integers(0, 15))
def test_from_any_mask_to_any_other_only_what_changes_is_written_offs_first(before, after):
    board = Board()
    outputs = DirectPins(Wiring(pins=FOUR), board)
    outputs.prepare()
    outputs.begin()
    outputs.write(before)
    board.edges.clear()
    outputs.write(after)
    offs = {(pin, False) for n, pin in enumerate(FOUR) if before & ~after & 1 << n}
    ons = {(pin, True) for n, pin in enumerate(FOUR) if after & ~before & 1 << n}
    assert set(board.edges[: len(offs)]) == offs
    assert set(board.edges[len(offs) :]) == ons
    assert len(board.edges) == len(offs) + len(ons)
    outputs.close()


def test_refresh_does_nothing(board, outputs):
    outputs.write(0b0101)
    board.edges.clear()
    assert outputs.refresh() == 0
    assert board.edges == []


def test_prepare_and_begin_again_switch_all_off(board, outputs):
    outputs.write(0b1111)
    outputs.prepare()
    assert board.mask(FOUR) == 0
    outputs.write(0b1111)
    outputs.begin()
    assert board.mask(FOUR) == 0
    outputs.write(0b1000)
    assert board.mask(FOUR) == 0b1000


def test_close_leaves_all_low_and_free(board):
    outputs = DirectPins(Wiring(pins=FOUR), board)
    outputs.prepare()
    outputs.begin()
    outputs.write(0b1111)
    outputs.close()
    assert [bool(board.pin(pin).state) for pin in FOUR] == [False] * 4
    assert [board.is_output(pin) for pin in FOUR] == [False] * 4
    assert free(board) == list(FOUR)
    outputs.close()


class TestPinThatIsHigh:
    def test_is_refused_with_the_remedy(self, board):
        board.pin(22).drive_high()
        outputs = DirectPins(Wiring(pins=FOUR), board)
        with pytest.raises(
            OutputError,
            match=r"GPIO22 is high before anything drives it, so its coil is on .*: put a pull-down",
        ):
            outputs.prepare()

    def test_lets_nothing_go_on_and_all_pins_are_let_go_of(self, board):
        board.pin(22).drive_high()
        board.edges.clear()
        outputs = DirectPins(Wiring(pins=FOUR), board)
        with pytest.raises(OutputError):
            outputs.prepare()
        assert not any(level for _, level in board.edges)
        assert [board.is_output(pin) for pin in FOUR] == [False] * 4
        assert free(board) == list(FOUR)

    def test_closing_afterwards_is_quiet(self, board):
        board.pin(22).drive_high()
        outputs = DirectPins(Wiring(pins=FOUR), board)
        with pytest.raises(OutputError):
            outputs.prepare()
        outputs.close()

    def test_can_be_mended_and_prepared_again(self, board):
        board.pin(22).drive_high()
        outputs = DirectPins(Wiring(pins=FOUR), board)
        with pytest.raises(OutputError):
            outputs.prepare()
        board.pin(22).drive_low()
        outputs.prepare()
        outputs.begin()
        outputs.write(0b1111)
        assert board.mask(FOUR) == 0b1111
        outputs.close()


class TestPinOfAnother:
    def test_device_is_refused_with_the_remedy_and_all_pins_are_let_go_of(self, board):
        other = LED(22, pin_factory=board)
        outputs = DirectPins(Wiring(pins=FOUR), board)
        with pytest.raises(
            OutputError,
            match=r"GPIO22 cannot be had \(.*\): end the program that uses it \(xylophone off\), or",
        ):
            outputs.prepare()
        assert free(board) == [17, 27, 23]
        other.close()

    def test_process_is_refused_with_the_remedy_and_all_pins_are_let_go_of(self, board):
        board.busy = {22}
        outputs = DirectPins(Wiring(pins=FOUR), board)
        with pytest.raises(OutputError, match="GPIO22 cannot be had") as told:
            outputs.prepare()
        board.busy = set()
        assert free(board) == list(FOUR)
        assert re.search("end the program that uses it", str(told.value))

    def test_closing_afterwards_is_quiet(self, board):
        other = LED(22, pin_factory=board)
        outputs = DirectPins(Wiring(pins=FOUR), board)
        with pytest.raises(OutputError):
            outputs.prepare()
        outputs.close()
        other.close()


class TestPinThatFails:
    def test_is_named_in_an_output_error(self, board, outputs):
        board.pin(27).fails = True
        with pytest.raises(OutputError, match=r"GPIO27 cannot be written: .*Input/output error") as told:
            outputs.write(0b0010)
        assert "\n" not in str(told.value)
        board.pin(27).fails = False

    def test_does_not_keep_others_on_when_all_is_switched_off(self, board, outputs):
        board.pin(27).fails = True
        with pytest.raises(OutputError):
            outputs.write(0b0011)
        board.pin(27).fails = False
        assert board.mask(FOUR) == 0b0001
        outputs.write(0)
        assert board.mask(FOUR) == 0

    def test_does_not_keep_others_on_at_the_end(self, board):
        outputs = DirectPins(Wiring(pins=FOUR), board)
        outputs.prepare()
        outputs.begin()
        outputs.write(0b1111)
        board.pin(17).fails = True
        with pytest.raises(OSError, match="Input/output error"):
            outputs.close()
        board.pin(17).fails = False
        assert [bool(board.pin(pin).state) for pin in FOUR[1:]] == [False] * 3

    def test_does_not_keep_others_on_in_begin(self, board, outputs):
        outputs.write(0b1111)
        board.pin(17).fails = True
        with pytest.raises(OutputError):
            outputs.begin()
        board.pin(17).fails = False
        assert board.mask(FOUR) & 0b1110 == 0


def test_the_guard_takes_the_pins_once_the_dispatcher_has_let_go_of_them(board):
    outputs = DirectPins(Wiring(pins=FOUR), board)
    outputs.prepare()
    outputs.begin()
    outputs.write(0b1111)
    guard = PinsGuard(FOUR, outputs.close, board)
    guard.claim()
    guard.allow()
    assert board.mask(FOUR) == 0b1111
    guard.cut()
    assert [board.is_output(pin) for pin in FOUR] == [True] * 4
    assert board.mask(FOUR) == 0
    assert free(board) == []


def test_open_output_knows_it(board):
    outputs = open_output("pins", Wiring(pins=FOUR), factory=board)
    assert isinstance(outputs, DirectPins)
