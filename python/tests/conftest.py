"""What every test gets: nothing may hang, and nothing may be left behind."""

import faulthandler
import multiprocessing
import os
from pathlib import Path
from typing import Iterator

import pytest

#: A test that takes longer hangs.
DEADLINE = 600


@pytest.fixture(autouse=True)
def ends_and_leaves_nothing() -> Iterator[None]:
    before = set(os.listdir("/dev/shm"))
    faulthandler.dump_traceback_later(DEADLINE, exit=True)
    yield
    for child in multiprocessing.active_children():
        child.kill()
        child.join()
    faulthandler.cancel_dump_traceback_later()
    mine = {name for name in set(os.listdir("/dev/shm")) - before if f"-{os.getpid()}-" in name}
    assert not mine, f"left in {Path('/dev/shm')}: {mine}"


@pytest.fixture(params=["fork", "spawn", "forkserver"])
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)
