"""Arrays that are filled where they lie, and put without a copy."""

import asyncio
import gc
import os
import signal
from queue import Full
from typing import Any

import numpy
import pytest
import ringpost

fork = ringpost.get_context("fork")


def owner_of(array: Any) -> Any:
    while isinstance(array, numpy.ndarray):
        array = array.base
    return array


def test_an_array_is_filled_in_shared_memory_and_handed_over_where_it_is() -> None:
    queue = ringpost.Queue(4)
    array = queue.empty_array((300, 200), "float32")
    assert array.shape == (300, 200) and array.dtype == numpy.float32
    assert array.flags.writeable and array.flags.c_contiguous
    assert array.ctypes.data % 4096 == 0
    array[:] = 0.5
    array[7, 3] = 2
    used = queue.stats()["arena_used_bytes"]
    queue.put(array)
    assert queue.stats()["arena_used_bytes"] == used, "no other memory was taken"
    got = queue.get()
    assert got.shape == (300, 200) and got[7, 3] == 2 and got.sum() == 0.5 * 59_999 + 2
    assert got.ctypes.data == array.ctypes.data, "in this process even the address is the same"
    got[0, 0] = 9
    assert got.flags.writeable


@pytest.mark.parametrize("shape", [5, (), (1,), (0,), (3, 0, 2), (2, 3, 4), numpy.int64(4), [2, 2]])
@pytest.mark.parametrize("dtype", ["u1", "<i8", "complex128", [("a", "i4"), ("b", "f8")], bool, "M8[s]", "U7", float])
def test_any_shape_and_type(shape: Any, dtype: Any) -> None:
    queue = ringpost.Queue(4)
    array = queue.empty_array(shape, dtype)
    expected = numpy.zeros(shape, dtype)
    assert array.shape == expected.shape and array.dtype == expected.dtype
    array[...] = expected
    queue.put(array)
    got = queue.get()
    assert got.dtype == expected.dtype
    numpy.testing.assert_array_equal(got, expected)


def test_what_cannot_lie_in_shared_memory_is_refused() -> None:
    queue = ringpost.Queue(4, arena=1 << 20)
    with pytest.raises(ValueError, match="objects"):
        queue.empty_array(3, object)
    with pytest.raises(ValueError, match="negative"):
        queue.empty_array((2, -1))
    with pytest.raises(ValueError, match=r"payload of 2\.0 MB is larger than the arena of 1\.0 MB"):
        queue.empty_array(2 << 20, "u1")


def test_the_senders_array_is_read_only_afterwards_and_cannot_be_put_again() -> None:
    queue = ringpost.Queue(4)
    array = queue.empty_array(1000)
    array[:] = 1
    part = array[10:20]
    reshaped = array.reshape(10, 100)
    queue.put(reshaped)
    assert not reshaped.flags.writeable and not array.flags.writeable
    with pytest.raises(ValueError):
        array[0] = 2
    for again in (array, part, reshaped, [array]):
        with pytest.raises(ValueError, match="put already"):
            queue.put(again)
    with pytest.raises(BufferError):
        memoryview(owner_of(array))
    assert queue.get().shape == (10, 100)
    assert queue.empty()


def test_an_old_array_does_not_put_the_new_one_in_its_place() -> None:
    queue = ringpost.Queue(4, arena=16384)
    old = queue.empty_array(8192, "u1")
    queue.put(old)
    del [queue.get()][0]
    gc.collect()
    new = queue.empty_array(8192, "u1")
    assert new.ctypes.data == old.ctypes.data, "this test is about the same memory"
    new[:] = 3
    with pytest.raises(ValueError, match="put already"):
        queue.put(old)
    queue.put(new)
    assert (queue.get() == 3).all()


def test_an_array_within_another_object_is_handed_over_too() -> None:
    queue = ringpost.Queue(4)
    array = queue.empty_array(100_000, "u1")
    array[:] = 7
    address = array.ctypes.data
    queue.put({"name": "frame", "number": 12, "pixels": array})
    got = queue.get()
    assert (got["name"], got["number"]) == ("frame", 12)
    assert got["pixels"].ctypes.data == address and (got["pixels"] == 7).all()


def test_what_is_not_just_one_whole_array_is_copied_and_stays_the_senders() -> None:
    queue = ringpost.Queue(10)
    array = queue.empty_array(100_000, "u1")
    array[:] = 5
    other = numpy.ones(50_000, "u1")
    for obj in (array[100:], [array, other], (array, "long" * 2000), array[::2]):
        queue.put(obj)
        queue.get()
        assert array.flags.writeable and (array == 5).all()
    elsewhere = ringpost.Queue(10)
    elsewhere_too = elsewhere.empty_array(10)
    elsewhere.put(array)
    del elsewhere_too
    assert array.flags.writeable
    assert (elsewhere.get() == 5).all()
    queue.put(array)
    assert (queue.get() == 5).all()


