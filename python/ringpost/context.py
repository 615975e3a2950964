"""Contexts of multiprocessing that make these queues, and their installation into multiprocessing itself."""

from __future__ import annotations

import sys
import types
from multiprocessing import connection as standard_connection
from multiprocessing import context
from multiprocessing import queues as standard
from typing import Any

from ringpost import connection, queues


class _Queues:
    """The methods of a context that make queues and pipes."""

    def Queue(self, maxsize: int = 0) -> queues.Queue:
        return queues.Queue(maxsize, ctx=self)

    def JoinableQueue(self, maxsize: int = 0) -> queues.JoinableQueue:
        return queues.JoinableQueue(maxsize, ctx=self)

    def SimpleQueue(self) -> queues.SimpleQueue:
        return queues.SimpleQueue(ctx=self)

    def Pipe(self, duplex: bool = True) -> tuple[connection.Connection, connection.Connection]:
        return connection.Pipe(duplex)


class ForkContext(_Queues, context.ForkContext):  # type: ignore[misc]
    """``fork``, with these queues."""


class SpawnContext(_Queues, context.SpawnContext):  # type: ignore[misc]
    """``spawn``, with these queues."""


class ForkServerContext(_Queues, context.ForkServerContext):  # type: ignore[misc]
    """``forkserver``, with these queues."""


_contexts = {"fork": ForkContext(), "spawn": SpawnContext(), "forkserver": ForkServerContext()}


def get_context(method: str | None = None) -> Any:
    """A context as ``multiprocessing.get_context`` gives it, whose queues and pipes are these."""
    if method is None:
        method = context._default_context.get_start_method()
    try:
        return _contexts[method]
    except KeyError:
        raise ValueError(f"cannot find context for {method!r}") from None


def install() -> None:
    """Puts these queues and pipes into ``multiprocessing``: what makes one from now on makes one of these.

    Also in children that are spawned, if their main module does the same; forked ones inherit it.
    """
    standard.Queue = queues.Queue  # type: ignore[misc, assignment]
    standard.JoinableQueue = queues.JoinableQueue  # type: ignore[misc, assignment]
    standard.SimpleQueue = queues.SimpleQueue  # type: ignore[misc, assignment]
    standard_connection.Pipe = connection.Pipe
    # It has bound its base class when it was imported.
    executors: Any = sys.modules.get("concurrent.futures.process")
    if executors is not None and not issubclass(executors._SafeQueue, queues.Queue):
        executors._SafeQueue = _rebased(executors._SafeQueue, queues.Queue)


def _rebased(cls: type, base: type) -> type:
    """The class anew, over another base: its methods' ``super()`` means the new class."""
    cell = types.CellType()
    attributes = dict(cls.__dict__)
    for name in ("__dict__", "__weakref__"):
        attributes.pop(name, None)
    for name, value in attributes.items():
        if isinstance(value, types.FunctionType):
            free = zip(value.__code__.co_freevars, value.__closure__ or ())
            closure = tuple(cell if variable == "__class__" else old for variable, old in free)
            new = types.FunctionType(value.__code__, value.__globals__, name, value.__defaults__, closure)
            new.__kwdefaults__ = value.__kwdefaults__
            new.__qualname__ = value.__qualname__
            attributes[name] = new
    cell.cell_contents = rebased = type(cls.__name__, (base,), attributes)
    return rebased


__all__ = ["get_context", "install"]
