"""Coroutines that put and get: woken by a descriptor, and safe to cancel."""

import asyncio
import os
import select
import signal
import threading
from queue import Full
from typing import Any, Callable, Coroutine, Iterator

import pytest
import ringpost
import uvloop
import workers

fork = ringpost.get_context("fork")

Run = Callable[[Coroutine[Any, Any, None]], None]


def run_standard(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 120))


def run_uvloop(main: Coroutine[Any, Any, None]) -> None:
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(main, 120))
    finally:
        loop.close()


@pytest.fixture(params=[run_standard, run_uvloop])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    threads = threading.active_count()
    yield request.param
    assert threading.active_count() == threads, "no thread of Python's was needed"


def rp_threads() -> int:
    names = (f"/proc/self/task/{task}/comm" for task in os.listdir("/proc/self/task"))
    return sum(open(name).read().startswith("ringpost") for name in names)


def test_who_waits_for_an_object_gets_it_from_another_process(run: Run) -> None:
    queue = fork.Queue(10)

    async def main() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.005)

        ticker = asyncio.create_task(tick())
        child = fork.Process(target=workers.put_later, args=(queue, list(range(10))))
        child.start()
        assert [await queue.aget() for _ in range(10)] == list(range(10))
        assert ticks > 10, "the loop ran meanwhile"
        ticker.cancel()
        child.join()

    run(main())


def test_who_waits_for_room_gets_it_when_another_process_has_got_something(run: Run) -> None:
    queue = fork.Queue(2)

    async def main() -> None:
        child = fork.Process(target=workers.get_later, args=(queue, 20))
        child.start()
        await asyncio.gather(*(queue.aput(number) for number in range(20)))
        while queue.qsize():
            await asyncio.sleep(0.01)
        child.join()

    run(main())


def test_a_large_object_waits_for_memory(run: Run) -> None:
    tries = 0

    class Counting(ringpost.Queue):
        def _put_now(self, obj: Any) -> Any:
            nonlocal tries
            tries += 1
            return super()._put_now(obj)

    queue = Counting(10, arena=1 << 20)

    async def main() -> None:
        for _ in range(3):
            await queue.aput(bytes(700_000))
            large = asyncio.create_task(queue.aput(bytes(600_000)))
            await asyncio.sleep(0.1)
            assert not large.done()
            assert tries < 30, "it sleeps meanwhile"
            assert len(await queue.aget()) == 700_000
            await large
            assert len(await queue.aget()) == 600_000
        with pytest.raises(ValueError):
            await queue.aput(bytes(2_000_000))

    run(main())


def test_a_thousand_waiters_share_one_descriptor_and_no_thread_each(run: Run) -> None:
    queue = ringpost.Queue(8)

    async def main() -> None:
        getters = [asyncio.create_task(queue.aget()) for _ in range(1000)]
        await asyncio.sleep(0.05)
        putters = [asyncio.create_task(queue.aput(number)) for number in range(1000)]
        assert rp_threads() <= 2
        got = await asyncio.gather(*getters)
        await asyncio.gather(*putters)
        assert sorted(got) == list(range(1000))
        assert queue.empty()

    run(main())


def test_a_cancelled_aget_loses_nothing_and_leaves_the_others_waiting(run: Run) -> None:
    queue = ringpost.Queue(1000)

    async def main() -> None:
        got = []

        async def consume() -> None:
            while True:
                got.append(await queue.aget())

        put = 0
        for number in range(300):
            victims = [asyncio.create_task(consume()) for _ in range(3)]
            await asyncio.sleep(0)
            bystander = asyncio.create_task(queue.aget())
            await asyncio.sleep(0)
            queue.put_many([put, put + 1])
            select.select([queue._reader], [], [], 60)
            # At every stage between woken and done.
            for _ in range(number % 6):
                await asyncio.sleep(0)
            for victim in victims:
                victim.cancel()
            await asyncio.gather(*victims, return_exceptions=True)
            queue.put(put + 2)
            put += 3
            got.append(await bystander)
            while not queue.empty():
                got.append(queue.get_nowait())
        assert sorted(got) == list(range(put))

    run(main())


def test_a_cancelled_aput_has_put_exactly_if_it_says_so(run: Run) -> None:
    queue = ringpost.Queue(1)

    async def main() -> None:
        done, cancelled, got = set(), set(), set()

        async def produce(number: int) -> None:
            try:
                await queue.aput(number)
                done.add(number)
            except asyncio.CancelledError:
                cancelled.add(number)
                raise

        for number in range(0, 900, 3):
            tasks = [asyncio.create_task(produce(number + more)) for more in range(3)]
            for _ in range(1 + number % 5):
                await asyncio.sleep(0)
            if not queue.empty():
                got.add(queue.get_nowait())
            for _ in range(number % 4):
                await asyncio.sleep(0)
            tasks[number % 2].cancel()
            while not all(task.done() for task in tasks):
                if not queue.empty():
                    got.add(queue.get_nowait())
                await asyncio.sleep(0)
        while not queue.empty():
            got.add(queue.get_nowait())
        assert got == done
        assert done | cancelled == set(range(900))
        assert len(cancelled) > 10

    run(main())


