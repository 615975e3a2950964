"""JoinableQueue: death delivers again, and only death."""

import os
import threading

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


def test_a_joinable_queue_has_no_name() -> None:
    with pytest.raises(ValueError):
        ringpost.JoinableQueue(name=f"python-{os.getpid()}-none")
