"""Pickling as multiprocessing does it, with a pickler that is kept."""

from __future__ import annotations

import copyreg
import pickletools
import struct
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


def in_band(stream: bytes, buffers: list[bytes]) -> bytes:
    """The pickle stream that says the same as this one and its out-of-band buffers; nothing is unpickled for it."""
    steps = list(pickletools.genops(stream))
    ends = [start for _, _, start in steps[1:]] + [len(stream)]
    remaining = iter(buffers)
    new: list[bytes] = []
    for number, ((step, _, start), end) in enumerate(zip(steps, ends)):
        if step.name == "NEXT_BUFFER":
            # The next step, if there is one, makes it read-only.
            readonly = number + 1 < len(steps) and steps[number + 1][0].name == "READONLY_BUFFER"
            buffer = next(remaining)
            new += [b"\x8e" if readonly else b"\x96", struct.pack("<Q", len(buffer)), buffer]
        elif step.name not in ("READONLY_BUFFER", "FRAME"):  # frames have lengths, and may be left out
            new.append(stream[start:end])
    return b"".join(new)
