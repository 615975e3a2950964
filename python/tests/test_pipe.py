"""What goes through a Pipe arrives as it was."""

import array
import random
from multiprocessing import BufferTooShort, connection
from typing import Any

import pipe_workers as workers
import pytest
import ringpost
from pipes_common import LONG, in_thread, start

PREFIX = b"\x93ringpy"


def test_objects_go_both_ways() -> None:
    one, two = ringpost.Pipe()
    objects = [1, "two", (3, None), {"four": [4]}, b"five", b"", bytearray(b"six"), PREFIX + b"\x01seven", None]
    for obj in objects:
        one.send(obj)
        two.send(obj)
    assert [two.recv() for _ in objects] == objects
    assert [one.recv() for _ in objects] == objects
    assert not one.poll() and not two.poll()


def test_a_pipe_that_is_not_duplex_goes_one_way() -> None:
    reader, writer = ringpost.Pipe(duplex=False)
    assert (reader.readable, reader.writable) == (True, False)
    assert (writer.readable, writer.writable) == (False, True)
    writer.send(1)
    assert reader.recv() == 1
    for call in (lambda: reader.send(1), lambda: reader.send_bytes(b"")):
        with pytest.raises(OSError, match="read-only"):
            call()
    for call in (writer.recv, writer.recv_bytes, writer.poll, lambda: writer.recv_bytes_into(bytearray(1))):
        with pytest.raises(OSError, match="write-only"):
            call()


def test_it_is_one_of_the_standard_connections() -> None:
    with ringpost.Pipe()[0] as one:
        assert isinstance(one, connection.Connection)
        assert "readable writable" in repr(one)
    assert "closed" in repr(one)
    with pytest.raises(TypeError):
        ringpost.Connection(0)


def test_bytes_are_sent_as_slices() -> None:
    one, two = ringpost.Pipe()
    text = b"abcdefghijklmnopqrstuvwxyz"
    for arguments, sent in (
        ((text,), text),
        ((text, 5), text[5:]),
        ((text, 7, 8), text[7:15]),
        ((text, 26), b""),
        ((text, 26, 0), b""),
        ((bytearray(text), 1, 2), b"bc"),
        ((memoryview(text)[3:5],), b"de"),
        ((array.array("i", [1, 2]),), array.array("i", [1, 2]).tobytes()),
        ((memoryview(bytes(range(8))).cast("H", (2, 2)),), bytes(range(8))),
    ):
        one.send_bytes(*arguments)
        assert two.recv_bytes() == sent
    for wrong in ((text, 27), (text, 22, 5), (text, 26, 1), (text, -1), (text, 4, -1)):
        with pytest.raises(ValueError):
            one.send_bytes(*wrong)
    for wrong in (("text",), (7,)):
        with pytest.raises(TypeError):
            one.send_bytes(*wrong)
    with pytest.raises(BufferError):
        one.send_bytes(memoryview(text)[::2])
    assert not two.poll()


@pytest.mark.parametrize("begin", [b"", PREFIX, PREFIX + b"\x01", PREFIX + b"\x02", PREFIX + b"\x03", PREFIX + b"\x04"])
@pytest.mark.parametrize("length", [0, 8, 88, 5000, 1 << 20, LONG])
def test_any_bytes_arrive_as_they_were(begin: bytes, length: int) -> None:
    one, two = ringpost.Pipe()
    message = begin + random.Random(length).randbytes(length)
    sent = in_thread(lambda: one.send_bytes(message))
    assert two.recv_bytes() == message
    sent()


