"""multiprocessing's queues over shared memory: change the import, and leave the rest as it is."""

from __future__ import annotations

from ringpost._errors import ShutDown
from ringpost.connection import Connection, Pipe
from ringpost.context import get_context, install
from ringpost.queues import JoinableQueue, Queue, SimpleQueue, open

__all__ = ["Connection", "JoinableQueue", "Pipe", "Queue", "ShutDown", "SimpleQueue", "get_context", "install", "open"]
