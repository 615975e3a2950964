"""Queue, in one process and between several."""

import gc
import os
import queue as standard
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import ringpost
import workers


def test_what_is_put_comes_out_in_order() -> None:
    queue = ringpost.Queue(10)
    objects = [1, "two", (3, None), {"four": [4]}, b"five", b"", bytearray(b"six"), b"\x93ringpy\x01seven"]
    for obj in objects:
        queue.put(obj)
    assert queue.qsize() == len(objects)
    assert [queue.get() for _ in objects] == objects
    assert queue.empty()


def test_it_raises_what_the_standard_library_raises() -> None:
    queue = ringpost.Queue(maxsize=1)
    with pytest.raises(standard.Empty):
        queue.get_nowait()
    with pytest.raises(standard.Empty):
        queue.get(timeout=0.01)
    with pytest.raises(standard.Empty):
        queue.get(timeout=-1)
    queue.put(1)
    assert queue.full()
    for put in (
        lambda: queue.put_nowait(2),
        lambda: queue.put(2, timeout=0.01),
        lambda: queue.put(2, False),
        lambda: queue.put(2, True, -1),
    ):
        with pytest.raises(standard.Full):
            put()
    queue.close()
    for call in (lambda: queue.put(1), queue.get, queue.get_nowait):
        with pytest.raises(ValueError):
            call()
    queue.join_thread()


def test_what_cannot_be_pickled_is_raised_by_put_and_changes_nothing() -> None:
    queue = ringpost.Queue()
    for _ in range(3):
        with pytest.raises(Exception, match="pickle"):
            queue.put(["something before", lambda: 0])
        queue.put(7)
        assert queue.get() == 7


def test_an_item_that_cannot_be_unpickled_is_raised_once() -> None:
    queue = ringpost.Queue(2)
    queue.put(Unloadable())
    queue.put(1)
    with pytest.raises(ZeroDivisionError):
        queue.get()
    assert queue.get() == 1


class Unloadable:
    def __reduce__(self):  # type: ignore[no-untyped-def]
        return divmod, (1, 0)


def test_without_a_maxsize_a_put_never_waits() -> None:
    queue = ringpost.Queue()
    for number in range(50_000):
        queue.put(number)
    assert not queue.full()
    assert queue.qsize() == 50_000
    assert queue.stats()["waiting_in_process"] > 0
    # Not get_nowait: what waits in the process is moved by a thread, which may be behind.
    assert [queue.get(timeout=60) for _ in range(50_000)] == list(range(50_000))
    assert queue.empty()


def test_what_waits_in_a_process_is_flushed_before_it_exits(method: str) -> None:
    queue = ringpost.Queue()
    numbers = list(range(40_000))
    child = ringpost.get_context(method).Process(target=workers.put_all, args=(queue, numbers))
    child.start()
    assert [queue.get(timeout=60) for _ in numbers] == numbers
    child.join()
    assert child.exitcode == 0


def test_a_forked_child_does_not_flush_what_waits_in_its_parent() -> None:
    queue = ringpost.Queue()
    queue.put_many(range(20_000))
    child = ringpost.get_context("fork").Process(target=workers.get_and_exit, args=(queue, 10_000))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert [queue.get() for _ in range(10_000)] == list(range(10_000, 20_000))


def test_cancelled_a_process_exits_with_what_waits_in_it() -> None:
    pid = os.fork()
    if pid == 0:
        queue = ringpost.Queue()
        queue.cancel_join_thread()
        queue.put_many(range(30_000))
        from multiprocessing import util

        util._exit_function()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def test_between_processes(method: str) -> None:
    context = ringpost.get_context(method)
    requests, answers = context.Queue(), context.SimpleQueue()
    children = [context.Process(target=workers.echo, args=(requests, answers)) for _ in range(2)]
    for child in children:
        child.start()
    requests.put_many(range(100))
    assert sorted(answers.get()[1] for _ in range(100)) == list(range(100))
    requests.put_many([None, None])
    for child in children:
        child.join()
        assert child.exitcode == 0


def test_a_handle_is_pickled_only_while_a_child_is_started() -> None:
    import pickle

    with pytest.raises(RuntimeError, match="should only be shared"):
        pickle.dumps(ringpost.Queue())


def test_a_named_queue(method: str) -> None:
    import pickle

    name = f"python-{os.getpid()}-{method}"
    queue = ringpost.Queue(10, name=name)
    try:
        done = ringpost.Queue()
        child = ringpost.get_context(method).Process(target=workers.add_name, args=(done, name))
        child.start()
        assert done.get(timeout=60) == "done"
        child.join()
        assert queue.get() == ("by name", child.pid)
        pickle.loads(pickle.dumps(queue)).put(b"raw")
        assert ringpost.open(name).get() == b"raw"
    finally:
        queue.unlink()
    with pytest.raises(FileNotFoundError):
        ringpost.open(name)


