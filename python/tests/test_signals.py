"""Ctrl-C ends a blocked call at once, and handlers of signals run while it waits."""

import os
import signal
import threading
import time
from typing import Any, Callable

import pytest
import ringpost
import workers

Say = Callable[[str], None]


def full(queue: Any, obj: Any, times: int) -> Any:
    for _ in range(times):
        queue.put(obj)
    return queue


#: What to wait in: the call, and a queue where it waits.
WAITS = {
    "get": lambda: ringpost.Queue(),
    "get with a timeout": lambda: ringpost.Queue(5),
    "get_many": lambda: ringpost.Queue(5),
    "put": lambda: full(ringpost.Queue(2), "x", 2),
    "put of an array": lambda: full(ringpost.Queue(5, arena=1 << 20), bytes(1 << 19), 1),
    "join": lambda: full(ringpost.JoinableQueue(), "task", 1),
    "lease": lambda: ringpost.Queue(5),
    "iteration": lambda: ringpost.Queue(5),
    "join_thread": lambda: ringpost.Queue(),
}


@pytest.mark.parametrize("call", WAITS)
def test_ctrl_c_ends_a_blocked(call: str, say: Say) -> None:
    queue, ready = WAITS[call](), ringpost.Queue(10)
    child = ringpost.get_context("fork").Process(target=workers.interrupted, args=(call, queue, ready))
    child.start()
    pid = ready.get(timeout=60)
    time.sleep(0.3)
    assert child.is_alive() and ready.empty(), "it waits"
    sent = time.monotonic()
    os.kill(pid, signal.SIGINT)
    raised = ready.get(timeout=60)
    if call == "join_thread":
        queue.get_many(1)  # its thread goes on when there is room, and its exit waits for that thread
        child.kill()
    child.join()
    say(f"KeyboardInterrupt after {(raised - sent) * 1e3:.1f} ms")


@pytest.mark.parametrize("call", ["get", "put"])
def test_a_handler_of_a_signal_runs_while_a_call_waits_and_it_goes_on(call: str) -> None:
    queue = ringpost.Queue(1)
    if call == "put":
        queue.put("first")
    ran = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: ran.set())

    def after_a_while() -> None:
        time.sleep(0.1)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
        assert ran.wait(60), "the handler has not run while the call was waiting"
        if call == "get":
            queue.put("later")
        else:
            queue.get()

    thread = threading.Thread(target=after_a_while)
    thread.start()
    try:
        if call == "get":
            assert queue.get() == "later"
        else:
            queue.put("later")
            assert queue.get() == "later"
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)


def test_what_a_handler_raises_comes_out_of_the_waiting_call() -> None:
    queue = ringpost.Queue()

    def handler(*_: object) -> None:
        raise LookupError("from the handler")

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(LookupError, match="from the handler"):
            queue.get()
    finally:
        signal.signal(signal.SIGALRM, before)
    queue.put(1)
    assert queue.get() == 1


def test_a_handler_may_use_the_queue_that_waits() -> None:
    queue = ringpost.Queue()
    before = signal.signal(signal.SIGALRM, lambda *_: queue.put("from the handler"))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        assert queue.get(timeout=60) == "from the handler"
    finally:
        signal.signal(signal.SIGALRM, before)
