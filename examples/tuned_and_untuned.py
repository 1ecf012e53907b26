"""What calibration is worth: one song on the same hammers, known exactly, and known by their kind only."""

from xylophone import arrange, build_instrument, calibration_for, find_song, load_song, simulate

instrument = build_instrument()
arrangement = arrange(load_song(find_song("twinkle")), instrument)
for name, calibration in (("tuned", None), ("untuned", calibration_for(instrument, None))):
    summary = simulate(arrangement, calibration).summary()
    timing, level = summary["timing_error"], summary["level_error_db"]
    print(f"{name:8} {1000 * timing['p95']:5.2f} ms {level['p95']:5.2f} dB, {summary['missed']} missed")
