"""multiprocessing's Pipe, over shared memory."""

from __future__ import annotations

from multiprocessing import connection as standard
from multiprocessing import reduction
from typing import Any

from ringpost import _ringpost

#: How many pipes were made in this process: shows whether a program really runs on them.
made: dict[str, int] = {"Pipe": 0}


class Connection(_ringpost.Connection, standard.Connection):
    """An end of a ``Pipe``, with the methods of ``multiprocessing.connection.Connection``, which it is one of."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        raise TypeError("a connection of ringpost is made by Pipe()")

    def __del__(self) -> None:
        # The standard one closes a descriptor; this one is closed with its last reference.
        pass

    def _close(self) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        # As the standard one: while a child is started, or else by multiprocessing.resource_sharer.
        fds = tuple(None if fd is None else reduction.DupFd(fd) for fd in self._fds())
        return _rebuild, (type(self), fds, self._first, self.readable, self.writable)

    def __repr__(self) -> str:
        can = [word for word, able in (("readable", self.readable), ("writable", self.writable)) if able]
        state = "closed" if self.closed else f"{' '.join(can)} depth={self._waiting()}"
        return f"<{type(self).__module__}.{type(self).__qualname__} {state}>"


def _rebuild(cls: type[Connection], fds: tuple[Any, ...], first: bool, readable: bool, writable: bool) -> Connection:
    detached = tuple(None if fd is None else fd.detach() for fd in fds)
    connection: Connection = _ringpost.connection_from_fds(cls, detached, first, readable, writable)
    return connection


def Pipe(duplex: bool = True) -> tuple[Connection, Connection]:
    """Two connected ends; if it is not duplex, the first one receives and the second one sends."""
    made["Pipe"] += 1
    ends: tuple[Connection, Connection] = _ringpost.pipe(Connection, bool(duplex))
    return ends


__all__ = ["Connection", "Pipe"]
