"""What happens in a forked child, and when the interpreter exits."""

from __future__ import annotations

import os
from multiprocessing import util
from typing import TYPE_CHECKING
from weakref import WeakSet

from ringpost import _ringpost

if TYPE_CHECKING:
    from ringpost.queues import JoinableQueue

#: Whose leases are to be acknowledged at exit.
joinable: WeakSet[JoinableQueue] = WeakSet()


def _at_exit() -> None:
    _ringpost.join_overflows()
    for queue in list(joinable):
        queue._leave()


def _register() -> None:
    # As the standard library joins its feeder threads: before daemons are ended by what has no priority.
    util.Finalize(None, _at_exit, exitpriority=-5)


def _after_fork(_: object) -> None:
    _register()


class _Anchor:
    """multiprocessing forgets what was registered when a child starts, and asks these to register again."""


_anchor = _Anchor()
_register()
util.register_after_fork(_anchor, _after_fork)
os.register_at_fork(after_in_child=_ringpost.after_fork_in_child)
