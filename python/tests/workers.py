"""What the children of the tests do; in a module of its own, so that spawned ones can import it."""

import os
import resource
import signal
import time
from queue import Empty
from typing import Any


def put_all(queue: Any, items: list[Any]) -> None:
    for item in items:
        queue.put(item)


def echo(requests: Any, answers: Any) -> None:
    while (item := requests.get()) is not None:
        answers.put((os.getpid(), item))


def get_and_die(queue: Any) -> None:
    queue.get()
    os.kill(os.getpid(), signal.SIGKILL)


def change_and_die(queue: Any) -> None:
    queue.get()[:] = 1
    os.kill(os.getpid(), signal.SIGKILL)


def get_and_exit(queue: Any, count: int) -> None:
    for _ in range(count):
        queue.get()


def work(queue: Any, done: Any) -> None:
    while True:
        item = queue.get()
        done.put(item)
        queue.task_done()


def add_name(queue: Any, name: str) -> None:
    import ringpost

    ringpost.open(name).put(("by name", os.getpid()))
    queue.put("done")


def wait_for_ever(queue: Any, ready: Any) -> None:
    # Where the tests run in the background, a shell has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ready.put(os.getpid())
    try:
        queue.get()
    except KeyboardInterrupt:
        ready.put("interrupted")


def put_for_ever(queue: Any, number: int) -> None:
    count = 0
    while True:
        queue.put((number, count))
        count += 1


def square(value: int) -> int:
    return value * value


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(10)


def get_by_name_and_exit(name: str) -> None:
    import ringpost

    ringpost.JoinableQueue(name=name).get()


def join_and_tell(queue: Any, ended: Any) -> None:
    ended.put("joining")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    queue.join()
    ended.put((time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before))


def get_many_and_die(queue: Any) -> None:
    queue.get_many(10)
    os.kill(os.getpid(), signal.SIGKILL)


def put_later(queue: Any, items: list[Any]) -> None:
    for item in items:
        time.sleep(0.02)
        queue.put(item)


def get_later(queue: Any, count: int) -> None:
    for _ in range(count):
        time.sleep(0.02)
        queue.get()


class KillsItsReader:
    """Whoever unpickles it is killed, except one process."""

    def __init__(self, spared: int) -> None:
        self.spared = spared

    def __setstate__(self, state: dict[str, int]) -> None:
        self.spared = state["spared"]
        if os.getpid() != self.spared:
            os.kill(os.getpid(), signal.SIGKILL)


class KillsItsWriter:
    def __reduce__(self) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


def get_and_tell(queue: Any, results: Any) -> None:
    results.put(queue.get())


def interrupted(call: str, queue: Any, ready: Any) -> None:
    """Waits in a call until Ctrl-C, and says when it was interrupted."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ready.put(os.getpid())
    try:
        CALLS[call](queue)
    except KeyboardInterrupt:
        ready.put(time.monotonic())


def _lease(queue: Any) -> None:
    with queue.lease():
        pass


CALLS = {
    "get": lambda queue: queue.get(),
    "get with a timeout": lambda queue: queue.get(timeout=600),
    "get_many": lambda queue: queue.get_many(10),
    "put": lambda queue: queue.put("one more"),
    "put of an array": lambda queue: queue.put(bytearray(1 << 19)),
    "join": lambda queue: queue.join(),
    "lease": _lease,
    "iteration": lambda queue: next(iter(queue)),
    "join_thread": lambda queue: (queue.put_many(range(30_000)), queue.close(), queue.join_thread()),
}


def do_tasks(queue: Any) -> None:
    while True:
        queue.get()
        queue.task_done()


def send_by_what_it_gets(queue: Any) -> None:
    connection = queue.get()
    connection.send("by a connection that came through the queue")
    connection.close()


def get_and_wait(queue: Any, ready: Any) -> None:
    ready.put(queue.get())
    time.sleep(1000)


def load_batches(requests: Any, batches: Any, done: Any) -> None:
    batches.cancel_join_thread()
    while not done.is_set():
        try:
            number = requests.get(timeout=5)
        except Empty:
            continue
        if number is None:
            break
        batches.put((number, [number] * 10))
