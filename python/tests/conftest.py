"""What every test gets: nothing may hang, and nothing may be left behind."""

import faulthandler
import multiprocessing
import os
import random
from pathlib import Path
from typing import Callable, Iterator

import pytest

#: A test that takes longer hangs.
DEADLINE = 300

#: Figures and seeds, shown at the end of the run.
_said: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--brief", action="store_true", help="repeat less often")
    parser.addoption("--seed", type=int, help="repeat the choices of a run that printed it")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "heavy: takes long or much memory; leave it out by -m 'not heavy'")
    config.addinivalue_line("markers", "cpythons: CPython's own tests; leave them out by -m 'not cpythons'")
    # A handle works in a forked child whatever the parent's threads are doing: that is tested here.
    config.addinivalue_line("filterwarnings", "ignore:This process .* is multi-threaded:DeprecationWarning")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _said:
        terminalreporter.section("figures and seeds")
        for line in _said:
            terminalreporter.line(line)


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Shows a line at the end of the run, whether the test passes or not."""
    return lambda line: _said.append(f"{request.node.name}: {line}")


@pytest.fixture
def times(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """How often something is repeated: a tenth as often in a brief run."""
    brief = request.config.getoption("--brief")
    return lambda full: max(full // 10, 3) if brief else full


@pytest.fixture
def chance(request: pytest.FixtureRequest, say: Callable[[str], None]) -> random.Random:
    """Choices that can be repeated by ``--seed``."""
    seed = request.config.getoption("--seed")
    seed = random.randrange(1 << 32) if seed is None else seed
    say(f"seed {seed}")
    return random.Random(seed)


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
