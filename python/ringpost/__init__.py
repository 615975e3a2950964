"""multiprocessing's queues over shared memory: change the import, and leave the rest as it is."""

from __future__ import annotations

from ringpost._errors import ShutDown
from ringpost.context import get_context, install
from ringpost.queues import JoinableQueue, Queue, SimpleQueue, open

__all__ = ["JoinableQueue", "Queue", "ShutDown", "SimpleQueue", "get_context", "install", "open"]
