"""multiprocessing's queues, over shared memory."""

from __future__ import annotations

import math
import operator
import sys
import threading
from multiprocessing import context, reduction
from multiprocessing.connection import wait
from queue import Empty
from typing import TYPE_CHECKING, Any, AsyncIterator, Iterator, Sequence

from ringpost import _hooks
from ringpost._errors import ShutDown
from ringpost._ringpost import Channel

if TYPE_CHECKING:
    from ringpost._asyncio import Waiting

#: The most that a queue counts.
MOST = 524_288
#: The capacity of a queue without a maxsize: what does not fit waits in its process.
UNBOUNDED = 16_384
#: Address space for long payloads. Memory is taken when it is first used.
ARENA = 256 << 20

#: How many queues of each class were made in this process: shows whether a program really runs on them.
made: dict[str, int] = {"Queue": 0, "JoinableQueue": 0, "SimpleQueue": 0}


class _End:
    """One end of a queue, with the methods of a connection that multiprocessing's own code uses."""

    def __init__(self, queue: _Base, which: str) -> None:
        self._queue = queue
        self._which = which

    @property
    def closed(self) -> bool:
        return self._which in self._queue._shut or self._queue._closed

    def _open(self) -> _Base:
        if self.closed:
            raise OSError("handle is closed")
        return self._queue

    def fileno(self) -> int:
        """Readable when an object is in the queue."""
        return self._open()._readiness()

    def recv(self) -> Any:
        try:
            return self._open().get()
        except ShutDown:
            raise EOFError from None

    def send(self, obj: Any) -> None:
        self._open().put(obj)

    def poll(self, timeout: float | None = 0.0) -> bool:
        queue = self._open()
        if not queue._is_empty():
            return True
        if timeout is not None and timeout <= 0.0:
            return False
        return bool(wait([self], timeout))  # type: ignore[list-item]

    def close(self) -> None:
        self._queue._shut.add(self._which)


class _Base(Channel):
    """What all three have in common."""

    #: The ends that were closed.
    _shut: set[str]

    # Made when asked for: a queue that had them would hold itself, and its memory would wait for the garbage collector.
    @property
    def _reader(self) -> _End:
        return _End(self, "reader")

    @property
    def _writer(self) -> _End:
        return _End(self, "writer")

    def _made(self) -> None:
        for cls in type(self).__mro__:
            if cls.__name__ in made and cls.__module__ == __name__:
                made[cls.__name__] += 1
                break
        self._shut = set()

    def __reduce__(self) -> tuple[Any, ...]:
        name = getattr(self, "_name", None)
        if name is not None:
            return _by_name, (type(self), name, self._state())
        context.assert_spawning(self)
        return _by_fd, (type(self), reduction.DupFd(self._fd()), self._state())

    def _state(self) -> dict[str, Any]:
        raise NotImplementedError

    def _restore(self, state: dict[str, Any], **where: Any) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        name = getattr(self, "_name", None)
        depth, capacity = self.qsize(), self._capacity
        return f"<{type(self).__module__}.{type(self).__qualname__} name={name!r} depth={depth} capacity={capacity}>"


def _new(cls: type[_Base]) -> _Base:
    # In a spawned child that has not called install(), the executor's class is that over the standard queue.
    cls = cls if issubclass(cls, _Base) else Queue
    return cls.__new__(cls)


def _by_name(cls: type[_Base], name: str, state: dict[str, Any]) -> _Base:
    queue = _new(cls)
    queue._restore(state, name=name, must_exist=True)
    return queue


def _by_fd(cls: type[_Base], fd: Any, state: dict[str, Any]) -> _Base:
    queue = _new(cls)
    queue._restore(state, fd=fd.detach())
    return queue


