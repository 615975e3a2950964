"""What pickling does is seen by nobody but who puts and gets: errors, reducers that come late, and those that use the queue."""

import copyreg
import threading
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest
import ringpost
import workers

KINDS = [ringpost.Queue, ringpost.JoinableQueue, ringpost.SimpleQueue]


class Refuses:
    def __reduce__(self) -> Any:
        raise LookupError("not this one")


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_that_cannot_be_pickled_is_raised_and_the_queue_is_as_before(kind: Any) -> None:
    queue = kind()
    queue.put("before")
    for obj in (Refuses(), [bytearray(100_000), Refuses()], {"deep": [Refuses()] * 3}, threading.Lock(), lambda: 0):
        with pytest.raises(Exception) as raised:
            queue.put(obj)
        assert "not this one" in str(raised.value) or "pickle" in str(raised.value)
    stats = queue.stats()
    assert (stats["queued"], stats["leased"]) == (1, 0)
    queue.put("after")
    assert [queue.get(), queue.get()] == ["before", "after"]


def test_pickling_errors_go_to_an_overridden_hook() -> None:
    seen: list[Any] = []

    class Hooked(ringpost.Queue):
        @staticmethod
        def _on_queue_feeder_error(e: BaseException, obj: Any) -> None:
            seen.append((type(e), obj))

    queue, bad = Hooked(), Refuses()
    queue.put(1)
    queue.put(bad)
    queue.put(2)
    assert seen == [(LookupError, bad)]
    assert [queue.get(), queue.get()] == [1, 2]
    assert queue.empty()


class Late:
    def __init__(self, value: int) -> None:
        self.value = value


def late(value: int) -> Late:
    return Late(-value)


@pytest.mark.parametrize("register", [ForkingPickler.register, copyreg.pickle])
def test_a_reducer_that_is_registered_later_counts(register: Any) -> None:
    queue = ringpost.Queue()
    queue.put(Late(1))
    assert queue.get().value == 1
    register(Late, lambda obj: (late, (obj.value,)))
    try:
        queue.put([Late(2)])
        assert queue.get()[0].value == -2
    finally:
        ForkingPickler._extra_reducers.pop(Late, None)
        copyreg.dispatch_table.pop(Late, None)


class PutsItself:
    """Its reduction puts something into a queue: into the one that it is itself put into, as well."""

    where: Any = None

    def __init__(self, depth: int) -> None:
        self.depth = depth

    def __reduce_ex__(self, protocol: int) -> Any:
        assert protocol == 5
        if self.depth:
            self.where.put(PutsItself(self.depth - 1))
        return PutsItself, (self.depth,)


def test_a_reducer_may_put_into_the_same_queue() -> None:
    queue = PutsItself.where = ringpost.Queue()
    queue.put(["so that a pickler is kept"])
    queue.get()
    shared = ["met again"]
    queue.put([shared, PutsItself(3), shared, "and more"])
    assert [queue.get().depth for _ in range(3)] == [0, 1, 2]
    got = queue.get()
    assert got[0] == ["met again"] and got[2] is got[0]
    assert got[1].depth == 3 and got[3] == "and more"


class GetsItself:
    """Its loading gets something from the queue that it is itself got from."""

    where: Any = None

    def __setstate__(self, state: Any) -> None:
        self.inner = self.where.get()


def test_a_loader_may_get_from_the_same_queue() -> None:
    queue = GetsItself.where = ringpost.Queue()
    obj = GetsItself()
    obj.something = 1  # type: ignore[attr-defined]
    queue.put(obj)
    queue.put("inner")
    assert queue.get().inner == "inner"
    assert queue.stats()["leased"] == 0


def test_bound_methods_sockets_and_connections_go_through(method: str) -> None:
    import multiprocessing

    queue = ringpost.Queue()
    queue.put("text".upper)
    assert queue.get()() == "TEXT"
    context = ringpost.get_context(method)
    here, there = multiprocessing.Pipe()
    child = context.Process(target=workers.send_by_what_it_gets, args=(queue,))
    child.start()
    queue.put(there)
    assert here.recv() == "by a connection that came through the queue"
    child.join()
