"""Chips of the port expander that fall silent, forget what they were told, or are cut off."""

from __future__ import annotations

import pytest

from gpio.chips import I2cBus, Mcp23017, on_i2c
from gpio.test_expander import bench
from xylophone.gpio.expander import Expander
from xylophone.gpio.outputs import OutputError
from xylophone.wiring import Wiring

__all__ = ["bench"]  # a fixture


class TestSilentChip:
    @pytest.mark.parametrize(("address", "name"), [(0x20, "0x20"), (0x21, "0x21")])
    def test_is_named_by_begin(self, bench, address, name):
        bench.chips[address].powered = False
        with pytest.raises(
            OutputError, match=rf"MCP23017 at {name} does not answer \(.*\): check its supply"
        ) as told:
            bench.start()
        assert isinstance(told.value, OSError)
        assert "\n" not in str(told.value)

    def test_is_named_by_write(self, bench):
        outputs = bench.start()
        bench.chips[0x21].powered = False
        with pytest.raises(OutputError, match="MCP23017 at 0x21 does not answer"):
            outputs.write(0x1_0000)

    def test_is_named_by_refresh(self, bench):
        outputs = bench.start()
        bench.chips[0x21].powered = False
        with pytest.raises(OutputError, match="MCP23017 at 0x21 does not answer"):
            outputs.refresh()

    def test_is_looked_for_on_the_bus_that_is_used(self):
        chips = {0x20: Mcp23017()}
        with on_i2c(I2cBus(chips, number=0)):
            chips[0x20].powered = False
            outputs = Expander(Wiring(i2c_bus=0, i2c_addresses=(0x20,)))
            with pytest.raises(OutputError, match="i2cdetect -y 0 "):
                outputs.begin()
            outputs.close()

    def test_does_not_keep_the_others_on_when_all_is_switched_off(self, bench):
        outputs = bench.start()
        bench.chips[0x21].powered = False
        with pytest.raises(OutputError):
            outputs.write(0x1_0001)
        bench.chips[0x21].powered = True
        assert bench.bus.coils() == 1
        outputs.write(0)
        assert bench.bus.coils() == 0

    def test_that_comes_back_is_used_again_after_begin(self, bench):
        outputs = bench.start()
        bench.chips[0x20].powered = False
        with pytest.raises(OutputError):
            outputs.write(1)
        assert outputs.refresh() == 0  # nothing is known
        bench.chips[0x20].powered = True
        bench.chips[0x20].reset()
        outputs.prepare()
        outputs.begin()
        outputs.write(3)
        assert bench.bus.coils() == 3


class TestRefresh:
    def test_only_reads_while_all_is_well(self, bench):
        outputs = bench.start()
        outputs.write(0x00FF_FF00)
        bench.forget()
        assert outputs.refresh() == 0
        assert bench.bus.transactions
        assert all(any(message.is_read for message in one) for one in bench.bus.transactions)

    @pytest.mark.parametrize(("address", "name"), [(0x20, "0x20"), (0x21, "0x21")])
    def test_finds_a_chip_that_was_reset(self, bench, address, name):
        outputs = bench.start()
        bench.chips[address].reset()
        with pytest.raises(
            OutputError, match=rf"MCP23017 at {name} was reset \(ffff for 0000\): its supply dips"
        ):
            outputs.refresh()

    def test_finds_a_latch_that_has_changed(self, bench):
        outputs = bench.start()
        outputs.write(0x0002_0000)
        list(bench.chips[0x21].take(b"\x14\x03\x00"))
        with pytest.raises(OutputError, match=r"MCP23017 at 0x21 lost what was written \(0300 for 0200\)"):
            outputs.refresh()

    def test_finds_a_direction_that_has_changed(self, bench):
        outputs = bench.start()
        list(bench.chips[0x20].take(b"\x01\x80"))
        with pytest.raises(OutputError, match=r"MCP23017 at 0x20 lost what was written \(0080 for 0000\)"):
            outputs.refresh()


class TestLineThatWasCut:
    def test_writing_a_mask_is_an_output_error(self, bench):
        outputs = bench.start()
        bench.line.cut()
        with pytest.raises(OutputError, match="0x20 does not answer"):
            outputs.write(1)

    def test_zeros_are_no_error_once_all_is_off(self, bench):
        """As in an emergency stop with a coil on: the line is cut, `prepare`, and then silence writes 0."""
        outputs = bench.start()
        outputs.write(1)
        bench.line.cut()
        assert bench.bus.coils() == 0
        outputs.prepare()
        outputs.write(0)
