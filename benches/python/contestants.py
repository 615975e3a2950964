"""Python's queues between processes, behind one shape: functions that put and get, as a user would call them."""

from __future__ import annotations

import importlib
import importlib.metadata
import multiprocessing
import platform
from dataclasses import dataclass
from typing import Any, Callable

CONTEXT = multiprocessing.get_context("fork")
#: What an array's queue holds at most, in bytes.
ROOM = 16 << 20
#: A call that takes longer hangs.
PATIENCE = 30.0


@dataclass
class Line:
    """One queue. The functions are the library's own wherever they can be, so that no wrapper is measured."""

    put: Callable[[Any], Any]
    get: Callable[[], Any]
    put_many: Callable[[list[Any]], Any] | None = None
    get_many: Callable[[], list[Any]] | None = None
    #: The sender calls it when it has sent everything.
    finish: Callable[[], Any] = lambda: None
    #: The sender may be killed in the middle: nothing is left behind.
    expendable: bool = True


@dataclass
class Contestant:
    """How a queue is made, and what it can do."""

    name: str
    #: Makes a queue for small objects, or for arrays.
    make: Callable[[bool], Line]
    #: Why it takes no part in a measurement.
    unfit: dict[str, str]
    #: The package whose version it has.
    package: str = ""
    #: It is another way to use a contestant, and differs only in measurements that begin so.
    only: str = ""


NO_BATCHES = {"batches": "it has no call for several objects"}


def queue(arrays: bool) -> Line:
    made = CONTEXT.Queue(16) if arrays else CONTEXT.Queue()
    return Line(made.put, made.get)


def simple_queue(arrays: bool) -> Line:
    made = CONTEXT.SimpleQueue()
    return Line(made.put, made.get)


def pipe(arrays: bool) -> Line:
    reader, writer = CONTEXT.Pipe(duplex=False)
    return Line(writer.send, reader.recv)


def fifo_queue(arrays: bool) -> Any:
    faster_fifo = importlib.import_module("faster_fifo")
    importlib.import_module("faster_fifo_reduction")
    return faster_fifo.Queue(ROOM) if arrays else faster_fifo.Queue()


def fifo(arrays: bool) -> Line:
    made = fifo_queue(arrays)
    # Their timeouts are 10 s unless said otherwise.
    return Line(made.put, made.get, made.put_many, lambda: made.get_many(max_messages_to_get=64))


def polled_fifo(arrays: bool) -> Line:
    made = fifo_queue(arrays)
    empty = importlib.import_module("queue").Empty
    get_nowait = made.get_nowait

    def get() -> Any:
        while True:
            try:
                return get_nowait()
            except empty:
                pass

    return Line(made.put, get)


def sharedmemory(arrays: bool) -> Line:
    pair = importlib.import_module("py_sharedmemory").create_shared_memory_pair
    sender, receiver = pair(capacity=16 if arrays else 256, ctx=CONTEXT)

    def finish() -> None:
        sender.wait_for_all_ack(PATIENCE)
        sender.close()

    return Line(sender.put, receiver.get, finish=finish, expendable=False)


def ringpost(arrays: bool) -> Line:
    module = importlib.import_module("ringpost")
    made = module.Queue(16) if arrays else module.Queue()
    return Line(made.put, made.get, made.put_many, lambda: made.get_many(64))


def ringpost_pipe(arrays: bool) -> Line:
    reader, writer = importlib.import_module("ringpost").Pipe(duplex=False)
    return Line(writer.send, reader.recv)


def one_pair(why: str) -> dict[str, str]:
    return {"throughput/2-2": why, **NO_BATCHES}


ALL = [
    Contestant("multiprocessing.Queue", queue, NO_BATCHES),
    Contestant("SimpleQueue", simple_queue, NO_BATCHES),
    Contestant("Pipe", pipe, one_pair("its ends are for one process each")),
    Contestant("faster-fifo", fifo, {}, "faster-fifo"),
    Contestant("faster-fifo polling", polled_fifo, {}, "faster-fifo", only="round-trip"),
    Contestant("py-sharedmemory", sharedmemory, one_pair("it has one sender"), "py-sharedmemory"),
    Contestant("ringpost", ringpost, {}, "ringpost"),
    Contestant(
        "ringpost Pipe",
        ringpost_pipe,
        one_pair("its ends are for one process each"),
        "ringpost",
    ),
]


def usable() -> tuple[list[Contestant], list[tuple[str, str]]]:
    """Those that can be made here, and why the others cannot."""
    able, unable = [], []
    for contestant in ALL:
        try:
            contestant.make(False)
        except Exception as error:
            unable.append((contestant.name, f"{type(error).__name__}: {error}"))
        else:
            able.append(contestant)
    return able, unable


def version(contestant: Contestant) -> str:
    """Of its package, or of Python."""
    package = contestant.package
    if not package:
        return platform.python_version()
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed by pip"
