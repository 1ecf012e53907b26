"""Calibrations: what is known of each hammer, and the file that keeps it."""
