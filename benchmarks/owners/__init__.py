"""What benchmarks/holding.py measures: an owner as a process of its own, and music that it plays."""
