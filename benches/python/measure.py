"""What is measured of one contestant in one round, with pinned processes and every object checked."""

from __future__ import annotations

import itertools
import json
import mmap
import os
import signal
import statistics
import sys
import traceback
from time import perf_counter, perf_counter_ns
from typing import Any, Callable

from contestants import CONTEXT, Contestant, Line

ARRAY = 1_000_000
BATCH = 64
#: After so many seconds a process of a run is killed, whatever becomes of the others.
DEADLINE = 25
#: The clock and the flag are looked at once in so many objects.
STRIDE = 16

Make = Callable[[int], Any]
Read = Callable[[Any], int]
Report = Callable[[dict[str, Any]], None]


class Wrong(Exception):
    """An object was lost, repeated or changed."""


def pin(side: int) -> None:
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpus[side % len(cpus)]})


# What is sent: `make` of a number, and `read`, which finds the number again.


def tuples() -> tuple[Make, Read]:
    return (lambda number: (number, "a", 2.5)), (lambda item: item[0])


def raw(length: int) -> tuple[Make, Read]:
    rest = bytes(length - 8)

    def make(number: int) -> bytes:
        return number.to_bytes(8, "little") + rest

    def read(item: bytes) -> int:
        if len(item) != length:
            raise Wrong(f"{len(item)} bytes instead of {length}")
        return int.from_bytes(item[:8], "little")

    return make, read


def arrays(whole: bool) -> tuple[Make, Read]:
    """Arrays of bytes. `whole`: each is written and read in full; otherwise its two ends, to see that it is the right one."""
    import numpy

    # A queue with a thread pickles them some time after `put`.
    ring = [numpy.zeros(ARRAY, dtype=numpy.uint8) for _ in range(32)]

    def make(number: int) -> Any:
        array = ring[number % len(ring)]
        words = array.view(numpy.uint64)
        if whole:
            words[:] = number
        else:
            words[0] = words[-1] = number
        return array

    def read(item: Any) -> int:
        got = item.view(numpy.uint64)
        number = int(got[0])
        if item.nbytes != ARRAY or int(got[-1]) != number:
            raise Wrong("an array has changed")
        if whole and int(got.sum()) != number * len(got):
            raise Wrong("an array has changed")
        return number

    return make, read


def expect(number: int, expected: int) -> None:
    if number != expected:
        raise Wrong(f"number {number} came instead of {expected}")


