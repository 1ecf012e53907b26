"""Plan strikes of your own, and see what the sequencer makes of a chord that is too large for the supply."""

import numpy as np

from xylophone import STRIKE, Priority, as_strikes, build_instrument, calibration_for, sequence

instrument = build_instrument()
strikes = as_strikes(np.zeros(12, STRIKE))
strikes["hammer"] = np.arange(0, 24, 2)
strikes["velocity"] = 90
strikes["priority"] = Priority.INNER
plan = sequence(strikes, instrument, calibration_for(instrument, None))
for row in plan.rows:
    bar = instrument.hammers[row["hammer"]].name
    print(f"{bar:4} {1000 * row['moved']:+6.1f} ms{' rolled' if row['rolled'] else ''}")
print(f"{plan.peak_current:g} of {instrument.supply_limit:g} A")
