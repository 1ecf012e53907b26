"""What was found damaged in a file: one line each, and not more lines than anyone reads."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_WARNINGS = 20


@dataclass
class Damage:
    """Collects warnings, in the order in which they were found."""

    lines: list[str] = field(default_factory=list)
    more: int = 0

    def note(self, where: str, byte: int, what: str) -> None:
        """Note what is wrong at a byte of the file; `where` is 'header' or 'track 2'."""
        if len(self.lines) < MOST_WARNINGS:
            self.lines.append(f"{where}, byte {byte}: {what}")
        else:
            self.more += 1

    def told(self) -> tuple[str, ...]:
        """Return the warnings, the last one counting those that were left out."""
        rest = [f"and {self.more} more places like these"] if self.more else []
        return (*self.lines, *rest)
