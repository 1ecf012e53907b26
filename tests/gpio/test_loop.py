"""The dispatcher's loop ends: the outputs first, then the words that say so."""

from __future__ import annotations

import select
from contextlib import ExitStack

from xylophone.gpio.children import pair
from xylophone.gpio.coil_limits import Limits
from xylophone.gpio.dispatcher import Dispatcher
from xylophone.gpio.duty import Duty
from xylophone.gpio.links import ALL_OFF, Links
from xylophone.gpio.log import Log
from xylophone.gpio.loop import Loop, timed
from xylophone.gpio.null import Null


class Outputs(Null):
    """Outputs that note that they were let go of."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_nobody_is_told_that_outputs_are_off_before_they_are() -> None:
    log, outputs = Log(), Outputs()
    with ExitStack() as ends:
        (host, to_host), (_, to_dog), (_, wake) = (tuple(map(ends.enter_context, pair())) for _ in range(3))
        links = Links(to_host, to_dog, wake, log)
        dispatcher = Dispatcher(Limits({}, 8), timed(outputs.write), log)
        why = Loop(dispatcher, Duty(dispatcher, outputs, links, False), links).run()
        told = select.select([host], [], [], 0)[0]
    assert why == f"the watchdog was stopped: {ALL_OFF}"
    assert outputs.closed
    assert not told
