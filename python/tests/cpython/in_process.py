"""CPython's tests of ``queue.Queue``, in one process.

They want a class named ``Queue`` with ``queue.Queue``'s manners, where those are not ``multiprocessing``'s: ``maxsize`` can be
assigned, and a negative timeout is a ``ValueError`` (``multiprocessing``: as if it were none).
"""

import queue
import types
import unittest
from test.test_queue import BaseQueueTestMixin

import ringpost


class Queue(ringpost.JoinableQueue):
    def __init__(self, maxsize=0):
        super().__init__(maxsize)
        self.maxsize = maxsize

    def put(self, obj, block=True, timeout=None):
        super().put(obj, block, _not_negative(timeout))

    def get(self, block=True, timeout=None):
        return super().get(block, _not_negative(timeout))


def _not_negative(timeout):
    if timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    return timeout


class InProcessTestQueue(BaseQueueTestMixin, unittest.TestCase):
    queue = types.SimpleNamespace(Queue=Queue, Full=queue.Full, Empty=queue.Empty, ShutDown=ringpost.ShutDown)
    type2test = Queue
