"""Nothing cuts the way out short on which coils are switched off."""

from __future__ import annotations

import signal

import pytest

from xylophone.running.playing import leaving_on_signals


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_cut_the_way_out_short(second: signal.Signals) -> None:
    """Coils go off in a `finally`: an impatient second Ctrl-C must not interrupt it."""
    steps: list[str] = []
    with pytest.raises(SystemExit) as leaving, leaving_on_signals():  # noqa: PT012
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(second)
            steps.append("coils off")
    assert steps == ["coils off"]
    assert leaving.value.code == 128 + signal.SIGTERM


def test_a_second_ctrl_c_does_not_cut_the_way_out_short() -> None:
    before, steps = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt), leaving_on_signals():  # noqa: PT012
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            steps.append("coils off")
    assert steps == ["coils off"]
    assert signal.getsignal(signal.SIGINT) is before
