"""JoinableQueue: death delivers again, and only death."""

import os
import threading
import time

import pytest
import ringpost
import workers


def joins(queue: ringpost.JoinableQueue, seconds: float) -> bool:
    thread = threading.Thread(target=queue.join, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def test_join_waits_for_what_is_not_done() -> None:
    queue = ringpost.JoinableQueue()
    queue.put(1)
    queue.put(2)
    assert queue.get() == 1
    queue.task_done()
    assert queue.get() == 2
    assert not joins(queue, 0.2)
    queue.task_done()
    assert joins(queue, 60)
    with pytest.raises(ValueError):
        queue.task_done()


def test_what_a_killed_worker_had_goes_to_another_one(method: str) -> None:
    context = ringpost.get_context(method)
    queue = context.JoinableQueue()
    queue.put("task")
    for _ in range(3):
        child = context.Process(target=workers.get_and_die, args=(queue,))
        child.start()
        child.join()
        assert child.exitcode == -9
    assert not joins(queue, 0.2)
    assert queue.get(timeout=60) == "task"
    queue.task_done()
    assert joins(queue, 60)


def test_after_a_clean_exit_a_task_stays_consumed_and_unfinished(method: str) -> None:
    context = ringpost.get_context(method)
    queue = context.JoinableQueue()
    queue.put("task")
    child = context.Process(target=workers.get_and_exit, args=(queue, 1))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert queue.empty()
    assert not joins(queue, 0.3)
    queue.task_done()  # another process than that which got it: it is counted
    assert joins(queue, 60)


def test_who_never_calls_task_done_does_not_run_the_queue_dry() -> None:
    queue = ringpost.JoinableQueue(8)
    for number in range(5000):
        queue.put(number, timeout=60)
        assert queue.get(timeout=60) == number
    for _ in range(5000):
        queue.task_done()
    with pytest.raises(ValueError):
        queue.task_done()
    assert joins(queue, 60)


def test_workers_are_killed_and_nothing_is_lost() -> None:
    context = ringpost.get_context("fork")
    tasks = 20_000
    # With a maxsize, a result is in shared memory when put() returns, and does not die with its worker.
    queue, done = context.JoinableQueue(), context.Queue(2 * tasks)
    queue.put_many(range(tasks))
    children = []
    for _ in range(40):
        child = context.Process(target=workers.work, args=(queue, done))
        child.start()
        children.append(child)
        if len(children) > 2:
            victim = children.pop(0)
            before = done.qsize()
            while done.qsize() < min(before + 100, tasks):
                pass
            victim.kill()
            victim.join()
    ended = joins(queue, 120)
    for child in children:
        child.kill()
        child.join()
    assert ended
    got = []
    while not done.empty():
        got.append(done.get())
    # A worker that died between its work and its task_done has its task done again: more is possible, less is not.
    assert set(got) == set(range(tasks))
    assert len(got) <= tasks + 40


def test_by_its_name_a_queue_knows_what_is_unfinished() -> None:
    name = f"test-{os.getpid()}-tasks"
    before = set(os.listdir("/dev/shm"))
    queue = ringpost.JoinableQueue(name=name)
    try:
        assert len(set(os.listdir("/dev/shm")) - before) == 1, "one file, and none beside it"
        queue.put("task")
        context = ringpost.get_context("spawn")
        child = context.Process(target=workers.get_by_name_and_exit, args=(name,))
        child.start()
        child.join()
        assert child.exitcode == 0
        other = ringpost.JoinableQueue(name=name)
        assert queue.empty() and other.stats()["unfinished"] == 1
        assert not joins(other, 0.2)
        queue.task_done()
        assert joins(other, 60)
        with pytest.raises(ValueError):
            other.task_done()
    finally:
        queue.unlink()
    with pytest.raises(FileNotFoundError):
        ringpost.open(name)


def test_a_join_sleeps_until_the_work_is_done() -> None:
    context = ringpost.get_context("fork")
    queue, ended = context.JoinableQueue(), context.Queue(10)
    delays = []
    for _ in range(20):
        queue.put("task")
        child = context.Process(target=workers.join_and_tell, args=(queue, ended))
        child.start()
        assert ended.get(timeout=60) == "joining"
        queue.get()
        time.sleep(0.1)
        before = time.monotonic()
        queue.task_done()
        when, sleeps = ended.get(timeout=60)
        delays.append(when - before)
        child.join()
        # Two or three slices, and not a poll every other millisecond.
        assert sleeps < 20
    print(f"join ends {sorted(delays)[10] * 1e6:.0f} µs after task_done (median)")


def test_a_join_ends_when_another_process_calls_task_done() -> None:
    context = ringpost.get_context("fork")
    queue = context.JoinableQueue()
    queue.put("task")
    assert queue.get() == "task"  # leased here, and called done there
    child = context.Process(target=queue.task_done)
    child.start()
    child.join()
    assert child.exitcode == 0
    assert joins(queue, 60)


def test_tasks_got_many_at_once_are_delivered_again_after_death() -> None:
    context = ringpost.get_context("fork")
    queue = context.JoinableQueue()
    queue.put_many(range(10))
    child = context.Process(target=workers.get_many_and_die, args=(queue,))
    child.start()
    child.join()
    assert child.exitcode == -9
    assert sorted(queue.get(timeout=60) for _ in range(10)) == list(range(10))
    for _ in range(10):
        queue.task_done()
    assert joins(queue, 60)
