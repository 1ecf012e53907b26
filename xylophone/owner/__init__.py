"""The owner: the one process that holds the instrument for good, and how others speak with it."""
