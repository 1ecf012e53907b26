"""Performances: what was heard beside what was planned; simulated in a blink, and compared by ear."""