class Queue(_Base):
    """``multiprocessing.Queue``, and more: see docs/python.md."""

    _joinable = False
    _name: str | None
    #: The coroutines that wait for this queue, once there are any.
    _waiting: Waiting | None = None

    def __init__(
        self,
        maxsize: int = 0,
        *,
        ctx: Any = None,
        name: str | None = None,
        arena: int = ARENA,
    ) -> None:
        self._start(maxsize, name, arena=arena, must_exist=False)

    def _start(self, maxsize: int, name: str | None, **where: Any) -> None:
        self._name = name
        self._maxsize = maxsize
        hook = type(self)._on_queue_feeder_error is not Queue._on_queue_feeder_error
        capacity = min(maxsize, MOST) if maxsize > 0 else UNBOUNDED
        self._setup(capacity, maxsize <= 0, self._joinable, hook, name=name, **where)
        self._made()

    def _state(self) -> dict[str, Any]:
        return {"maxsize": self._maxsize}

    def _restore(self, state: dict[str, Any], **where: Any) -> None:
        self._start(state["maxsize"], where.pop("name", None), **where)

    @staticmethod
    def _on_queue_feeder_error(e: BaseException, obj: Any) -> None:
        """Overridden, it gets the errors of pickling, which ``put`` raises otherwise."""
        raise e

    def empty(self) -> bool:
        empty = self._is_empty()
        if self._closed and not empty:
            raise OSError("handle is closed")
        return empty

    def close(self) -> None:
        """This process puts and gets no more. What waits in it is still flushed."""
        self._closed = True
        self._reader.close()
        self._writer.close()
        if self._waiting is not None:
            self._waiting.wake_all()

    def join_thread(self) -> None:
        """Waits until everything that this process has put is in shared memory."""
        assert self._closed, f"Queue {self!r} not closed"
        self._flush()

    def _terminate_broken(self) -> None:
        self.cancel_join_thread()
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """Objects, until the queue is shut down."""
        return self

    def __next__(self) -> Any:
        try:
            return self.get()
        except ShutDown:
            raise StopIteration from None

    def _of_loop(self) -> Waiting:
        from ringpost._asyncio import Waiting

        if self._waiting is None:
            self._waiting = Waiting(self)
        return self._waiting

    async def aput(self, obj: Any) -> None:
        """Puts an object; meanwhile the event loop runs. Cancelled, it has put nothing."""
        needed = self._put_now(obj)
        if needed is not None:
            await self._of_loop().put(obj, needed)

    async def aget(self) -> Any:
        """Gets the oldest object; meanwhile the event loop runs. Cancelled, it has taken nothing."""
        try:
            return self._get_now(self._coroutine())
        except Empty:
            return await self._of_loop().get()

    def _coroutine(self) -> int:
        return 0

    def __aiter__(self) -> AsyncIterator[Any]:
        """Objects, until the queue is shut down."""
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.aget()
        except ShutDown:
            raise StopAsyncIteration from None

    def empty_array(
        self, shape: int | Sequence[int], dtype: Any = float, *, block: bool = True, timeout: float | None = None
    ) -> Any:
        """A numpy array in the queue's memory, to be filled. ``put`` hands it over without a copy: see docs/python.md.

        Waits, as ``put`` does, while the queue is full or its arena has no room. An unbounded queue gives an ordinary array then.
        """
        import numpy  # type: ignore[import-not-found, unused-ignore]

        dtype = numpy.dtype(dtype)
        if dtype.hasobject:
            raise ValueError(f"{dtype!r} holds objects, which cannot lie in shared memory")
        lengths = [operator.index(length) for length in (shape if isinstance(shape, Sequence) else [shape])]
        if min(lengths, default=0) < 0:
            raise ValueError("negative dimensions are not allowed")
        loan: Any = self._loan(math.prod(lengths) * dtype.itemsize, block, timeout)
        if loan is None:
            return numpy.empty(lengths, dtype)
        return numpy.ndarray(lengths, dtype, buffer=loan)


class JoinableQueue(Queue):
    """``multiprocessing.JoinableQueue``: what a killed worker had got goes to another one."""

    _joinable = True

    def _start(self, maxsize: int, name: str | None, **where: Any) -> None:
        super()._start(maxsize, name, **where)
        _hooks.joinable.add(self)

    @property
    def unfinished_tasks(self) -> int:
        """How many objects were put whose tasks are not done."""
        return self._unfinished()

    def task_done(self) -> None:
        if not self._task_done(self._coroutine()):
            raise ValueError("task_done() called too many times")

    def join(self) -> None:
        """Waits until everything that was put is done."""
        self._join()

    def _coroutine(self) -> int:
        # Without asyncio there are no coroutines, and importing it takes longer than everything else here.
        if "asyncio" not in sys.modules:
            return 0
        from ringpost._asyncio import number_of_this_task

        return number_of_this_task()


class SimpleQueue(_Base):
    """``multiprocessing.SimpleQueue``."""

    def __init__(self, *, ctx: Any = None) -> None:
        self._restore({}, arena=ARENA)

    def _restore(self, state: dict[str, Any], **where: Any) -> None:
        self._setup(UNBOUNDED, False, False, False, **where)
        self._made()
        #: Pool takes it to keep its workers from reading; nothing here waits for it.
        self._rlock = threading.Lock()

    def _state(self) -> dict[str, Any]:
        return {}

    def get(self) -> Any:  # type: ignore[override]
        try:
            return super().get()
        except ShutDown:
            raise EOFError from None
        except ValueError:
            if self._closed:
                raise OSError("handle is closed") from None
            raise

    def put(self, obj: Any) -> None:  # type: ignore[override]
        if self._closed:
            raise OSError("handle is closed")
        super().put(obj)

    def empty(self) -> bool:
        return not self._reader.poll()

    def close(self) -> None:
        self._closed = True
        self._reader.close()
        self._writer.close()


def open(name: str) -> Queue:
    """Opens the queue of this name, which the command line, a Rust program or ``Queue(name=…)`` has created."""
    queue = Queue.__new__(Queue)
    queue._start(MOST, name, must_exist=True)
    queue._maxsize = queue._capacity
    return queue


__all__ = ["JoinableQueue", "Queue", "SimpleQueue", "open"]
