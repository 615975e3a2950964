"""What several files of tests of pipes need."""

import os
import threading
from typing import Any, Callable

import ringpost

#: What a connection holds in one piece is shorter.
LONG = 40 << 20


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def start(method: str, target: Callable[..., None], *arguments: Any) -> Any:
    child = ringpost.get_context(method).Process(target=target, args=arguments)
    child.daemon = True
    child.start()
    return child


def in_thread(call: Callable[[], Any]) -> Callable[[], Any]:
    """Runs it beside; what is returned waits for its result, or raises what it raised."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append((call(), None))
        except BaseException as error:
            results.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def finish() -> Any:
        thread.join(60)
        assert results, "it hangs"
        result, error = results[0]
        if error is not None:
            raise error
        return result

    return finish