class Crew:
    """The processes of one run: they report by lines, and end together."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.stop = mmap.mmap(-1, mmap.PAGESIZE)
        self.out, self.into = os.pipe()
        self.workers: list[Any] = []

    def start(self, side: int, work: Callable[[Report], None]) -> Any:
        def report(found: dict[str, Any]) -> None:
            os.write(self.into, json.dumps(found).encode() + b"\n")

        def run() -> None:
            signal.alarm(DEADLINE)
            try:
                pin(side)
                work(report)
            except BaseException as error:
                traceback.print_exc(file=sys.stderr)
                report({"error": f"{type(error).__name__}: {error}"})
                os._exit(1)

        worker = CONTEXT.Process(target=run, daemon=True)
        worker.start()
        self.workers.append(worker)
        return worker

    def reports(self, count: int) -> list[dict[str, Any]]:
        with os.fdopen(os.dup(self.out)) as lines:
            found = [json.loads(line) for line in itertools.islice(lines, count)]
        for one in found:
            if "error" in one:
                raise Wrong(one["error"])
        return found

    def end(self, expendable: bool) -> None:
        self.stop[0] = 1
        for worker in self.workers:
            if expendable:
                worker.kill()
            worker.join(5)
            worker.kill()
            worker.join()
        os.close(self.out)
        os.close(self.into)


def round_trip(contestant: Contestant, seconds: float) -> float:
    """Nanoseconds, the median."""
    there, back = contestant.make(False), contestant.make(False)
    make, read = raw(64)
    crew = Crew(seconds)

    def asks(report: Report) -> None:
        put, get = there.put, back.get
        times = []
        end = None
        for number in itertools.count():
            began = perf_counter_ns()
            put(make(number))
            item = get()
            now = perf_counter_ns()
            expect(read(item), number)
            if end is None:
                # The first ones warm up.
                end = now + int(seconds * 1e9) if number >= 50 else None
            else:
                times.append(now - began)
                if now > end:
                    break
        put(None)
        report({"median": statistics.median(times)})
        there.finish()

    def answers(report: Report) -> None:
        put, get = back.put, there.get
        while (item := get()) is not None:
            put(item)
        back.finish()

    crew.start(1, answers)
    crew.start(0, asks)
    [found] = crew.reports(1)
    crew.end(there.expendable)
    return float(found["median"])


def sends(line: Line, crew: Crew, make: Make, stride: int) -> Callable[[Report], None]:
    def work(report: Report) -> None:
        put, stop = line.put, crew.stop
        for first in itertools.count(0, stride):
            for number in range(first, first + stride):
                put(make(number))
            if stop[0]:
                break
        if not line.expendable:
            put(None)
        line.finish()

    return work


def throughput(contestant: Contestant, seconds: float, kind: Any, big: bool = False) -> float:
    """Objects a second, from one process to one other."""
    line = contestant.make(big)
    make, read = kind
    stride = 1 if big else STRIDE
    crew = Crew(seconds)

    def receives(report: Report) -> None:
        get = line.get
        warm = 4 if big else 512
        for number in range(warm):
            expect(read(get()), number)
        began = now = perf_counter()
        number = warm
        while now - began < seconds:
            for number in range(number, number + stride):
                expect(read(get()), number)
            number += 1
            now = perf_counter()
        report({"rate": (number - warm) / (now - began)})
        if not line.expendable:
            crew.stop[0] = 1
            while get() is not None:
                pass

    crew.start(1, receives)
    crew.start(0, sends(line, crew, make, stride))
    [found] = crew.reports(1)
    crew.end(line.expendable)
    return float(found["rate"])


def two_to_two(contestant: Contestant, seconds: float) -> float:
    """Objects of 64 bytes a second, from two processes to two others."""
    line = contestant.make(False)
    make, read = raw(64)
    crew = Crew(seconds)

    def receives(report: Report) -> None:
        get = line.get
        last = [-1, -1]

        def take() -> None:
            sender, number = divmod(read(get()), 1 << 40)
            if number <= last[sender]:
                raise Wrong(f"number {number} came after {last[sender]}")
            last[sender] = number

        for _ in range(256):
            take()
        began = now = perf_counter()
        count = 0
        while now - began < seconds:
            for _ in range(STRIDE):
                take()
            count += STRIDE
            now = perf_counter()
        report({"rate": count / (now - began)})

    for side in (0, 1):
        crew.start(side, receives)
    for side in (0, 1):
        crew.start(side, sends(line, crew, lambda number, side=side: make((side << 40) + number), STRIDE))
    found = crew.reports(2)
    crew.end(True)
    return sum(float(one["rate"]) for one in found)


def batches(contestant: Contestant, seconds: float) -> float:
    """Small tuples a second, by calls for 64 at once."""
    line = contestant.make(False)
    make, read = tuples()
    crew = Crew(seconds)
    put_many, get_many = line.put_many, line.get_many
    assert put_many is not None and get_many is not None

    def sends_many(report: Report) -> None:
        for first in itertools.count(0, BATCH):
            put_many([make(number) for number in range(first, first + BATCH)])

    def receives(report: Report) -> None:
        number = 0
        began = None
        while True:
            for item in get_many():
                expect(read(item), number)
                number += 1
            now = perf_counter()
            if began is None:
                began, warm = (now, number) if number >= 512 else (None, 0)
            elif now - began >= seconds:
                break
        report({"rate": (number - warm) / (now - began)})

    crew.start(1, receives)
    crew.start(0, sends_many)
    [found] = crew.reports(1)
    crew.end(line.expendable)
    return float(found["rate"])


#: Name, unit, whether less is better, what makes the unit of what was measured, and how.
ALL: list[tuple[str, str, bool, float, Callable[[Contestant, float], float]]] = [
    ("round-trip/64 B", "ns", True, 1.0, round_trip),
    ("throughput/1-1/tuple", "M/s", False, 1e-6, lambda c, s: throughput(c, s, tuples())),
    ("throughput/1-1/1 KiB", "M/s", False, 1e-6, lambda c, s: throughput(c, s, raw(1024))),
    (
        "throughput/1-1/1 MB array",
        "GB/s",
        False,
        ARRAY / 1e9,
        lambda c, s: throughput(c, s, arrays(False), True),
    ),
    (
        "throughput/1-1/1 MB array in full",
        "GB/s",
        False,
        ARRAY / 1e9,
        lambda c, s: throughput(c, s, arrays(True), True),
    ),
    ("throughput/2-2/64 B", "M/s", False, 1e-6, two_to_two),
    ("batches/tuple", "M/s", False, 1e-6, batches),
]
