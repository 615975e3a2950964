"""Arrays lie in shared memory, without copies."""

import gc
import pickle

import numpy
import pytest
import ringpost
import workers


def test_an_array_lies_in_shared_memory_page_aligned_and_writable() -> None:
    queue = ringpost.Queue(4)
    queue.put(numpy.arange(1 << 16))
    array = queue.get()
    assert array.flags.writeable and not array.flags.owndata
    assert array.ctypes.data % 4096 == 0
    assert queue.stats()["held"] == 1
    numpy.testing.assert_array_equal(array, numpy.arange(1 << 16))
    array[0] = -1
    view = array[10:]
    del array
    gc.collect()
    assert queue.stats()["held"] == 1, "a view of it is left"
    assert view[0] == 10
    del view
    gc.collect()
    assert queue.stats()["held"] == 0


def test_objects_with_many_buffers() -> None:
    queue = ringpost.Queue(4)
    arrays = {length: numpy.arange(length, dtype=numpy.uint8) for length in (0, 1, 63, 64, 65, 4095, 4096, 4097, 100_000)}
    queue.put({"before": "text", "arrays": arrays, "raw": pickle.PickleBuffer(bytearray(b"x" * 5000))})
    got = queue.get()
    assert list(got["arrays"]) == list(arrays)
    for length, array in got["arrays"].items():
        numpy.testing.assert_array_equal(array, arrays[length])
    assert bytes(got["raw"]) == b"x" * 5000


def test_who_keeps_a_quarter_of_the_arena_gets_copies() -> None:
    queue = ringpost.Queue(4, arena=1 << 20)
    kept = []
    for number in range(50):
        queue.put(numpy.full(50_000, number, dtype=numpy.uint8), timeout=60)
        kept.append(queue.get())
    assert 1 <= queue.stats()["held"] <= (1 << 18) // 50_000
    for number, array in enumerate(kept):
        assert (array == number).all()
        array[0] = 1


def test_under_a_lease_arrays_are_read_only() -> None:
    queue = ringpost.Queue(4)
    queue.put(numpy.ones(10_000))
    with queue.lease() as array:
        assert not array.flags.writeable
        with pytest.raises(ValueError):
            array[0] = 2
    assert array.sum() == 10_000, "kept, as long as there is a view"
    del array
    gc.collect()
    assert queue.stats()["held"] == 0


def test_a_task_is_delivered_again_as_it_was_put() -> None:
    queue = ringpost.JoinableQueue()
    queue.put(numpy.zeros(10_000))
    context = ringpost.get_context("fork")
    child = context.Process(target=workers.change_and_die, args=(queue,))
    child.start()
    child.join()
    assert child.exitcode == -9
    assert (queue.get(timeout=60) == 0).all()
    queue.task_done()


def test_an_array_without_room_waits_in_the_process() -> None:
    queue = ringpost.Queue(arena=1 << 20)
    arrays = [numpy.full(200_000, number, dtype=numpy.uint8) for number in range(20)]
    for array in arrays:
        queue.put(array)
    for array in arrays:
        numpy.testing.assert_array_equal(queue.get(timeout=60), array)
