"""Several objects at once: all or, after death, all again."""

import os
import signal
from typing import Any

import numpy
import pytest
import ringpost

fork = ringpost.get_context("fork")


class Fails:
    """Fails when it is unpickled, so many times."""

    left = 0

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __reduce__(self) -> Any:
        return fail, (self.kind,)


def fail(kind: type) -> str:
    if Fails.left:
        Fails.left -= 1
        raise kind("as it was told")
    return "read"


class Kills:
    """Kills who unpickles it, if that is not this process."""

    def __reduce__(self) -> Any:
        return kill_others, (os.getpid(),)


def kill_others(pid: int) -> str:
    if os.getpid() != pid:
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


@pytest.mark.parametrize("make", [fork.Queue, fork.JoinableQueue])
def test_killed_before_it_returns_everything_is_delivered_again(make: Any) -> None:
    for _ in range(3):
        queue = make(100)
        queue.put_many([*range(20), Kills(), *range(20, 40)])
        child = fork.Process(target=queue.get_many, args=(100,))
        child.start()
        child.join()
        assert child.exitcode == -9
        got = []
        while len(got) < 41:
            got += queue.get_many(100, timeout=60)
        assert sorted(map(str, got)) == sorted(map(str, [*range(40), "alive"]))


@pytest.mark.parametrize("make", [ringpost.Queue, ringpost.JoinableQueue])
def test_an_error_in_the_middle_is_raised_by_the_next_call(make: Any) -> None:
    queue = make(100)
    queue.put_many([0, 1, Fails(ValueError), 3, 4])
    Fails.left = 2
    assert queue.get_many(100) == [0, 1]
    with pytest.raises(ValueError, match="as it was told"):
        queue.get_many(100)
    assert queue.get_many(100) == [3, 4]
    assert queue.empty() and Fails.left == 0
    if make is ringpost.JoinableQueue:
        for _ in range(4):
            queue.task_done()
        queue.join()


def test_the_item_of_an_error_is_not_lost_with_its_process() -> None:
    queue = fork.Queue(100)
    queue.put_many([0, Fails(ValueError)])
    child = fork.Process(target=get_some_and_die, args=(queue,))
    child.start()
    child.join()
    assert child.exitcode == -9
    assert queue.get(timeout=60) == "read"


def get_some_and_die(queue: Any) -> None:
    Fails.left = 1
    if queue.get_many(100) == [0]:
        os.kill(os.getpid(), signal.SIGKILL)


def test_an_interrupt_in_the_middle_leaves_everything_in_the_queue() -> None:
    queue = ringpost.Queue(100)
    queue.put_many([0, 1, Fails(KeyboardInterrupt), 3])
    Fails.left = 1
    with pytest.raises(KeyboardInterrupt):
        queue.get_many(100)
    got = []
    while len(got) < 4:
        got += queue.get_many(100, timeout=60)
    assert sorted(map(str, got)) == ["0", "1", "3", "read"]


def test_a_batch_is_never_more_than_may_be_in_flight() -> None:
    queue = ringpost.Queue(10_000)
    queue.put_many(range(10_000))
    got = []
    while len(got) < 10_000:
        batch = queue.get_many(10_000)
        assert 0 < len(batch) <= 4096
        got += batch
    assert got == list(range(10_000))
    assert queue.stats()["leased"] == 0
    assert queue.get_many(0) == []


def test_batches_hold_arrays_where_they_lie() -> None:
    queue = ringpost.Queue(100)
    queue.put_many([numpy.full(5000, number) for number in range(10)])
    arrays = queue.get_many(100)
    assert queue.stats()["held"] == 10
    for number, array in enumerate(arrays):
        assert (array == number).all() and array.flags.writeable
    del arrays, array
    assert queue.stats()["held"] == 0
