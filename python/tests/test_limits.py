"""Much and large, and where there is no room: it is said, and at creation."""

import errno
import gc
import mmap
import os
import pickle
import resource
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, Callable

import numpy
import pytest
import ringpost
import workers
from ringpost.queues import UNBOUNDED

Say = Callable[[str], None]
KINDS = [ringpost.Queue, ringpost.JoinableQueue, ringpost.SimpleQueue]


def test_a_hundred_thousand_tasks_and_then_join(method: str) -> None:
    context = ringpost.get_context(method)
    queue = context.JoinableQueue()
    for number in range(100_000):
        queue.put(number)
    assert queue.qsize() == queue.unfinished_tasks == 100_000
    child = context.Process(target=workers.do_tasks, args=(queue,), daemon=True)
    child.start()
    queue.join()
    assert queue.empty()


def test_a_child_that_has_put_a_hundred_thousand_is_joined_before_anybody_gets(method: str) -> None:
    context = ringpost.get_context(method)
    queue = context.Queue(100_000)
    child = context.Process(target=workers.put_all, args=(queue, range(100_000)))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert [queue.get_nowait() for _ in range(100_000)] == list(range(100_000))


def test_a_child_that_has_put_as_much_as_an_unbounded_queue_holds_is_joined_before_anybody_gets(method: str) -> None:
    context = ringpost.get_context(method)
    queue = context.Queue()
    child = context.Process(target=workers.put_all, args=(queue, range(UNBOUNDED)))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert [queue.get_nowait() for _ in range(UNBOUNDED)] == list(range(UNBOUNDED))


def available() -> int:
    words = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(words["MemAvailable"].split()[0]) << 10


@pytest.mark.heavy
def test_a_payload_of_two_gigabytes(say: Say) -> None:
    if available() < 8 << 30:
        pytest.skip(f"needs 8 GiB of memory; there are {available() >> 20} MiB")
    queue = ringpost.Queue(2, arena=3 << 30)
    start = time.monotonic()
    sent = numpy.zeros((2 << 30) + 123, dtype=numpy.uint8)
    sent[-3:] = 1, 2, 3
    queue.put(sent)
    got = queue.get()
    say(f"{len(sent) / 1e9:.2f} GB put and got in {time.monotonic() - start:.1f} s")
    assert len(got) == len(sent) and list(got[-3:]) == [1, 2, 3]
    del sent, got
    gc.collect()
    assert queue.stats()["held"] == 0
    with pytest.raises(ValueError, match="larger than the arena of 3.0 GB; pass arena="):
        queue.put(memoryview_of(3 << 30))


def memoryview_of(length: int) -> Any:
    """So many bytes that need no memory."""

    return pickle.PickleBuffer(mmap.mmap(-1, length))


def limited(limit: int, value: int, make: Callable[[], Any]) -> OSError:
    soft, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value, hard))
    try:
        with pytest.raises(OSError) as raised:
            for _ in range(1000):
                make()
        return raised.value
    finally:
        resource.setrlimit(limit, (soft, hard))


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_descriptors_are_an_error_at_creation(kind: Any) -> None:
    kept: list[Any] = []
    now = len(os.listdir("/proc/self/fd"))
    assert limited(resource.RLIMIT_NOFILE, now + 8, lambda: kept.append(kind())).errno == errno.EMFILE
    kept.clear()
    kind().put(1)


def test_a_limit_of_address_space_is_an_error_at_creation() -> None:
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    error = limited(resource.RLIMIT_AS, now + (64 << 20), ringpost.Queue)
    assert error.errno == errno.ENOMEM


def test_a_limit_of_files_lengths_is_an_error_at_creation() -> None:
    error = limited(resource.RLIMIT_FSIZE, 1 << 20, ringpost.Queue)
    assert error.errno in (errno.EFBIG, errno.ENOSPC)


FULL = """
    import errno, os, ringpost
    os.posix_fallocate(os.open("/dev/shm/filler", os.O_CREAT | os.O_RDWR), 0, (1 << 20) - 8192)
    try:
        ringpost.Queue(1000, name="no-room")
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
        assert os.listdir("/dev/shm") == ["filler"]
        print(error)
    else:
        raise AssertionError("it was created")
    queue = ringpost.Queue(1000)  # in no file system
    queue.put(bytes(1 << 20))
"""


def test_a_full_file_system_is_an_error_at_creation(tmp_path: Path) -> None:
    script = tmp_path / "full.py"
    script.write_text(textwrap.dedent(FULL))
    inside = 'mount -t tmpfs -o size=1M tmpfs /dev/shm && exec "$0" "$1"'
    unshare = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    try:
        can = subprocess.run([*unshare, "mount -t tmpfs tmpfs /dev/shm"], capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("needs unshare, to mount a small /dev/shm")
    if can.returncode != 0:
        pytest.skip(f"a small /dev/shm cannot be mounted here: {can.stderr.strip()}")
    run = subprocess.run([*unshare, inside, sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "space" in run.stdout
