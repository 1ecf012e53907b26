"""What the dispatcher knows of the coils: plain numbers in nanoseconds, as the host tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..instrument import Instrument

SECOND = 1_000_000_000
"""ns."""

EVER = -(2**62)
"""ns; before any time there is."""

SLOW_WRITE = 1_000_000
"""ns; a write to the outputs that takes longer is heard where it is no exception."""

FASTER = (
    "lower the load of this machine, raise gpio.spi_rate, or the clock of I2C "
    "(dtparam=i2c_arm_baudrate=400000)"
)
"""What helps then."""


class ChannelLimits(NamedTuple):
    """The limits of one coil."""

    longest: int  # ns of a pulse
    rest: int  # ns off between two pulses
    refill: float  # on-time a second that the coil stands for ever
    capacity: int  # ns of on-time that warm it by 20 K


class Limits(NamedTuple):
    """The limits of all coils, by channel, and how many may be on at once."""

    channels: dict[int, ChannelLimits]
    most_coils: int

    @classmethod
    def of(cls, instrument: Instrument) -> Limits:
        """Return the limits of an instrument; heat with 1/1000 to spare, so that no rounding refuses."""
        return cls(
            {
                hammer.channel: ChannelLimits(
                    longest=round(hammer.longest_pulse * SECOND),
                    rest=round(hammer.rest * SECOND),
                    refill=hammer.refill * 1.001,
                    capacity=round(hammer.capacity * 1.001 * SECOND),
                )
                for hammer in instrument.hammers
            },
            instrument.most_coils,
        )

    @classmethod
    def read(cls, content: Any) -> Limits:
        """Return limits from what JSON makes of them."""
        channels, most_coils = content
        return cls({int(number): ChannelLimits(*row) for number, row in channels.items()}, most_coils)
