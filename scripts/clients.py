"""Lets three clients ask an owner for whatever they like, and says on which evenings a law did not hold.

    ./xylo check --clients                        100,000 steps, of a seed that is drawn and printed
    ./xylo check --clients --steps 2000 --seed 7

No strike may be lost, doubled or out of order, nothing is heard while a stop holds, what is told is what is
heard, and everything is answered. The laws, and one evening of them, are in tests/owner/evening.py.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from owner.evening import check, evening

STEPS = 40
"""Of one evening."""


def main() -> int:
    """Run the evenings; return 1 where a law did not hold on one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    asked = parser.parse_args()
    count, failed = -(-asked.steps // STEPS), 0
    print(f"{count} evenings of {STEPS} steps from seed {asked.seed}")
    for seed in range(asked.seed, asked.seed + count):
        try:
            check(evening(seed, STEPS))
        except Exception as error:
            failed += 1
            print(f"seed {seed}: {type(error).__name__}: {error}", flush=True)
    print(f"{failed} of {count} evenings on which a law did not hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