def test_a_timeout_ends_the_wait_only(run: Run) -> None:
    queue = ringpost.Queue(1)

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(queue.aget(), 0.05)
        await asyncio.wait_for(queue.aput(1), 60)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(queue.aput(2), 0.05)
        assert await asyncio.wait_for(queue.aget(), 60) == 1
        assert queue.empty()

    run(main())


def test_shutdown_and_close_wake_everybody_who_waits(run: Run) -> None:
    async def main() -> None:
        for end, raised in (
            (lambda queue: queue.shutdown(), ringpost.ShutDown),
            (lambda queue: queue.shutdown(immediate=True), ringpost.ShutDown),
            (lambda queue: queue.close(), ValueError),
        ):
            empty, full = ringpost.Queue(1), ringpost.Queue(1)
            full.put(0)
            waiting = [asyncio.create_task(empty.aget()) for _ in range(5)]
            waiting += [asyncio.create_task(full.aput(1)) for _ in range(5)]
            await asyncio.sleep(0.05)
            for queue in (empty, full):
                thread = threading.Thread(target=end, args=(queue,))
                thread.start()
                thread.join()
            for ended in await asyncio.gather(*waiting, return_exceptions=True):
                assert isinstance(ended, raised), repr(ended)

    run(main())


def test_iteration_ends_with_the_queue(run: Run) -> None:
    queue = ringpost.Queue()

    async def main() -> None:
        queue.put_many(range(5))
        asyncio.get_running_loop().call_later(0.05, queue.shutdown)
        assert [item async for item in queue] == list(range(5))

    run(main())


def test_who_waits_in_a_drained_queue_does_not_spin_while_an_item_is_leased(run: Run) -> None:
    looks = 0

    class Counting(ringpost.Queue):
        def _get_now(self, coroutine: int) -> Any:
            nonlocal looks
            looks += 1
            return super()._get_now(coroutine)

    queue = Counting()
    queue.put("comes back")

    async def main() -> None:
        with pytest.raises(ZeroDivisionError), queue.lease() as item:
            queue.shutdown()
            waiting = asyncio.create_task(queue.aget())
            await asyncio.sleep(0.5)
            assert looks < 100
            assert item == "comes back" and not waiting.done()
            1 / 0
        assert await waiting == "comes back"

    run(main())


def test_loops_in_several_threads_share_a_queue() -> None:
    queue = ringpost.Queue(5)
    got: list[int] = []

    async def consume() -> None:
        async for item in queue:
            got.append(item)

    async def produce(first: int) -> None:
        for number in range(first, first + 500):
            await queue.aput(number)

    consumers = [threading.Thread(target=asyncio.run, args=(consume(),)) for _ in range(2)]
    producers = [threading.Thread(target=asyncio.run, args=(produce(first),)) for first in (0, 500)]
    for thread in consumers + producers:
        thread.start()
    for thread in producers:
        thread.join()
    queue.shutdown()
    for thread in consumers:
        thread.join()
    assert sorted(got) == list(range(1000))


def get_in_a_loop_of_its_own(queue: Any, answers: Any) -> None:
    async def main() -> None:
        answers.put(await queue.aget())
        while (await queue.aget()) is not None:
            pass

    asyncio.run(main())


def test_a_forked_child_waits_in_a_loop_of_its_own() -> None:
    queue, answers = fork.Queue(10), fork.Queue(10)

    async def main() -> None:
        waiting = asyncio.create_task(queue.aget())
        await asyncio.sleep(0.05)
        child = fork.Process(target=get_in_a_loop_of_its_own, args=(queue, answers))
        child.start()
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await queue.aput("to the child")
        assert await answers.aget() == "to the child"
        child.kill()
        child.join()
        await queue.aput("to the parent")
        assert await queue.aget() == "to the parent"

    run_standard(main())


def test_a_killed_consumer_wakes_who_waits() -> None:
    queue = fork.JoinableQueue()

    async def main() -> None:
        queue.put("task")
        child = fork.Process(target=workers.get_and_exit, args=(queue, 2))
        child.start()
        while not queue.empty():
            await asyncio.sleep(0.01)
        waiting = asyncio.create_task(queue.aget())
        await asyncio.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert await waiting == "task"
        queue.task_done()

    run_standard(main())


def die_with_one_of_two_tasks_done(queue: Any) -> None:
    async def work(seconds: float) -> None:
        await queue.aget()
        await asyncio.sleep(seconds)
        queue.task_done()

    async def main() -> None:
        long = asyncio.create_task(work(1000))
        await asyncio.sleep(0)
        await asyncio.create_task(work(0))
        assert not long.done()
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(main())


def test_task_done_means_the_task_of_the_coroutine_that_calls_it() -> None:
    queue = fork.JoinableQueue()
    queue.put_many(["long", "short"])
    child = fork.Process(target=die_with_one_of_two_tasks_done, args=(queue,))
    child.start()
    child.join()
    assert child.exitcode == -9
    assert queue.get(timeout=60) == "long", "the one that was not done"
    queue.task_done()
    queue.join()
    assert queue.empty()


def test_errors_of_pickling_are_raised_by_aput(run: Run) -> None:
    queue = ringpost.Queue(1)

    async def main() -> None:
        with pytest.raises(Exception, match="pickle"):
            await queue.aput(threading.Lock())
        await queue.aput(1)
        with pytest.raises(Full):
            queue.put_nowait(2)
        assert await queue.aget() == 1

    run(main())
