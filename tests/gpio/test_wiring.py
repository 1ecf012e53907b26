"""Wiring: what cannot be wired like that, and what to do instead."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError

import pytest

from xylophone.errors import BackendMissing, ConfigError
from xylophone.wiring import CHIPS, HONEST_PINS, KINDS, Wiring


def test_the_defaults_are_valid_and_enough_for_thirty_hammers():
    wiring = Wiring()
    assert {kind: wiring.outputs(kind) for kind in KINDS} == {
        "595": 32,
        "mcp23017": 32,
        "pins": 17,
        "null": 64,
    }
    wiring.require("595", range(30))
    wiring.require("mcp23017", range(30))


def test_a_wiring_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Wiring().registers = 3


def test_honest_pins_are_those_that_power_up_low_and_no_console_drives():
    assert HONEST_PINS == (9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27)
    assert Wiring().pins == HONEST_PINS


WRONG = [
    ({"registers": 0}, "gpio.registers 0 is out of range: give 1..8"),
    ({"registers": 9}, "gpio.registers 9 is out of range: give 1..8"),
    ({"spi_device": -1}, "gpio.spi_device -1 is out of range: give 0..1"),
    ({"spi_device": 2}, "gpio.spi_device 2 is out of range: give 0..1"),
    ({"spi_rate": 9_999}, "gpio.spi_rate 9999 is out of range: give 10000..20000000"),
    ({"spi_rate": 20_000_001}, "gpio.spi_rate 20000001 is out of range: give 10000..20000000"),
    ({"i2c_bus": -1}, "gpio.i2c_bus -1 is out of range: give 0..1"),
    ({"i2c_bus": 2}, "gpio.i2c_bus 2 is out of range: give 0..1"),
    ({"on_error": "retry"}, "gpio.on_error 'retry' is not known: give stop or go on"),
    (
        {"i2c_addresses": (0x20, 0x1F)},
        "gpio.i2c_addresses: 31 (0x1f) is no address of an MCP23017: give 32..39 (0x20..0x27), as A2, A1 and",
    ),
    ({"i2c_addresses": (0x28,)}, "gpio.i2c_addresses: 40 (0x28) is no address of an MCP23017"),
    (
        {"i2c_addresses": (0x20, 0x21, 0x20)},
        "gpio.i2c_addresses: give each chip an address of its own, and at least one",
    ),
    ({"i2c_addresses": ()}, "gpio.i2c_addresses: give each chip an address of its own, and at least one"),
    ({"pins": (17, 18, 17)}, "gpio.pins: GPIO17 is used twice: give each hammer a pin of its own"),
    ({"pins": (17, 28)}, "gpio.pins: GPIO28 is not on the header of a Raspberry Pi: use 9..13 and 16..27"),
    ({"pins": (-1,)}, "gpio.pins: GPIO-1 is not on the header of a Raspberry Pi: use 9..13 and 16..27"),
    *(
        (
            {"pins": (17, pin)},
            f"gpio.pins: GPIO{pin} powers up high, which switches its coil on at every start: use 9..13 and",
        )
        for pin in range(9)
    ),
    *(
        (
            {"pins": (pin,)},
            f"gpio.pins: GPIO{pin} is the serial console's, which drives it high: use 9..13 and 16..27",
        )
        for pin in (14, 15)
    ),
    ({"pins": ()}, "gpio.pins is empty: give the pins of the hammers, from 9..13 and 16..27"),
    *(
        (
            {"output_enable_pin": pin},
            f"gpio.output_enable_pin: GPIO{pin} is used by SPI already: take another, as 24 or 25",
        )
        for pin in (8, 9, 10, 11)
    ),
    (
        {"output_enable_pin": 7, "spi_device": 1},
        "gpio.output_enable_pin: GPIO7 is used by SPI already: take another, as 24 or 25",
    ),
    *(
        (
            {key: pin},
            f"gpio.{key} {pin} is no pin that stays low until it is driven: give 9..13 or 16..27",
        )
        for key in ("output_enable_pin", "reset_pin", "master_enable_pin")
        for pin in (1, 4, 5, 6, 14, 15, 28)
    ),
    *(
        ({"reset_pin": pin}, f"gpio.reset_pin: GPIO{pin} is used by I2C already: take another, as 24 or 25")
        for pin in (2, 3)
    ),
    (
        {"reset_pin": 1, "i2c_bus": 0},
        "gpio.reset_pin: GPIO1 is used by I2C already: take another, as 24 or 25",
    ),
]


@pytest.mark.parametrize(("settings", "message"), WRONG, ids=[str(settings) for settings, _ in WRONG])
def test_a_wiring_that_cannot_be_does_not_exist(settings, message):
    with pytest.raises(ConfigError, match="^" + re.escape(message)) as told:
        Wiring(**settings)
    assert isinstance(told.value, ValueError)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"registers": 1},
        {"registers": CHIPS, "spi_device": 1, "spi_rate": 20_000_000},
        {"spi_rate": 10_000, "read_back": False},
        {"i2c_bus": 0, "i2c_addresses": (0x27,)},
        {"i2c_addresses": tuple(range(0x20, 0x28))},
        {"output_enable_pin": 24, "reset_pin": 25},
        {"pins": (27, 9, 16)},
        {"on_error": "go on"},
        {"master_enable_pin": 23},
    ],
    ids=str,
)
def test_a_wiring_that_can_be_exists(settings):
    wiring = Wiring(**settings)
    assert {key: getattr(wiring, key) for key in settings} == settings


class TestOutputs:
    @pytest.mark.parametrize("registers", range(1, CHIPS + 1))
    def test_eight_of_each_shift_register(self, registers):
        assert Wiring(registers=registers).outputs("595") == 8 * registers

    @pytest.mark.parametrize("chips", range(1, CHIPS + 1))
    def test_sixteen_of_each_expander(self, chips):
        assert Wiring(i2c_addresses=tuple(range(0x20, 0x20 + chips))).outputs("mcp23017") == 16 * chips

    def test_as_many_as_pins(self):
        assert Wiring(pins=(17, 27)).outputs("pins") == 2


class TestRequire:
    def test_thirty_hammers_are_too_many_for_the_pins_of_a_pi(self):
        with pytest.raises(
            BackendMissing,
            match=re.escape(
                "30 hammers on channels up to 29, but gpio:pins has 17 outputs: a Pi has 17 pins for coils, "
                "so use gpio:595 (4 chips 74HC595) or gpio:mcp23017 (2 chips)"
            ),
        ) as told:
            Wiring().require("pins", range(30))
        assert told.value.exit_code == 3

    @pytest.mark.parametrize("kind", ["pins", "null", "595", "mcp23017"])
    def test_as_many_hammers_as_outputs_are_fine(self, kind):
        wiring = Wiring()
        wiring.require(kind, range(wiring.outputs(kind)))

    def test_the_highest_channel_counts_not_how_many_there_are(self):
        Wiring().require("pins", [16])
        with pytest.raises(
            BackendMissing, match=r"1 hammers? on channels up to 17, but gpio:pins has 17 outputs"
        ):
            Wiring().require("pins", [17])

    @pytest.mark.parametrize(
        ("channel", "registers", "expanders"),
        [(17, 3, 2), (23, 3, 2), (24, 4, 2), (31, 4, 2), (32, 5, 3), (63, 8, 4)],
    )
    def test_the_chips_that_are_needed_are_told(self, channel, registers, expanders):
        with pytest.raises(
            BackendMissing,
            match=rf"gpio:595 \({registers} chips 74HC595\) or gpio:mcp23017 \({expanders} chips\)",
        ):
            Wiring().require("pins", [channel])

    @pytest.mark.parametrize(
        ("kind", "key", "settings", "outputs"),
        [
            ("595", "registers", {"registers": 3}, 24),
            ("mcp23017", "i2c_addresses", {"i2c_addresses": (0x20,)}, 16),
        ],
    )
    def test_too_few_chips_are_told_with_the_setting(self, kind, key, settings, outputs):
        with pytest.raises(
            BackendMissing,
            match=re.escape(
                f"30 hammers on channels up to 29, but gpio:{kind} has {outputs} outputs: add chips and "
                f"raise gpio.{key} in xylophone.toml"
            ),
        ):
            Wiring(**settings).require(kind, range(30))

    def test_where_a_pi_has_pins_enough_they_are_the_remedy(self):
        with pytest.raises(BackendMissing, match=r"gpio\.pins"):
            Wiring(pins=(17, 27)).require("pins", range(8))


@pytest.mark.parametrize(
    ("kind", "pin", "use"),
    [
        ("595", 25, "/OE"),
        ("595", 11, "the SPI bus"),
        ("mcp23017", 24, "/RESET"),
        ("pins", 23, "a hammer's pin, as gpio.pins says,"),
    ],
)
def test_the_master_enable_has_a_pin_of_its_own(kind, pin, use):
    with pytest.raises(ConfigError) as told:
        Wiring(master_enable_pin=pin).require(kind, [0])
    assert str(told.value) == (
        f"gpio.master_enable_pin: GPIO{pin} is {use} of gpio:{kind}: wire another of 9..13 and 16..27"
    )


@pytest.mark.parametrize(("kind", "pin"), [("595", 24), ("mcp23017", 25), ("pins", 27), ("null", 25)])
def test_the_master_enable_may_have_a_pin_that_this_kind_has_no_use_for(kind, pin):
    Wiring(master_enable_pin=pin, pins=(9, 10)).require(kind, [0])
