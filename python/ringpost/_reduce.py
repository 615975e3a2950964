"""Pickling as multiprocessing does it, with a pickler that is kept."""

from __future__ import annotations

import copyreg
from _pickle import Pickler
from multiprocessing.reduction import ForkingPickler
from typing import Any, Callable


class _Reducers(dict):  # type: ignore[type-arg]
    """Who knows how to reduce a type: looked up anew each time, so what is registered later counts as well."""

    def __missing__(self, cls: type) -> Callable[[Any], Any]:
        try:
            return ForkingPickler._extra_reducers[cls]  # type: ignore[attr-defined, no-any-return]
        except KeyError:
            return copyreg.dispatch_table[cls]


class _Sink:
    """What a pickler writes to."""

    def __init__(self, write: Callable[[Any], None]) -> None:
        self.write = write


def new_pickler() -> tuple[Callable[[Any], None], Callable[[], None], list[Any], list[Any]]:
    """A pickler's ``dump`` and ``clear_memo``, and the lists that its chunks and its buffers are appended to."""
    chunks: list[Any] = []
    buffers: list[Any] = []
    pickler = Pickler(_Sink(chunks.append), 5, True, buffers.append)
    pickler.dispatch_table = _Reducers()
    return pickler.dump, pickler.clear_memo, chunks, buffers