def test_an_array_that_is_dropped_has_done_nothing() -> None:
    queue = ringpost.Queue(4, arena=1 << 20)
    for _ in range(100):
        queue.empty_array(500_000, "u1")
    gc.collect()
    assert queue.empty()
    queue.put(bytes(1 << 20), timeout=60)


def test_a_full_queue_leaves_the_array_as_it_was() -> None:
    queue = ringpost.Queue(1)
    array = queue.empty_array(1000)
    array[:] = 4
    queue.put("first")
    with pytest.raises(Full):
        queue.empty_array(1000, timeout=0.1)
    for put in (lambda: queue.put_nowait(array), lambda: queue.put(array, timeout=0.1)):
        with pytest.raises(Full):
            put()
        assert array.flags.writeable
    array[0] = 5
    assert queue.get() == "first"
    queue.put(array)
    assert queue.get()[0] == 5
    array = queue.empty_array(1000)
    queue.shutdown()
    with pytest.raises(ringpost.ShutDown):
        queue.put(array)
    array[:] = 1


def test_without_room_an_empty_array_waits_or_is_an_ordinary_one() -> None:
    bounded = ringpost.Queue(4, arena=1 << 20)
    first = bounded.empty_array(900_000, "u1")
    with pytest.raises(Full):
        bounded.empty_array(900_000, "u1", block=False)
    with pytest.raises(Full):
        bounded.empty_array(900_000, "u1", timeout=0.1)
    del first
    bounded.empty_array(900_000, "u1")
    unbounded = ringpost.Queue(arena=1 << 20)
    arrays = [unbounded.empty_array(400_000, "u1") for _ in range(5)]
    for number, array in enumerate(arrays):
        array[:] = number
        unbounded.put(array)
    del array
    arrays.clear()
    for number in range(5):
        assert (unbounded.get(timeout=60) == number).all()


def test_what_overflows_is_copied_and_comes_in_order() -> None:
    queue = ringpost.Queue(arena=1 << 20)
    early = queue.empty_array(100_000, "u1")
    early[:] = 99
    for number in range(20):
        queue.put(numpy.full(200_000, number, "u1"))
    assert queue.stats()["waiting_in_process"] > 0
    queue.put(early)
    assert not early.flags.writeable
    for number in range(20):
        assert (queue.get(timeout=60) == number).all()
    assert (queue.get(timeout=60) == 99).all()


def send_array(queue: Any) -> None:
    array = queue.empty_array((100, 100))
    array[:] = os.getpid()
    queue.put(array)


def test_between_processes() -> None:
    for queue in (fork.Queue(4), fork.JoinableQueue()):
        child = fork.Process(target=send_array, args=(queue,))
        child.start()
        assert (queue.get(timeout=60) == child.pid).all()
        child.join()
        assert child.exitcode == 0


def lend_and_die(queue: Any) -> None:
    array = queue.empty_array(600_000, "u1")
    array[:] = 1
    os.kill(os.getpid(), signal.SIGKILL)


def test_who_dies_with_an_array_leaves_its_memory_free() -> None:
    queue = ringpost.Queue(4, arena=1 << 20)
    for _ in range(10):
        child = fork.Process(target=lend_and_die, args=(queue,))
        child.start()
        child.join()
        assert child.exitcode == -9
        array = queue.empty_array(600_000, "u1", timeout=60)
        array[:] = 2
        queue.put(array, timeout=60)
        assert (queue.get() == 2).all()
        del array


def put_inherited(queue: Any, array: Any, answers: Any) -> None:
    queue.put(array)
    answers.put((queue.get().sum(), array.flags.writeable))


def test_what_a_forked_child_inherits_it_copies() -> None:
    queue, answers = fork.Queue(4), fork.Queue(4)
    array = queue.empty_array(10_000, "u1")
    array[:] = 1
    child = fork.Process(target=put_inherited, args=(queue, array, answers))
    child.start()
    assert answers.get(timeout=60) == (10_000, True)
    child.join()
    queue.put(array)
    assert queue.get().sum() == 10_000


def test_arrays_outlive_their_queue() -> None:
    queue = ringpost.Queue(4)
    unput, put = queue.empty_array(10_000, "u1"), queue.empty_array(10_000, "u1")
    put[:] = unput[:] = 3
    queue.put(put)
    del queue
    gc.collect()
    assert (unput == 3).all() and put.sum() >= 0


def test_aput_hands_over_too() -> None:
    queue = ringpost.Queue(1)

    async def main() -> None:
        first, second = queue.empty_array(50_000, "u1"), queue.empty_array(50_000, "u1")
        first[:], second[:] = 1, 2
        await queue.aput(first)
        waiting = asyncio.create_task(queue.aput(second))
        await asyncio.sleep(0.05)
        assert second.flags.writeable and not first.flags.writeable
        assert (await queue.aget() == 1).all()
        await waiting
        assert not second.flags.writeable
        got = await queue.aget()
        assert (got == 2).all() and got.ctypes.data == second.ctypes.data

    asyncio.run(main())
