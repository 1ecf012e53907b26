"""Answers that are promised, and kept when something is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

Promise = Future[Mapping[str, Any]]

Done = TypeVar("Done")


def keep(done: Future[Done], promise: Promise, answer: Callable[[Done], Mapping[str, Any]]) -> None:
    """Keep a promise when something is done, by what is answered then."""

    def then(done: Future[Done]) -> None:
        try:
            promise.set_result(answer(done.result(0)))
        except Exception as error:
            promise.set_exception(error)

    done.add_done_callback(then)
