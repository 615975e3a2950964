"""Waiting in a connection: timeouts, closing, signals, threads."""

import os
import pickle
import signal
import threading
import time

import pipe_workers as workers
import pytest
import ringpost
from pipes_common import LONG, in_thread, start


def test_poll_waits_as_long_as_it_is_told() -> None:
    one, two = ringpost.Pipe()
    for timeout in (0, 0.0, -1):
        begin = time.monotonic()
        assert not one.poll(timeout)
        assert time.monotonic() - begin < 5
    begin = time.monotonic()
    assert not one.poll(0.3)
    assert time.monotonic() - begin >= 0.3
    for timeout in (60, None, 1e30):
        waiting = in_thread(lambda timeout=timeout: one.poll(timeout))
        time.sleep(0.05)
        two.send(timeout)
        assert waiting() is True
        assert one.recv() == timeout


def test_a_closed_connection_can_do_nothing() -> None:
    one, two = ringpost.Pipe()
    one.close()
    one.close()
    for call in (one.recv, one.recv_bytes, one.poll, one.fileno, lambda: one.send(1), lambda: one.send_bytes(b"")):
        with pytest.raises(OSError, match="handle is closed"):
            call()
    with pytest.raises(OSError):
        pickle.dumps(one)
    with two as same:
        assert same is two and not two.closed
    assert two.closed


@pytest.mark.parametrize("call", ["recv", "poll", "send"])
def test_closed_meanwhile_a_connection_waits_no_longer(call: str) -> None:
    one, two = ringpost.Pipe()

    def fill() -> None:
        while True:
            one.send(1)

    waiting = in_thread({"recv": one.recv, "poll": lambda: one.poll(None), "send": fill}[call])
    time.sleep(0.2)
    one.close()
    with pytest.raises(OSError, match="handle is closed"):
        waiting()
    if call != "send":
        with pytest.raises(EOFError):
            two.recv()


@pytest.mark.parametrize("call", ["recv", "poll", "send"])
def test_what_waits_is_interrupted(method: str, call: str) -> None:
    ready, say = ringpost.Pipe(duplex=False)
    mine, its = ringpost.Pipe()
    child = start(method, workers.interrupted, call, its, say)
    pid = ready.recv()
    time.sleep(0.2)
    os.kill(pid, signal.SIGINT)
    assert ready.recv() == f"interrupted in {call}"
    child.join()
    assert child.exitcode == 0
    mine.close()


def test_a_signal_handler_that_returns_interrupts_nothing() -> None:
    one, two = ringpost.Pipe()
    ran: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: ran.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        later = threading.Timer(0.4, lambda: two.send("at last"))
        later.start()
        assert one.recv() == "at last"
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert len(ran) > 2
        later.join()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_waits_leaves_the_interpreter_to_others() -> None:
    one, two = ringpost.Pipe()
    waiting = in_thread(one.recv)
    turns = 0
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        turns += 1
    two.send("done")
    assert waiting() == "done"
    assert turns > 100


@pytest.mark.parametrize("size", [10, 20_000])
def test_several_threads_send_without_a_lock(size: int) -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    threads, messages = 4, 500
    sending = [
        in_thread(lambda thread=thread: [writer.send((thread, number, bytes(size))) for number in range(messages)])
        for thread in range(threads)
    ]
    last = [-1] * threads
    for _ in range(threads * messages):
        thread, number, filling = reader.recv()
        assert number == last[thread] + 1 and len(filling) == size
        last[thread] = number
    for finish in sending:
        finish()


def test_long_messages_of_several_threads_are_not_mixed() -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    threads, messages = 3, 4
    sending = [
        in_thread(lambda thread=thread: [writer.send_bytes(bytes([thread]) * LONG) for _ in range(messages)])
        for thread in range(threads)
    ]
    receiving = [in_thread(lambda: [reader.recv_bytes() for _ in range(threads * messages // 2)]) for _ in range(2)]
    got = [message for finish in receiving for message in finish()]
    assert sorted(message[0] for message in got) == sorted(list(range(threads)) * messages)
    assert all(message == message[:1] * LONG for message in got)
    for finish in sending:
        finish()