def test_bytes_are_received_into_a_buffer() -> None:
    one, two = ringpost.Pipe()
    numbers = array.array("i", [0] * 10)
    one.send_bytes(array.array("i", range(4)))
    assert two.recv_bytes_into(numbers, 3 * numbers.itemsize) == 4 * numbers.itemsize
    assert list(numbers) == [0, 0, 0, 0, 1, 2, 3, 0, 0, 0]

    buffer = bytearray(10)
    one.send_bytes(b"too long for it")
    with pytest.raises(BufferTooShort) as short:
        two.recv_bytes_into(buffer)
    assert short.value.args == (b"too long for it",)
    one.send_bytes(b"1234567")
    with pytest.raises(BufferTooShort):
        two.recv_bytes_into(buffer, 4)
    one.send_bytes(b"123456")
    assert two.recv_bytes_into(buffer, 4) == 6
    assert buffer == b"\0\0\0\x00123456"

    big = bytearray(LONG)
    sent = in_thread(lambda: one.send_bytes(b"x" * LONG))
    assert two.recv_bytes_into(big) == LONG
    assert big == b"x" * LONG
    sent()

    one.send_bytes(b"stays")
    for wrong in (lambda: two.recv_bytes_into(buffer, 11), lambda: two.recv_bytes_into(buffer, -1)):
        with pytest.raises(ValueError):
            wrong()
    with pytest.raises((BufferError, TypeError)):
        two.recv_bytes_into(bytes(10))
    assert two.recv_bytes() == b"stays"


@pytest.mark.parametrize("length", [11, LONG])
def test_a_message_beyond_the_allowed_length_spoils_the_connection(length: int) -> None:
    one, two = ringpost.Pipe()
    sent = in_thread(lambda: one.send_bytes(bytes(length)))
    with pytest.raises(OSError, match="bad message length"):
        two.recv_bytes(10)
    assert not two.readable and two.writable and not two.closed
    with pytest.raises(OSError):
        two.recv_bytes()
    two.send("the other direction is as it was")
    assert one.recv() == "the other direction is as it was"
    two.close()
    if length == LONG:
        # Most of it was not even received.
        with pytest.raises(BrokenPipeError):
            sent()
    else:
        sent()

    reader, writer = ringpost.Pipe(duplex=False)
    writer.send_bytes(bytes(10))
    assert reader.recv_bytes(10) == bytes(10)
    with pytest.raises(ValueError, match="negative maxlength"):
        reader.recv_bytes(-1)
    writer.send_bytes(bytes(11))
    with pytest.raises(OSError, match="bad message length"):
        reader.recv_bytes(10)
    assert reader.closed


def test_what_cannot_be_pickled_is_raised_by_send_and_changes_nothing() -> None:
    one, two = ringpost.Pipe()
    with pytest.raises(Exception, match="pickle"):
        one.send(["something before", lambda: 0])
    one.send(7)
    assert two.recv() == 7


def test_what_cannot_be_unpickled_is_raised_once() -> None:
    one, two = ringpost.Pipe()
    for size in (1, 10_000, LONG):
        sent = in_thread(lambda size=size: one.send([bytes(size), Unloadable()]))
        with pytest.raises(ZeroDivisionError):
            two.recv()
        sent()
    one.send(1)
    assert two.recv() == 1


class Unloadable:
    def __reduce__(self) -> Any:
        return divmod, (1, 0)


@pytest.mark.heavy
def test_two_gigabytes_in_one_message() -> None:
    memory = dict(line.split(":") for line in open("/proc/meminfo"))
    if int(memory["MemAvailable"].split()[0]) < 6 << 20:
        pytest.skip("needs 6 GB of memory")
    size = (2 << 30) + 5
    one, two = ringpost.Pipe()
    answers, answer = ringpost.Pipe(duplex=False)
    child = start("fork", workers.digest, two, answer)
    two.close()
    message = bytearray(size)
    message[:5], message[-5:] = b"begin", b"  end"
    one.send_bytes(message)
    assert answers.recv() == (size, b"begin", b"  end")
    one.send_bytes(b"")
    child.join()
    assert child.exitcode == 0


def test_a_received_object_may_be_a_pipe_user_itself() -> None:
    one, two = ringpost.Pipe()
    Nested.through = one
    one.send(Nested())
    assert two.recv() == "from within"
    assert two.recv() == "nested"
    assert two.recv() == "loaded"


class Nested:
    through: Any = None

    def __reduce__(self) -> Any:
        Nested.through.send("from within")
        return nested_loaded, ()


def nested_loaded() -> str:
    Nested.through.send("loaded")
    return "nested"
