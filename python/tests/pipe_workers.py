"""What the children of the tests of pipes do; in a module of its own, so that spawned ones can import it."""

import os
import signal
import time
from typing import Any


def echo(connection: Any) -> None:
    """Sends back what it receives, until None."""
    while (message := connection.recv()) is not None:
        connection.send(message)
    connection.close()


def echo_bytes(connection: Any) -> None:
    """The same with bytes, until there are none."""
    for message in iter(connection.recv_bytes, b""):
        connection.send_bytes(message)


def send_all(connection: Any, messages: list[Any]) -> None:
    for message in messages:
        connection.send(message)


def send_and_die(connection: Any, messages: list[Any]) -> None:
    send_all(connection, messages)
    os.kill(os.getpid(), signal.SIGKILL)


def say_so_and_sleep(connection: Any) -> None:
    connection.send(os.getpid())
    time.sleep(600)


def never_touch(connection: Any) -> None:
    del connection
    time.sleep(600)


def count_for_ever(connection: Any, number: int, size: int) -> None:
    count = 0
    while True:
        connection.send((number, count, bytes(size)))
        count += 1


def send_big_for_ever(connection: Any, size: int) -> None:
    while True:
        connection.send_bytes(bytes(size))


def take_one_and_close(connections: list[Any]) -> None:
    for connection in connections:
        connection.recv()
        connection.close()


def two_at_a_time(connection: Any, talk: Any, rounds: int) -> None:
    """Sends two messages, sooner or later after each other, says when both are sent, and waits until it is told to go on."""
    for number in range(rounds):
        connection.send(number)
        for _ in range(number % 200):
            pass
        connection.send(number)
        talk.send(number)
        talk.recv()


def digest(connection: Any, answers: Any) -> None:
    """Says how long messages are, and how they begin and end."""
    for message in iter(connection.recv_bytes, b""):
        answers.send((len(message), message[:5], message[-5:]))


def interrupted(call: str, connection: Any, ready: Any) -> None:
    # Where the tests run in the background, a shell has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ready.send(os.getpid())
    try:
        if call == "send":
            while True:
                connection.send(bytes(100))
        elif call == "poll":
            connection.poll(None)
        else:
            connection.recv()
    except KeyboardInterrupt:
        ready.send(f"interrupted in {call}")


def pass_on(connections: Any) -> None:
    """Receives a connection, and sends something through it."""
    # It comes by a thread of the sender, multiprocessing.resource_sharer's.
    with connections.recv() as received:
        received.send("through a connection that was sent")


def write_through(connection: Any) -> None:
    from multiprocessing import reduction

    fd = reduction.recv_handle(connection)
    os.write(fd, b"by descriptor")
    os.close(fd)


def through_both(one: Any, two: Any, answer: Any) -> None:
    two.send("from one end to the other")
    answer.send(one.recv())
    two.close()
    answer.send(one.recv())
