"""What benchmarks/arrangement.py compares and how it scores: other rules, and what is left of a song."""
