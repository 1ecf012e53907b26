"""Buses that fail, hang and lie, chips that are not there, devices of others: what is said and done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpio.fake_pi import FOR_EVER, FakePi
from gpio.playing import Playing, wait_for
from gpio.test_host import children_of
from xylophone.backends import open_backend
from xylophone.errors import BackendError
from xylophone.instrument import Instrument, build_instrument
from xylophone.wiring import HONEST_PINS, Wiring


class Stand:
    """A Pi, and a host that plays on it, or is kept from it."""

    def __init__(self, folder: Path, model: str = "4") -> None:
        self.pi = FakePi(folder, model=model)
        self.playing: Playing | None = None

    def start(self, kind: str, hammers: int = 30, **wiring: Any) -> Playing:
        self.playing = Playing(f"gpio:{kind}", self.pi.environment, hammers, wiring)
        return self.playing

    def refusal(self, kind: str, hammers: int = 30, **wiring: Any) -> str:
        """Return the one line by which a start is refused; no coil was on, nothing is left running.

        The host is this process, which sees nothing of that Pi: dispatcher and watchdog do, which find it.
        """
        before, others = self.pi.state.logged, children_of(os.getpid())
        whole = build_instrument()
        instrument = Instrument(whole.name, whole.kind, whole.hammers[:hammers], whole.supply_limit)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (self.pi.environment | {"GPIOZERO_PIN_FACTORY": "lgpio"}).items():
                patch.setenv(name, value)
            with pytest.raises(BackendError) as caught:
                open_backend(f"gpio:{kind}", instrument, None, Wiring(**wiring))
        assert not any(mask for _, mask in self.pi.log(kind)[before:])
        assert set(children_of(os.getpid())) <= set(others)
        return self._reason(kind, str(caught.value))

    def refusal_by_the_host(self, kind: str) -> str:
        """Return the one line by which a start is refused that a host on the Pi finds by itself."""
        playing = self.start(kind)
        assert playing.host.wait() == 1
        (said,) = playing.said
        assert self.pi.coils(kind) == 0
        return self._reason(kind, said["error"])

    def _reason(self, kind: str, message: str) -> str:
        assert "\n" not in message
        assert message.startswith(f"gpio:{kind}: ")
        return message.removeprefix(f"gpio:{kind}: ")

    def play_on(self, kind: str) -> None:
        count = self.pi.state.logged + 10
        assert wait_for(lambda: self.pi.state.logged >= count and self.pi.coils(kind) != 0)


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    stand = Stand(tmp_path)
    try:
        yield stand
    finally:
        if stand.playing is not None:
            stand.playing.end()


def test_a_machine_that_is_no_pi(stand: Stand) -> None:
    stand.pi.environment["FAKE_MODEL"] = "Radxa ROCK 5B"
    assert stand.refusal_by_the_host("mcp23017") == (
        "this is no Raspberry Pi but Radxa ROCK 5B: use sim: or serial:auto here"
    )


def test_a_pi_whose_pins_nobody_sees(stand: Stand) -> None:
    stand.pi.take_away("/dev/gpiochip0")
    assert stand.refusal_by_the_host("mcp23017").startswith(
        "there is no /dev/gpiochip0 on this Raspberry Pi 4 Model B Rev 1.2: "
    )


def test_a_pi_5_whose_header_is_not_for_this_user(tmp_path: Path) -> None:
    """Its gpiochip0 opens, and is another one."""
    stand = Stand(tmp_path, "5")
    stand.pi.forbid("/dev/gpiochip4")
    try:
        assert stand.refusal_by_the_host("mcp23017").startswith(
            "no permission for /dev/gpiochip4: join its group: "
        )
    finally:
        stand.playing.end()


@pytest.mark.parametrize(
    ("kind", "device", "words"),
    [
        (
            "595",
            "/dev/spidev0.0",
            "/dev/spidev0.0 is not there: switch SPI on with: sudo raspi-config nonint do_spi 0",
        ),
        (
            "mcp23017",
            "/dev/i2c-1",
            "/dev/i2c-1 is not there: switch I2C on with: sudo raspi-config nonint do_i2c 0",
        ),
    ],
)
def test_a_bus_that_is_switched_off(stand: Stand, kind: str, device: str, words: str) -> None:
    stand.pi.take_away(device)
    assert stand.refusal(kind) == words


@pytest.mark.parametrize(
    ("kind", "device", "group"),
    [
        ("595", "/dev/spidev0.0", "spi"),
        ("mcp23017", "/dev/i2c-1", "i2c"),
        ("mcp23017", "/dev/gpiochip0", "gpio"),
    ],
)
def test_a_device_that_is_not_for_this_user(stand: Stand, kind: str, device: str, group: str) -> None:
    stand.pi.forbid(device)
    refusal = stand.refusal_by_the_host if device == "/dev/gpiochip0" else stand.refusal
    assert refusal(kind) == (
        f"no permission for {device}: join its group: sudo adduser $USER {group}; then log in again"
    )


@pytest.mark.parametrize(("there", "said"), [(3, "has 3 chips"), (5, "has 5 chips"), (8, "has 8 chips")])
def test_a_chain_of_another_length_than_told(stand: Stand, there: int, said: str) -> None:
    stand.pi.state.registers = there
    message = stand.refusal("595")
    assert said in message
    assert "xylophone.toml says 4: set gpio.registers" in message


@pytest.mark.parametrize(("miso", "said"), [(0, "nothing but zeros"), (1, "nothing but ones")])
def test_a_chain_that_gives_nothing_back(stand: Stand, miso: int, said: str) -> None:
    stand.pi.state.miso = miso
    assert stand.refusal("595").startswith(f"{said} comes back from the chain of 74HC595: check its 3.3 V")


def test_a_chain_without_read_back_is_taken_as_told(stand: Stand) -> None:
    stand.pi.state.miso = 0
    stand.start("595", read_back=False)
    stand.play_on("595")


def test_an_expander_that_is_not_there(stand: Stand) -> None:
    message = stand.refusal("mcp23017", i2c_addresses=(0x20, 0x22))
    assert message.startswith("MCP23017 at 0x22 does not answer (Remote I/O error): check its supply")


def test_a_reset_line_that_leads_nowhere(stand: Stand) -> None:
    """The chips have their /RESET on GPIO24, which another program has left high."""
    stand.pi.run(
        "import os; from gpiozero import OutputDevice; it = OutputDevice(24, initial_value=True); os._exit(0)"
    )
    assert stand.pi.level(24) == 1
    assert "answers while GPIO23 should hold it in reset: wire its /RESET to that pin" in stand.refusal(
        "mcp23017", reset_pin=23
    )


def test_more_hammers_than_pins(stand: Stand) -> None:
    playing = stand.start("pins", 30)
    assert playing.host.wait() == 1
    assert "gpio:pins has 17 outputs: a Pi has 17 pins for coils, so use gpio:595" in playing.said[0]["error"]


def test_a_pin_that_powers_up_high(stand: Stand) -> None:
    stand.pi.state.pull[17] = stand.pi.state.level[17] = 1
    message = stand.refusal("pins", 2, pins=(16, 17))
    assert message.startswith(
        "GPIO17 is high before anything drives it, so its coil is on after power-up: put"
    )


def test_outputs_that_somebody_else_plays_on(stand: Stand) -> None:
    first = stand.start("595")
    stand.play_on("595")
    second = Playing("gpio:595", stand.pi.environment, 30)
    try:
        assert second.host.wait() == 1
        assert "GPIO25 cannot be had" in second.said[0]["error"]
        assert "end the program that uses it (xylophone off)" in second.said[0]["error"]
        assert not first.has_ended("dispatcher")
    finally:
        second.end()


@pytest.mark.parametrize(("kind", "fault"), [("595", "spi_failures"), ("mcp23017", "i2c_failures")])
class TestBusThatFails:
    def test_is_cut_off_said_once_and_ends_the_playing(self, stand: Stand, kind: str, fault: str) -> None:
        playing = stand.start(kind)
        stand.play_on(kind)
        setattr(stand.pi.state, fault, FOR_EVER)
        assert playing.host.wait() == 1
        assert stand.pi.coils(kind) == 0
        (said,) = {words for words in playing.faults() if "failed" in words}
        assert said.startswith("the outputs failed and were switched off: ")
        assert said.endswith("; open the backend again when it is mended")

    def test_is_waited_for_where_that_was_asked_for(self, stand: Stand, kind: str, fault: str) -> None:
        playing = stand.start(kind, on_error="go on")
        stand.play_on(kind)
        setattr(stand.pi.state, fault, FOR_EVER)
        assert wait_for(lambda: any(words.endswith("; trying again") for words in playing.faults()))
        assert wait_for(lambda: stand.pi.coils(kind) == 0)
        setattr(stand.pi.state, fault, 0)
        stand.play_on(kind)
        assert wait_for(lambda: any("on duty again" in words for words in playing.faults()))
        assert sum("failed" in words for words in playing.faults()) == 1


@pytest.mark.parametrize(("kind", "delay"), [("595", "spi_delay_us"), ("mcp23017", "i2c_delay_us")])
def test_a_bus_that_hangs_is_cut_off_and_playing_goes_on_when_it_is_over(
    stand: Stand, kind: str, delay: str
) -> None:
    playing = stand.start(kind)
    stand.play_on(kind)
    setattr(stand.pi.state, delay, 400_000)
    assert wait_for(lambda: any("the dispatcher hung for" in words for words in playing.faults()))
    setattr(stand.pi.state, delay, 0)
    stand.play_on(kind)


def test_a_bit_that_flips_is_written_again(stand: Stand) -> None:
    playing = stand.start("595")
    stand.play_on("595")
    stand.pi.state.spi_noise = 1
    assert wait_for(lambda: stand.pi.state.spi_noise == 0)
    stand.play_on("595")
    assert playing.faults() == []


def test_a_chip_that_was_reset_in_play_is_noticed(stand: Stand) -> None:
    """Played on its first bar only, so that the other chip is only ever looked at."""
    playing = stand.start("mcp23017", 1)
    stand.play_on("mcp23017")
    stand.pi.state.reg[1][0:2] = (0xFF, 0xFF)
    assert playing.host.wait() == 1
    assert any("MCP23017 at 0x21 was reset" in words for words in playing.faults())
    assert stand.pi.coils("mcp23017") == 0


def test_a_chain_that_gives_nothing_back_any_more_is_said_once_and_waited_for(stand: Stand) -> None:
    playing = stand.start("595", on_error="go on")
    stand.play_on("595")
    stand.pi.state.miso = 0
    assert wait_for(lambda: any("trying again" in words for words in playing.faults()))
    transfers = stand.pi.state.transfers + 18  # some tries
    assert wait_for(lambda: stand.pi.state.transfers > transfers)
    assert len(playing.faults()) == 1
    assert stand.pi.coils("595") == 0
    stand.pi.state.miso = -1
    stand.play_on("595")
    assert wait_for(lambda: len(playing.faults()) == 2)
    assert playing.faults()[1].startswith("the outputs are on duty again; ")


@pytest.mark.parametrize(("kind", "delay"), [("595", "spi_delay_us"), ("mcp23017", "i2c_delay_us")])
def test_a_bus_that_has_become_far_too_slow_is_said_once_and_waited_for(
    stand: Stand, kind: str, delay: str
) -> None:
    playing = stand.start(kind, on_error="go on")
    stand.play_on(kind)
    setattr(stand.pi.state, delay, 60_000)
    count = "transfers" if kind == "595" else "transactions"
    assert wait_for(lambda: any("the outputs took" in words for words in playing.faults()))
    later = getattr(stand.pi.state, count) + 12
    assert wait_for(lambda: getattr(stand.pi.state, count) > later)
    assert len(playing.faults()) == 2
    assert "the dispatcher hung for" in playing.faults()[0]
    setattr(stand.pi.state, delay, 0)
    stand.play_on(kind)
    assert wait_for(lambda: "on duty again" in playing.faults()[-1])


def test_a_check_of_the_chain_switches_no_coil_on(stand: Stand) -> None:
    """The marks that find out how long the chain is stand in the latches: never without the line."""
    stand.start("595", on_error="go on")
    stand.play_on("595")
    before = stand.pi.state.logged
    stand.pi.state.spi_failures = 3
    assert wait_for(lambda: stand.pi.state.spi_failures == 0)
    stand.play_on("595")
    masks = [mask for _, mask in stand.pi.log("595")[before:]]
    assert all(mask.bit_count() <= 1 for mask in masks)


class TestPins:
    @pytest.fixture
    def pi(self, tmp_path: Path) -> FakePi:
        return FakePi(tmp_path, pins=HONEST_PINS)

    @pytest.fixture
    def playing(self, pi: FakePi) -> Iterator[Playing]:
        """A host that has a coil on."""
        playing = Playing("gpio:pins", pi.environment, len(HONEST_PINS))
        try:
            assert wait_for(lambda: pi.coils("pins") != 0)
            yield playing
        finally:
            playing.end()

    def test_a_pin_that_fails_ends_the_playing_with_all_off(self, pi: FakePi, playing: Playing) -> None:
        pi.state.pin_failures = 1
        assert playing.host.wait() == 1
        assert pi.coils("pins") == 0
        assert playing.faults()[-1].startswith("the outputs failed and were switched off: GPIO")
        assert "cannot be written" in playing.faults()[-1]

    def test_a_dispatcher_that_hangs_is_ended_and_its_pins_driven_low(
        self, pi: FakePi, playing: Playing
    ) -> None:
        pi.state.pin_delay_us = 400_000
        assert playing.host.wait() == 1
        assert pi.coils("pins") == 0
        assert "the dispatcher hung for" in playing.faults()[-1]
        assert "all outputs are off" in playing.faults()[-1]
