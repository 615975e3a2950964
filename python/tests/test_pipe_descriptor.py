"""The descriptor of a connection is readable exactly when something is there."""

import mmap
import os
import select
import selectors
from multiprocessing import connection
from typing import Any

import pipe_workers as workers
import pytest
import ringpost
from pipes_common import LONG, in_thread, start


def readable(reader: Any) -> bool:
    return bool(select.select([reader], [], [], 0)[0])


def test_the_descriptor_is_readable_exactly_when_something_is_there() -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    # What came before anybody asked for the descriptor counts as well.
    writer.send(0)
    assert readable(reader)
    assert reader.recv() == 0
    assert not readable(reader)
    for number in range(50):
        for count in range(number % 4):
            writer.send(count)
        for _ in range(number % 4):
            assert readable(reader)
            reader.recv()
        assert not readable(reader)
    # Longer than the ring holds: readable at its first chunk, and not when it was received.
    sent = in_thread(lambda: writer.send_bytes(bytes(LONG)))
    assert connection.wait([reader], 60) == [reader]
    reader.recv_bytes()
    sent()
    assert not readable(reader)
    writer.close()
    assert readable(reader)


def test_a_selector_that_was_told_once_is_told_of_all() -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    with selectors.EpollSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        for number in range(200):
            assert not selector.select(0)
            sent = in_thread(lambda number=number: writer.send(number))
            assert selector.select(60)
            assert reader.recv() == number
            sent()


def test_whoever_waits_by_the_descriptor_misses_nothing_of_many_senders() -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    messages, senders = 3000, 3
    children = [start("fork", workers.send_all, writer, list(range(messages))) for _ in range(senders)]
    threads = [in_thread(lambda: workers.send_all(writer, list(range(messages))))]
    got = 0
    while got < messages * (senders + 1):
        assert connection.wait([reader], 60), f"missed after {got}"
        assert reader.poll(), "readable, and nothing there"
        while reader.poll():
            reader.recv()
            got += 1
    for finish in threads:
        finish()
    for child in children:
        child.join()
    assert not readable(reader)


@pytest.mark.parametrize("by", ["descriptor", "poll", "recv"])
def test_the_descriptor_is_right_however_close_a_send_and_a_receive_are(by: str) -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    talk, its = ringpost.Pipe()
    rounds = 10_000
    child = start("fork", workers.two_at_a_time, writer, its, rounds)
    reader.fileno()
    for number in range(rounds):
        for _ in range(2):
            if by == "descriptor":
                assert connection.wait([reader], 60), "missed"
            elif by == "poll":
                while not reader.poll():
                    pass
            assert reader.recv() == number
        assert talk.recv() == number
        assert not readable(reader._handle), "readable, and nothing there"
        talk.send("go on")
    child.join()


def bell(end: Any) -> mmap.mmap:
    """The page that the ends share: at its start, how the first direction's bell is: armed (0), being rung (1), or rung (2), modulo 4."""
    return mmap.mmap(end._fds()[1], 4096)


def test_a_sender_that_was_killed_while_it_rang_holds_up_nobody() -> None:
    for use_first in ("send", "descriptor", "recv", "poll"):
        reader, writer = ringpost.Pipe(duplex=False)
        page = bell(reader)
        page[0] = 1
        receiving = in_thread(reader.recv) if use_first == "recv" else None
        polling = in_thread(lambda reader=reader: reader.poll(None)) if use_first == "poll" else None
        if use_first == "descriptor":
            assert not readable(reader)
            assert page[0] % 4 == 0
        writer.send(1)
        if receiving:
            assert receiving() == 1
        else:
            assert polling is None or polling()
            assert readable(reader)
            assert reader.recv() == 1
        assert not readable(reader)
        writer.send(2)
        assert readable(reader)
        assert reader.recv() == 2
        page.close()


@pytest.mark.parametrize("by", ["fileno", "poll", "sleep"])
def test_a_byte_too_many_in_the_socket_is_taken_out(by: str) -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    socket = reader._handle if by == "sleep" else reader.fileno()
    os.write(writer._handle, b"!!")
    assert readable(socket)
    if by == "fileno":
        assert reader.fileno() == socket
    elif by == "poll":
        assert not reader.poll()
    else:
        assert not reader.poll(0.3)
    assert not readable(socket)
    with bell(reader) as page:
        assert page[0] % 4 == 0
    writer.send(1)
    assert readable(socket)
    assert reader.recv() == 1
    assert not readable(reader)
