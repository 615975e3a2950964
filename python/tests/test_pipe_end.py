"""The end of a pipe: its other end is closed, or its processes are killed."""

import time
from multiprocessing import connection

import pipe_workers as workers
import pytest
import ringpost
from pipes_common import LONG, in_thread, start


def test_the_end_is_reached_when_the_other_end_is_closed() -> None:
    for duplex in (True, False):
        reader, writer = ringpost.Pipe(duplex)
        writer.send("before")
        writer.close()
        assert writer.closed
        assert reader.poll() and reader.poll(None)
        assert connection.wait([reader], 0) == [reader]
        assert reader.recv() == "before"
        assert reader.poll()
        assert connection.wait([reader]) == [reader]
        for call in (reader.recv, reader.recv_bytes, lambda reader=reader: reader.recv_bytes_into(bytearray(1))):
            with pytest.raises(EOFError):
                call()


def test_a_waiting_receiver_notices_the_end() -> None:
    for duplex in (True, False):
        reader, writer = ringpost.Pipe(duplex)
        receiving = in_thread(reader.recv)
        time.sleep(0.05)
        writer.close()
        with pytest.raises(EOFError):
            receiving()
        reader, writer = ringpost.Pipe(duplex)
        polling = in_thread(lambda reader=reader: reader.poll(None))
        time.sleep(0.05)
        writer.close()
        assert polling() is True


def test_nobody_reads_is_an_error_for_the_sender() -> None:
    for duplex in (True, False):
        reader, writer = ringpost.Pipe(duplex)
        writer.send(1)
        reader.close()
        with pytest.raises(BrokenPipeError):
            writer.send(2)
        with pytest.raises(BrokenPipeError):
            writer.send_bytes(bytes(LONG))


def test_a_message_that_was_received_was_sent_though_its_reader_has_closed_at_once() -> None:
    pipes = [ringpost.Pipe(duplex=False) for _ in range(100)]
    child = start("fork", workers.take_one_and_close, [reader for reader, _ in pipes])
    for reader, _ in pipes:
        reader.close()
    for _, writer in pipes:
        writer.send("the last")
    child.join()
    assert child.exitcode == 0


@pytest.mark.parametrize("size", [1, LONG])
def test_a_waiting_sender_notices_that_nobody_reads(size: int) -> None:
    reader, writer = ringpost.Pipe(duplex=False)

    def fill() -> None:
        while True:
            writer.send_bytes(bytes(size))

    sending = in_thread(fill)
    time.sleep(0.2)
    reader.recv_bytes()
    time.sleep(0.2)
    reader.close()
    with pytest.raises(BrokenPipeError):
        sending()


def test_the_end_comes_when_all_copies_are_closed(method: str) -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    child = start(method, workers.say_so_and_sleep, writer)
    reader.recv()
    writer.close()
    assert not reader.poll(0.1)
    child.kill()
    with pytest.raises(EOFError):
        reader.recv()
    child.join()


def test_a_killed_sender_is_the_end_after_what_it_has_sent(method: str) -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    child = start(method, workers.send_and_die, writer, list(range(500)))
    writer.close()
    assert [reader.recv() for _ in range(500)] == list(range(500))
    with pytest.raises(EOFError):
        reader.recv()
    child.join()


def test_a_child_that_is_killed_before_its_first_use_is_the_end_as_well(method: str) -> None:
    one, two = ringpost.Pipe()
    child = start(method, workers.never_touch, two)
    two.close()
    waiting = in_thread(one.recv)
    time.sleep(0.1)
    child.kill()
    with pytest.raises(EOFError):
        waiting()
    child.join()
    with pytest.raises(BrokenPipeError):
        one.send(1)


def test_a_killed_receiver_is_a_broken_pipe(method: str) -> None:
    one, two = ringpost.Pipe()
    child = start(method, workers.say_so_and_sleep, two)
    two.close()
    one.recv()
    one.send("never read")
    child.kill()
    child.join()
    with pytest.raises(BrokenPipeError):
        one.send(1)
    with pytest.raises(EOFError):
        one.recv()


def test_a_sender_killed_in_a_long_message_is_an_end_in_it() -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    child = start("fork", workers.send_big_for_ever, writer, 2 << 30)
    writer.close()
    receiving = in_thread(reader.recv_bytes)
    time.sleep(0.2)
    child.kill()
    with pytest.raises(OSError, match="got end of file during message"):
        receiving()
    with pytest.raises(EOFError):
        reader.recv()
    child.join()


def test_senders_that_are_killed_disturb_no_other() -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    last: dict[int, int] = {}
    kills = 40
    for number in range(kills):
        child = start("fork", workers.count_for_ever, writer, number, (10, 5000)[number % 2])
        seen = 0
        while seen < 300:
            if number % 4 > 1:
                assert connection.wait([reader], 60)
            who, count, _ = reader.recv()
            assert count == last.get(who, -1) + 1, "in order, nothing lost, nothing twice"
            last[who] = count
            seen += who == number
        child.kill()
        child.join()
    while reader.poll():
        who, count, _ = reader.recv()
        assert count == last[who] + 1
        last[who] = count
    writer.send("after")
    assert reader.recv() == "after"
    assert len(last) == kills