def test_many_at_once() -> None:
    queue = ringpost.Queue(100)
    queue.put_many(str(number) for number in range(10))
    assert queue.get_many(4) == ["0", "1", "2", "3"]
    assert queue.get_many(100) == [str(number) for number in range(4, 10)]
    with pytest.raises(standard.Empty):
        queue.get_many(1, block=False)


def test_a_lease_is_acknowledged_by_its_block_or_delivered_again() -> None:
    queue = ringpost.Queue(10)
    queue.put("task")
    with pytest.raises(KeyError), queue.lease() as item:
        assert item == "task"
        raise KeyError
    with queue.lease() as item:
        assert item == "task"
    with pytest.raises(standard.Empty), queue.lease(block=False):
        pass
    assert queue.stats()["leased"] == 0


def test_iteration_ends_with_the_shutdown() -> None:
    queue = ringpost.Queue(10)
    queue.put_many([1, 2, 3])
    queue.shutdown()
    assert list(queue) == [1, 2, 3]
    for call in (queue.get, lambda: queue.put(1)):
        with pytest.raises(ringpost.ShutDown):
            call()


def test_an_immediate_shutdown_drops_what_is_queued_and_wakes_who_waits() -> None:
    queue = ringpost.Queue(10)
    raised = []

    def get() -> None:
        try:
            queue.get()
        except ringpost.ShutDown as error:
            raised.append(error)

    thread = threading.Thread(target=get)
    thread.start()
    time.sleep(0.05)
    queue.shutdown(immediate=True)
    thread.join()
    assert len(raised) == 1


def test_a_waiting_get_is_interrupted(method: str) -> None:
    context = ringpost.get_context(method)
    queue, ready = context.Queue(), context.Queue()
    child = context.Process(target=workers.wait_for_ever, args=(queue, ready))
    child.start()
    pid = ready.get(timeout=60)
    time.sleep(0.1)
    os.kill(pid, signal.SIGINT)
    assert ready.get(timeout=60) == "interrupted"
    child.join()
    assert child.exitcode == 0


def test_a_payload_that_is_too_long_is_refused_with_its_size() -> None:
    queue = ringpost.Queue(10, arena=1 << 20)
    with pytest.raises(ValueError, match=r"payload of 2\.0 MB is larger than the arena of 1\.0 MB; pass arena="):
        queue.put(bytes(2 << 20))


def test_subclasses_and_repr() -> None:
    class Mine(ringpost.Queue):
        def __init__(self, extra: int) -> None:
            self.extra = extra
            super().__init__(5)

        def get_twice(self) -> tuple[object, object]:
            return self.get(), self.get()

    queue = Mine(3)
    queue.put_many([1, 2])
    assert queue.get_twice() == (1, 2)
    assert "depth=0 capacity=5" in repr(queue)


def test_producers_that_are_killed_disturb_nobody() -> None:
    context = ringpost.get_context("fork")
    queue = ringpost.Queue(1000)
    last = {}
    kills = 30
    for number in range(kills):
        child = context.Process(target=workers.put_for_ever, args=(queue, number))
        child.start()
        seen = 0
        while seen < 500:
            who, count = queue.get(timeout=60)
            assert count == last.get(who, -1) + 1, "in order, nothing lost, nothing twice"
            last[who] = count
            seen += who == number
        child.kill()
        child.join()
    while True:
        try:
            queue.put_nowait("after")
            break
        except standard.Full:
            queue.get(timeout=60)
    while queue.get(timeout=60) != "after":
        pass
    assert len(last) == kills


@pytest.mark.parametrize("kind", [ringpost.Queue, ringpost.JoinableQueue, ringpost.SimpleQueue])
def test_a_queue_is_gone_with_its_last_name(kind: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        before = len(os.listdir("/proc/self/fd"))
        queue = kind()
        queue.put([1])
        assert queue.get() == [1] and queue._reader.poll() is False
        assert len(os.listdir("/proc/self/fd")) > before
        del queue
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        gc.enable()


def test_a_queue_leaves_no_file() -> None:
    before = set(Path("/dev/shm").iterdir())
    queues = [ringpost.Queue(), ringpost.JoinableQueue(), ringpost.SimpleQueue()]
    assert set(Path("/dev/shm").iterdir()) <= before | {
        path for path in Path("/dev/shm").iterdir() if f"-{os.getpid()}-" not in path.name
    }
    del queues
