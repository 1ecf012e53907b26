"""What is handed from room to room: tables of rows, and arrays of one number a row.

Each table is a numpy array of its own dtype, and a type of its own for mypy. What comes from outside goes
through its constructor once; `rows` and `joined` take parts and put together without checking anew. Times are
seconds: song time for what belongs to a song, backend time for all else. `hammer` is a hammer's place in the
instrument, from 0; `strike` is a row of the plan.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]
Samples = npt.NDArray[np.float32]
"""Sound, full scale 1; (frames,) or (frames, channels)."""
Complex = npt.NDArray[np.complex128]
Bytes = npt.NDArray[np.uint8]
