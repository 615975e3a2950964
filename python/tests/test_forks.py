"""A fork while other threads are anywhere in a call: the child uses the handles at once."""

import os
import random
import signal
import sys
import threading
import time
from typing import Any, Callable

import numpy
import ringpost


def forked(do: Callable[[], None]) -> int:
    """Starts a child that does something; a hang, and an exception, end it with a status that is not 0."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)
        do()
        status = 0
    except BaseException as error:
        os.write(2, f"child: {error!r}\n".encode())
    finally:
        os._exit(status)


def ended(pid: int) -> int:
    return os.waitpid(pid, 0)[1]


def test_threads_wait_in_put_and_get_while_forking() -> None:
    full, empty, tasks = ringpost.Queue(1), ringpost.Queue(), ringpost.JoinableQueue()
    full.put("first")
    tasks.put("task")
    got: list[Any] = []
    threads = [
        threading.Thread(target=full.put, args=("second",)),
        threading.Thread(target=lambda: got.append(empty.get())),
        threading.Thread(target=tasks.join),
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    assert all(thread.is_alive() for thread in threads)

    def child() -> None:
        assert full.get(timeout=30) == "first"
        assert full.get(timeout=30) == "second"
        assert tasks.get(timeout=30) == "task"
        tasks.task_done()
        tasks.join()
        empty.put("from the child")

    assert ended(forked(child)) == 0
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert got == ["from the child"]


def test_forks_while_threads_are_at_work(times: Callable[[int], int], chance: random.Random) -> None:
    """Whatever lock a thread holds when another forks, the child must not meet it locked."""
    bounded, unbounded, tasks = ringpost.Queue(8), ringpost.Queue(), ringpost.JoinableQueue()
    stop = threading.Event()

    def churn(queue: Any) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            queue.put((number, b"x" * chance.randrange(100)))
            queue.get()
            if queue is tasks:
                queue.task_done()

    def overflow() -> None:
        while not stop.is_set():
            unbounded.put_many(range(20_000))  # a thread flushes it
            while unbounded.qsize() > 5_000 and not stop.is_set():
                unbounded.get_many(100)

    def child() -> None:
        for queue in (bounded, unbounded, tasks):
            queue.put("a")
            queue.get(timeout=30)
            queue.qsize()
            queue.empty()
            queue.stats()
        tasks.task_done()
        own = ringpost.Queue()
        own.put_many(range(20_000))
        assert own.get_many(20_000)[0] == 0

    threads = [threading.Thread(target=churn, args=(queue,)) for queue in (bounded, tasks)]
    threads.append(threading.Thread(target=overflow))
    for thread in threads:
        thread.start()
    try:
        for _ in range(times(60)):
            time.sleep(chance.random() * 0.003)
            assert ended(forked(child)) == 0
    finally:
        stop.set()
        # What a child has taken, a thread may wait for.
        while any(thread.is_alive() for thread in threads):
            for queue in (bounded, tasks):
                if queue.empty():
                    queue.put("enough")
            time.sleep(0.01)
    while not unbounded.empty():
        unbounded.get_many(10_000)


def test_an_inherited_handle_in_a_child_that_exits_at_once_is_left_alone() -> None:
    queue, tasks = ringpost.Queue(), ringpost.JoinableQueue()
    queue.put_many(range(20_000))
    tasks.put_many(["mine", "child's"])
    assert tasks.get() == "mine"

    def only_inherits() -> None:
        os._exit(0)

    def uses() -> None:
        assert queue.get() == 0
        assert tasks.get() == "child's"
        os._exit(0)

    for do in (only_inherits, uses, only_inherits):
        assert ended(forked(do)) == 0
    # To end like that is death: what it had got goes to another. What the parent has is still the parent's.
    assert tasks.get(timeout=60) == "child's"
    tasks.task_done()
    tasks.task_done()
    tasks.join()
    assert [queue.get() for _ in range(19_999)] == list(range(1, 20_000))


def test_an_array_that_a_child_inherits_stays_its_parents() -> None:
    queue = ringpost.Queue(4)
    queue.put(numpy.arange(100_000))
    array = queue.get()

    def child() -> None:
        sys.stdout.flush()
        nonlocal array
        del array

    assert ended(forked(child)) == 0
    assert queue.stats()["held"] == 1
    numpy.testing.assert_array_equal(array, numpy.arange(100_000))
    queue.put(numpy.zeros(100_000))
    numpy.testing.assert_array_equal(array, numpy.arange(100_000))


def test_a_grandchild_uses_what_its_grandparent_made() -> None:
    queue = ringpost.Queue(10)

    def child() -> None:
        queue.put("child")
        assert ended(forked(lambda: queue.put("grandchild"))) == 0

    assert ended(forked(child)) == 0
    assert [queue.get(timeout=60), queue.get(timeout=60)] == ["child", "grandchild"]
