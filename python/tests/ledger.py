"""What happened to each item, in a file that all workers map: it outlives them, whenever they are killed.

A producer is given a range of numbers, puts them one after the other, and then writes down how many `put` has confirmed. A
consumer writes down what it is about to do, counts each item that it gets, and only then says that it has.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import signal
import time
from pathlib import Path
from typing import Any, Callable

#: The most that one producer puts.
PER = 20_000
#: Producers and consumers, one after the other.
WORKERS = 4_096
#: What a consumer is doing: nothing; or it is within a call that may take items, which are not counted yet.
OUTSIDE, INSIDE = 0, 1


class Ledger:
    def __init__(self, path: Path | str, producers: int) -> None:
        self.path, self.producers = str(path), producers
        size = 16 * WORKERS + producers * PER
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT)
        os.ftruncate(descriptor, size)
        self._map = mmap.mmap(descriptor, size)
        os.close(descriptor)
        words = memoryview(self._map)[: 16 * WORKERS].cast("Q")
        #: Of a producer: how many puts were confirmed; of a consumer: how many items it has counted.
        self.progress = words[:WORKERS]
        #: Of a consumer: what it is doing.
        self.state = words[WORKERS:]
        #: Of each number: how often it was delivered.
        self.seen = memoryview(self._map)[16 * WORKERS :]

    def __reduce__(self) -> tuple[Any, ...]:
        return Ledger, (self.path, self.producers)


# The workers. Each runs until it is killed.


def work(function: Callable[..., None], *arguments: Any) -> None:
    # It does not outlive a test run that is itself killed: PR_SET_PDEATHSIG.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    function(*arguments)


def produce(queue: Any, ledger: Ledger, worker: int, producer: int, make: Callable[[int], Any]) -> None:
    progress, first = ledger.progress, producer * PER
    for number in range(PER):
        queue.put(make(first + number))
        progress[worker] = number + 1
    time.sleep(1000)


def small(number: int) -> Any:
    return number, "a small object"


def array(number: int) -> Any:
    import numpy

    return numpy.full(8192, number)


def count(ledger: Ledger, worker: int, item: Any) -> None:
    number = int(item[0])
    assert item[0] == item[-1] or item[1] == "a small object", "an array whose pages are of two"
    ledger.seen[number] += 1


def consume_by_get(queue: Any, ledger: Ledger, worker: int) -> None:
    state, progress = ledger.state, ledger.progress
    while True:
        state[worker] = INSIDE
        count(ledger, worker, queue.get())
        state[worker] = OUTSIDE
        progress[worker] += 1


def consume_by_get_many(queue: Any, ledger: Ledger, worker: int) -> None:
    state, progress = ledger.state, ledger.progress
    while True:
        state[worker] = INSIDE
        for item in queue.get_many(BATCH):
            count(ledger, worker, item)
        state[worker] = OUTSIDE
        progress[worker] += 1


def consume_by_lease(queue: Any, ledger: Ledger, worker: int) -> None:
    state, progress = ledger.state, ledger.progress
    while True:
        state[worker] = INSIDE
        with queue.lease() as item:
            count(ledger, worker, item)
        state[worker] = OUTSIDE
        progress[worker] += 1


def consume_tasks(queue: Any, ledger: Ledger, worker: int) -> None:
    state, progress = ledger.state, ledger.progress
    while True:
        state[worker] = INSIDE
        count(ledger, worker, queue.get())
        queue.task_done()
        state[worker] = OUTSIDE
        progress[worker] += 1


def consume_and_hold(queue: Any, ledger: Ledger, worker: int) -> None:
    """Keeps the last three arrays, and looks at them: what it holds is its own."""
    state, progress, held = ledger.state, ledger.progress, []
    while True:
        state[worker] = INSIDE
        item = queue.get()
        count(ledger, worker, item)
        state[worker] = OUTSIDE
        held = held[-2:] + [item]
        for item in held:
            assert (item == item[0]).all()
            item[:] = item[0]
        progress[worker] += 1


BATCH = 16


def killed(
    context: Any, queue: Any, ledger: Ledger, consume: Any, make: Any, kills: int, chance: random.Random
) -> tuple[dict[int, int], list[int], list[Any]]:
    """Starts two producers and two consumers, kills one at random, starts another in its place, and so on. Returns the worker
    number of each producer, those of the consumers, and who is alive at the end."""
    producers: dict[int, int] = {}
    consumers: list[int] = []
    alive: list[tuple[Any, int, bool]] = []

    def start(produces: bool) -> None:
        worker = len(producers) + len(consumers)
        if produces:
            producer = len(producers)
            producers[producer] = worker
            arguments = (queue, ledger, worker, producer, make)
            child = context.Process(target=work, args=(produce, *arguments))
        else:
            consumers.append(worker)
            child = context.Process(target=work, args=(consume, queue, ledger, worker))
        child.start()
        alive.append((child, worker, produces))

    for produces in (True, True, False, False):
        start(produces)
    for _ in range(kills):
        child, worker, produces = alive.pop(chance.randrange(len(alive)))
        # It is at work, or waits: since the others may just have been killed, not for ever.
        end = time.monotonic() + 0.05
        while ledger.progress[worker] == 0 and time.monotonic() < end:
            time.sleep(0.0005)
        time.sleep(chance.random() * 0.004)
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL, "it had not ended by itself"
        child.close()
        start(produces)
    return producers, consumers, [child for child, _, _ in alive]
