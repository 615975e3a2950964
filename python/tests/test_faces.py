"""Arguments, subclasses and how a queue is shown."""

import os
import queue as standard
from typing import Any

import pytest
import ringpost


def test_block_and_immediate_may_be_anything_that_is_true_or_false() -> None:
    queue = ringpost.Queue(1)
    queue.put("x", 1, None)
    with pytest.raises(standard.Full):
        queue.put("y", 0)
    with pytest.raises(standard.Full):
        queue.put_many(["y"], block=[])
    assert queue.get(1) == "x"
    with pytest.raises(standard.Empty):
        queue.get(0)
    with pytest.raises(standard.Empty):
        queue.get_many(1, block="", timeout=5)
    with pytest.raises(standard.Empty), queue.lease(0):
        pass
    queue.put("last")
    queue.shutdown(immediate=0)
    assert queue.get() == "last"


class Doubling(ringpost.JoinableQueue):
    def __init__(self, factor: int, **options: Any) -> None:
        self.factor = factor
        super().__init__(**options)

    def put(self, obj: Any, block: bool = True, timeout: Any = None) -> None:
        super().put(obj * self.factor, block, timeout)


def test_a_subclass_keeps_its_methods_and_is_a_queue() -> None:
    import multiprocessing.queues

    queue = Doubling(2, maxsize=3)
    queue.put(4)
    assert queue.get() == 8
    queue.task_done()
    queue.join()
    assert isinstance(queue, ringpost.Queue) and not isinstance(queue, multiprocessing.queues.Queue)


def test_repr_tells_name_depth_and_capacity() -> None:
    name = f"python-repr-{os.getpid()}"
    queue = ringpost.Queue(7, name=name)
    try:
        queue.put_many([1, 2])
        assert repr(queue) == f"<ringpost.queues.Queue name={name!r} depth=2 capacity=7>"
    finally:
        queue.unlink()
    assert repr(ringpost.JoinableQueue(3)) == "<ringpost.queues.JoinableQueue name=None depth=0 capacity=3>"
    assert "SimpleQueue name=None depth=0" in repr(ringpost.SimpleQueue())


def test_an_unfinished_init_is_an_error_not_a_crash() -> None:
    class Unfinished(ringpost.Queue):
        def __init__(self) -> None:
            pass

    queue = Unfinished()
    for call in (queue.get, queue.qsize, queue.stats, lambda: queue.put(1)):
        with pytest.raises(RuntimeError, match="__init__"):
            call()
