"""Coroutines that wait for a queue: a descriptor tells the event loop, and no thread waits for each call.

Whoever waits only waits: it is woken, and then tries to put or get by itself. So nothing is put or taken for a coroutine that
is cancelled meanwhile. A descriptor stays readable as long as there is something: a wake that was lost with its coroutine
comes again.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from queue import Empty
from typing import TYPE_CHECKING, Any, Callable
from weakref import WeakKeyDictionary, finalize

from ringpost._ringpost import Room

if TYPE_CHECKING:
    from ringpost.queues import Queue

_Loop = asyncio.AbstractEventLoop

#: How long a descriptor is not looked at that says "ready" when nothing is there, in seconds.
REST = 0.01

_numbers = itertools.count(1)
_tasks: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()


def number_of_this_task() -> int:
    """Tells the tasks of a loop apart; 0 outside of any."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return 0
    if task is None:
        return 0
    number = _tasks.get(task)
    if number is None:
        number = _tasks[task] = next(_numbers)
    return number


class _Line:
    """The coroutines of one loop that wait for one thing, in order, and the descriptor that tells of it."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.waiting: list[_Waiter] = []
        self.resting = False

    def wake_one(self) -> None:
        for waiter in self.waiting:
            if not waiter.future.done():
                waiter.future.set_result(None)
                return

    def wake_all(self) -> None:
        for waiter in self.waiting:
            if not waiter.future.done():
                waiter.future.set_result(None)

    def enter(self, loop: _Loop) -> _Waiter:
        waiter = _Waiter(loop)
        self.waiting.append(waiter)
        if len(self.waiting) == 1 and not self.resting:
            loop.add_reader(self.fd, self.ready)
        return waiter

    def leave(self, loop: _Loop, waiter: _Waiter) -> None:
        self.waiting.remove(waiter)
        if not self.waiting:
            loop.remove_reader(self.fd)

    def ready(self) -> None:
        self.wake_one()

    def rest(self, loop: _Loop) -> None:
        """Does not look at the descriptor for a moment."""
        if not self.resting:
            self.resting = True
            loop.remove_reader(self.fd)
            loop.call_later(REST, self._rested, loop)

    def _rested(self, loop: _Loop) -> None:
        self.resting = False
        if self.waiting:
            loop.add_reader(self.fd, self.ready)


class _Waiter:
    def __init__(self, loop: _Loop) -> None:
        self.future: asyncio.Future[None] = loop.create_future()
        #: How long the payload is that is to be put.
        self.needs = 0


class _Getters(_Line):
    """Wait for an object."""

    def __init__(self, queue: Queue) -> None:
        # A descriptor of its own: the loop knows one callback for each.
        super().__init__(os.dup(queue._readiness()))
        finalize(self, os.close, self.fd).atexit = False


class _Putters(_Line):
    """Wait for room."""

    def __init__(self, room: Room) -> None:
        super().__init__(room.fileno())
        self.room = room

    def ready(self) -> None:
        self.room.clear()
        self.wake_one()

    def ask(self) -> None:
        """Nobody is awake: says what the first waits for."""
        if not any(waiter.future.done() for waiter in self.waiting):
            self.room.ask(self.waiting[0].needs if self.waiting else None)


class Waiting:
    """The coroutines that wait for one queue, in whichever loops of this process."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._getters: WeakKeyDictionary[_Loop, _Getters] = WeakKeyDictionary()
        self._putters: WeakKeyDictionary[_Loop, _Putters] = WeakKeyDictionary()

    async def get(self) -> Any:
        queue, loop = self._queue, asyncio.get_running_loop()
        line = self._getters.get(loop)
        if line is None:
            line = self._getters[loop] = _Getters(queue)
        waiter = line.enter(loop)
        try:
            while True:
                await waiter.future
                try:
                    return queue._get_now(queue._coroutine())
                except Empty:
                    # Another was faster. Or the queue was shut down, and what somebody has leased may come back.
                    if queue.is_shutdown:
                        line.rest(loop)
                waiter.future = loop.create_future()
        finally:
            line.leave(loop, waiter)

    async def put(self, obj: Any, needs: int) -> None:
        queue, loop = self._queue, asyncio.get_running_loop()
        line = self._putters.get(loop)
        if line is None:
            line = self._putters[loop] = _Putters(queue._room())
        waiter = line.enter(loop)
        waiter.needs = needs
        try:
            while True:
                line.ask()
                await waiter.future
                still_needs = queue._put_now(obj)
                if still_needs is None:
                    return
                waiter.needs = still_needs
                waiter.future = loop.create_future()
        finally:
            line.leave(loop, waiter)
            line.ask()

    def wake_all(self) -> None:
        """The queue was closed in this process: by whichever thread."""
        lines: list[tuple[_Loop, Callable[[], None]]] = []
        for loop, getters in list(self._getters.items()):
            lines.append((loop, getters.wake_all))
        for loop, putters in list(self._putters.items()):
            lines.append((loop, putters.wake_all))
        for loop, wake in lines:
            if not loop.is_closed():
                loop.call_soon_threadsafe(wake)
