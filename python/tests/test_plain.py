"""Small simple objects are not pickled: nobody can tell."""

import collections
import enum
import math
import pickle
import random
import sys

import pytest
import ringpost

Point = collections.namedtuple("Point", "x y")


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    pass


class Number(int):
    pass


INTS = [0, 1, -1, 127, 128, -128, -129, 255, 256, 2**31, -(2**31), 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**40]
FLOATS = [0.0, -0.0, 1.5, math.inf, -math.inf, sys.float_info.max, 5e-324]
TEXTS = ["", "a", "ä€𝄞", "\0", "\ud800", "x" * 255, "x" * 256, "ä" * 127, "ä" * 128, "x" * 100_000]
BYTES = [b"", b"\0", b"x" * 255, b"x" * 256, b"\x93ringpy\x01", b"\x93ringpy\x02t", b"\x93ringpy", b"\x93ringp"]
OTHERS = [None, True, False, Point(1, 2), Colour.RED, Text("t"), Number(7), [], {}, {"a": 1}, {1, 2}, 1j, range(3), int]
LEAVES = [*INTS, *FLOATS, *TEXTS, *BYTES, *OTHERS]


def same(a: object, b: object) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))  # type: ignore[arg-type]
    if isinstance(a, float):
        return math.copysign(1, a) == math.copysign(1, b) and a == b  # type: ignore[arg-type]
    return a == b


@pytest.mark.parametrize("joinable", [False, True])
def test_every_leaf_comes_out_as_it_was_alone_and_in_tuples(joinable: bool) -> None:
    queue = (ringpost.JoinableQueue if joinable else ringpost.Queue)(4)
    for leaf in LEAVES:
        for obj in (leaf, (leaf,), (1, (leaf, "x")), (leaf, leaf)):
            queue.put(obj)
            got = queue.get()
            assert same(got, obj), (obj, got)


def test_nan() -> None:
    queue = ringpost.Queue(4)
    queue.put((math.nan, -math.nan))
    assert all(math.isnan(value) for value in queue.get())


def test_tuples_of_any_length_and_depth() -> None:
    queue = ringpost.Queue(4)
    for count in (0, 1, 100, 200, 240, 246, 247, 255, 256, 1000):
        queue.put((None,) * count)
        assert queue.get() == (None,) * count
    nested: object = "middle"
    for _ in range(50):
        nested = (nested,)
        queue.put(nested)
        assert queue.get() == nested


def test_any_mixture() -> None:
    queue = ringpost.Queue(64)
    chance = random.Random(5)

    def some(depth: int) -> object:
        if depth and chance.random() < 0.5:
            return tuple(some(depth - 1) for _ in range(chance.randrange(6)))
        return chance.choice(LEAVES)

    objects = [some(5) for _ in range(20_000)]
    for first in range(0, len(objects), 50):
        batch = objects[first : first + 50]
        queue.put_many(batch)
        for obj, got in zip(batch, queue.get_many(50)):
            assert same(got, obj), (obj, got)


def test_what_is_shared_stays_shared() -> None:
    queue = ringpost.Queue(4)
    inner: list[int] = []
    queue.put((inner, inner))
    first, second = queue.get()
    assert first is second


def test_a_small_tuple_is_short() -> None:
    """It fits beside its descriptor, where a pickle of it would need twice as much."""
    queue = ringpost.Queue(4)
    queue.put((1, 2.5, "abc", pickle.HIGHEST_PROTOCOL))
    assert queue.stats()["arena_used_bytes"] == 0
