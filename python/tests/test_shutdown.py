"""A shutdown loses nothing that was taken, and ends every wait that is for nothing."""

import asyncio
import queue as standard
import threading
from typing import Any

import pytest
import ringpost
import workers


@pytest.mark.parametrize("kind", [ringpost.Queue, ringpost.JoinableQueue])
def test_what_put_has_taken_before_a_shutdown_is_not_lost(kind: Any) -> None:
    for _ in range(5):
        queue, taken = kind(), 0
        queue.put_many(range(20_000))  # so many that some wait in this process
        shut = threading.Event()

        def shutdown() -> None:
            queue.shutdown()
            shut.set()

        thread = threading.Thread(target=shutdown)
        got = 0
        with pytest.raises(ringpost.ShutDown):
            while True:
                queue.put(taken)
                taken += 1
                if taken == 100:
                    thread.start()
                if taken % 2 == 0 and not queue.empty():
                    queue.get()
                    got += 1
                    if kind is ringpost.JoinableQueue:
                        queue.task_done()
        while True:
            try:
                queue.get()
                got += 1
                if kind is ringpost.JoinableQueue:
                    queue.task_done()
            except ringpost.ShutDown:
                break
        thread.join()
        assert got == 20_000 + taken


def test_after_a_shutdown_nobody_waits_for_a_task_that_it_has_itself() -> None:
    queue = ringpost.JoinableQueue()
    queue.put_many(["a", "b"])
    assert [queue.get(), queue.get()] == ["a", "b"]
    queue.shutdown()
    for get in (queue.get, queue.get_nowait):
        with pytest.raises(ringpost.ShutDown):
            get()
    raised = []

    def other_thread() -> None:
        try:
            queue.get()
        except ringpost.ShutDown as error:
            raised.append(error)

    thread = threading.Thread(target=other_thread)
    thread.start()
    thread.join(60)
    assert raised, "if this process dies, so does its other thread"
    queue.task_done()
    queue.task_done()
    queue.join()


def test_after_a_shutdown_no_coroutine_waits_for_its_own_threads_task() -> None:
    async def main() -> None:
        queue = ringpost.JoinableQueue()
        queue.put("task")
        assert await queue.aget() == "task"
        waiting = [asyncio.create_task(queue.aget()) for _ in range(3)]
        await asyncio.sleep(0.05)
        queue.shutdown()
        ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 60)
        assert [type(error) for error in ended] == [ringpost.ShutDown] * 3
        queue.task_done()

    asyncio.run(main())


def test_after_a_shutdown_a_killed_workers_task_still_goes_to_another() -> None:
    context = ringpost.get_context("fork")
    queue, ready = ringpost.JoinableQueue(), ringpost.Queue(10)
    queue.put("task")
    child = context.Process(target=workers.get_and_wait, args=(queue, ready))
    child.start()
    assert ready.get(timeout=60) == "task"
    queue.shutdown()
    with pytest.raises(standard.Empty):
        queue.get(timeout=0.3)  # it may come back
    child.kill()
    child.join()
    assert queue.get(timeout=60) == "task"
    with pytest.raises(ringpost.ShutDown):
        queue.get()
    queue.task_done()
