"""Arrays through a Pipe."""

import pickle

import numpy
import pytest
import ringpost
from pipes_common import LONG, in_thread


def test_send_and_recv_bytes_speak_the_same_language() -> None:
    one, two = ringpost.Pipe()
    one.send_bytes(pickle.dumps({"by": "hand"}))
    assert two.recv() == {"by": "hand"}
    for obj in ("text", b"bytes", [1, 2], bytearray(100), numpy.arange(3), numpy.arange(100_000), numpy.zeros(LONG, "u1")):
        # With buffers out of band, too: there is one pickle stream in the end.
        sent = in_thread(lambda obj=obj: one.send(obj))
        stream = two.recv_bytes()
        sent()
        numpy.testing.assert_equal(pickle.loads(stream), obj)
        if len(stream) < LONG:
            # The one in Python checks the frames as well.
            numpy.testing.assert_equal(pickle._loads(stream), obj)  # type: ignore[attr-defined]
    readonly = numpy.arange(5000)
    readonly.flags.writeable = False
    shared = [readonly, numpy.arange(10), readonly, "x" * 300]
    one.send(shared)
    again = pickle.loads(two.recv_bytes())
    numpy.testing.assert_equal(again, shared)
    assert again[0] is again[2]
    assert not again[0].flags.writeable and again[1].flags.writeable


@pytest.mark.parametrize("length", [1000, 1 << 20, LONG // 8])
def test_arrays_arrive_writable_and_are_the_receivers_own(length: int) -> None:
    one, two = ringpost.Pipe()
    kept = []
    for number in range(20):
        sent = in_thread(lambda number=number: one.send({"array": numpy.full(length, number), "number": number}))
        kept.append(two.recv()["array"])
        sent()
        kept[-1][0] = -number
    # Most of them are copies: this process may not keep so much of the ring's memory.
    for number, kept_array in enumerate(kept):
        assert kept_array[0] == -number and (kept_array[1:] == number).all()
    in_order = in_thread(lambda: one.send_bytes(bytes(LONG)))
    assert len(two.recv_bytes()) == LONG
    in_order()
