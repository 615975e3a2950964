"""Loaded by every process of a test run that has this folder on its PYTHONPATH: writes down who makes a queue or a pipe, and,
with RINGPOST_TEST_REPLACE, puts those under test into multiprocessing as CPython's own tests need it."""

import multiprocessing.connection as connection
import multiprocessing.queues as standard
import os
import sys

import ringpost
from ringpost import _ringpost, queues

#: The standard library's, whatever takes their places.
STANDARD = {name: getattr(standard, name) for name in ("Queue", "JoinableQueue", "SimpleQueue")}
STANDARD["Pipe"] = connection.Pipe


def note(what: str) -> None:
    """At once, since a child may be killed, or exit without telling anybody."""
    path = os.environ.get("RINGPOST_TEST_COUNTS")
    if path:
        line = f"{os.getpid()} {what}\n".encode()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, line)
        os.close(descriptor)


def _noted(method, what):
    def noted(self, *args, **keywords):
        note(f"{what} {type(self).__name__}")
        return method(self, *args, **keywords)

    return noted


def _noted_pipe(method):
    def noted(*args):
        note("ringpost Pipe")
        return method(*args)

    return noted


def _noted_connection(method):
    def noted(self, *args, **keywords):
        # Made, or arrived from another process. A Listener and a Client also make connections.
        if sys._getframe(1).f_code.co_name in ("Pipe", "rebuild_connection"):
            note("standard Pipe")
        method(self, *args, **keywords)

    return noted


for _class in (STANDARD["Queue"], STANDARD["SimpleQueue"]):
    # Made, or arrived in a spawned child.
    _class.__init__ = _noted(_class.__init__, "standard")
    _class.__setstate__ = _noted(_class.__setstate__, "standard")
queues._Base._made = _noted(queues._Base._made, "ringpost")

_ringpost.pipe = _noted_pipe(_ringpost.pipe)
connection.Connection.__init__ = _noted_connection(connection.Connection.__init__)

if os.environ.get("RINGPOST_TEST_REPLACE"):
    for _name in STANDARD:
        setattr(connection if _name == "Pipe" else standard, _name, getattr(ringpost, _name))
note("started process")
