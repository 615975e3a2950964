"""Workers are killed at any moment, hundreds of times, while a ledger runs: every item is accounted for."""

import gc
import os
import queue as standard
import random
import threading
import time
from pathlib import Path
from typing import Any, Callable

import ledger as book
import pytest
import ringpost
import workers
from ledger import BATCH, INSIDE, PER, Ledger

Say = Callable[[str], None]
Times = Callable[[int], int]


def descriptors() -> dict[str, str]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            pass  # that of the listing itself
    return {name: what for name, what in found.items() if "ringpost" in what or "memfd" in what or "eventfd" in what}


def settled(queue: ringpost.Queue) -> dict[str, Any]:
    """The queue's figures, once what the dead held has come back: that takes a tenth of a second at most, and never minutes."""
    end = time.monotonic() + 60
    while True:
        with pytest.raises(standard.Empty):
            queue.get(timeout=0.2)
        stats = queue.stats()
        if stats["leased"] + stats["held"] + stats["retry"] == 0 or time.monotonic() > end:
            return stats


def storm(
    make_queue: Callable[[Any], ringpost.Queue],
    consume: Any,
    make: Any,
    method: str,
    kills: int,
    chance: random.Random,
    say: Say,
    tmp_path: Path,
    *,
    again: bool,
    lost_at_once: int,
    by_get: Callable[[ringpost.Queue], Any],
) -> None:
    """`again`: an item may come again after a death, and none is lost; else none comes twice, and a consumer that was killed
    within its call has had `lost_at_once` that nobody saw, at most."""
    gc.collect()
    before, shm = descriptors(), set(os.listdir("/dev/shm"))
    context = ringpost.get_context(method)
    queue = make_queue(context)
    ledger = Ledger(tmp_path / "ledger", kills + 4)
    producers, consumers, alive = book.killed(context, queue, ledger, consume, make, kills, chance)
    for child in alive:
        child.kill()
        child.join()
        child.close()
    rest = 0
    while True:
        try:
            item = by_get(queue)
        except standard.Empty:
            break
        book.count(ledger, 0, item)
        rest += 1
        del item
    within = sum(ledger.state[worker] == INSIDE for worker in consumers)
    confirmed = missing = twice = unconfirmed = 0
    for producer, worker in producers.items():
        done = ledger.progress[worker]
        seen = ledger.seen[producer * PER : (producer + 1) * PER]
        confirmed += done
        missing += bytes(seen[:done]).count(0)
        # What it was about to put is there, or not; what follows is not.
        assert not any(seen[done + 1 :]), f"producer {producer} has confirmed {done}, and more has come"
        unconfirmed += done < PER and seen[done] > 0
        twice += sum(times - 1 for times in seen if times > 1)
    say(
        f"{kills} kills, {within} consumers within a call; {confirmed} puts confirmed, {unconfirmed} not and yet there, "
        f"{missing} had by a consumer that died before it said so, {twice} delivered again, {rest} left at the end"
    )
    assert confirmed > 0
    if again:
        assert missing == 0
        assert twice <= within
    else:
        assert twice == 0
        assert missing <= within * lost_at_once
    stats = settled(queue)
    for what in ("queued", "leased", "held", "retry", "quarantined", "waiting_in_process"):
        assert stats[what] == 0, stats
    assert stats["participants"] == [os.getpid()], stats
    if isinstance(queue, ringpost.JoinableQueue):
        assert queue.unfinished_tasks == 0
        joiner = threading.Thread(target=queue.join, daemon=True)
        joiner.start()
        joiner.join(60)
        assert not joiner.is_alive(), "join() does not end"
    # Free descriptors may keep chunks, until somebody needs them: now.
    largest = bytes(stats["arena_bytes"] * 9 // 10)
    queue.put(largest)
    assert by_get(queue) == largest
    del queue, largest
    gc.collect()
    assert descriptors() == before
    mine = {name for name in set(os.listdir("/dev/shm")) - shm if str(os.getpid()) in name}
    assert not mine


def bounded(context: Any) -> ringpost.Queue:
    return ringpost.Queue(256, arena=4 << 20)


def joinable(context: Any) -> ringpost.Queue:
    return ringpost.JoinableQueue(256, arena=4 << 20)


def get(queue: ringpost.Queue) -> Any:
    return queue.get(timeout=0.5)


def do_task(queue: Any) -> Any:
    item = queue.get(timeout=0.5)
    queue.task_done()
    return item


WAYS = {
    "get": (bounded, book.consume_by_get, book.small, False, 1, get),
    "get_many": (bounded, book.consume_by_get_many, book.small, False, BATCH, get),
    "lease": (bounded, book.consume_by_lease, book.small, True, 0, get),
    "task_done": (joinable, book.consume_tasks, book.small, True, 0, do_task),
    "arrays_held": (bounded, book.consume_and_hold, book.array, False, 1, get),
    "arrays_leased": (bounded, book.consume_by_lease, book.array, True, 0, get),
    "arrays_as_tasks": (joinable, book.consume_tasks, book.array, True, 0, do_task),
}


@pytest.mark.parametrize("way", WAYS)
def test_workers_are_killed_at_any_moment(way: str, chance: random.Random, times: Times, say: Say, tmp_path: Path) -> None:
    make_queue, consume, make, again, lost, by_get = WAYS[way]
    kills = times(150)
    storm(make_queue, consume, make, "fork", kills, chance, say, tmp_path, again=again, lost_at_once=lost, by_get=by_get)


@pytest.mark.heavy
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("way", ["get", "task_done"])
def test_workers_that_were_not_forked_are_killed(
    way: str, method: str, chance: random.Random, say: Say, tmp_path: Path
) -> None:
    make_queue, consume, make, again, lost, by_get = WAYS[way]
    storm(make_queue, consume, make, method, 20, chance, say, tmp_path, again=again, lost_at_once=lost, by_get=by_get)


@pytest.mark.parametrize("kind", [ringpost.Queue, ringpost.JoinableQueue, ringpost.SimpleQueue])
def test_who_is_killed_while_it_unpickles_leaves_the_object_to_another(kind: Any) -> None:
    context = ringpost.get_context("fork")
    queue, results = kind(), ringpost.Queue(10)
    queue.put(workers.KillsItsReader(os.getpid()))
    for _ in range(5):
        child = context.Process(target=workers.get_and_tell, args=(queue, results))
        child.start()
        child.join()
        assert child.exitcode == -9
    assert isinstance(queue.get(), workers.KillsItsReader)
    assert results.empty()


def test_an_object_that_kills_all_its_readers_is_set_aside_at_last() -> None:
    context = ringpost.get_context("fork")
    queue, results = ringpost.JoinableQueue(), ringpost.Queue(10)
    queue.put(workers.KillsItsReader(0))
    deaths = 0
    while queue.stats()["quarantined"] == 0 and deaths < 100:
        child = context.Process(target=workers.get_and_tell, args=(queue, results))
        child.start()
        if child.join(60) or child.exitcode != -9:
            break
        deaths += 1
        while queue.stats()["leased"]:
            time.sleep(0.01)
            with pytest.raises(standard.Empty):
                queue.get_nowait()  # who looks for something finds the dead
    assert deaths == 16
    queue.put("the next")
    assert do_task(queue) == "the next"


def test_who_is_killed_while_it_pickles_has_put_nothing() -> None:
    context = ringpost.get_context("fork")
    queue = ringpost.Queue(10)
    child = context.Process(target=workers.put_all, args=(queue, [1, workers.KillsItsWriter(), 2]))
    child.start()
    child.join()
    assert child.exitcode == -9
    assert queue.get(timeout=60) == 1
    with pytest.raises(standard.Empty):
        queue.get(timeout=0.3)
