"""Tuning: what hammers do is measured or set, and becomes their calibration."""
