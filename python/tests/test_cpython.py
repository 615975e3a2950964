"""CPython's own tests, unmodified, on these queues and pipes."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

import pytest

FOLDER = Path(__file__).parent / "cpython"

#: What tests queues and pipes, and what pools and processes do with them.
SUITES = [
    "WithProcessesTestQueue",
    "TestSimpleQueue",
    "WithProcessesTestPool",
    "WithProcessesTestPoolWorkerErrors",
    "WithProcessesTestPoolWorkerLifetime",
    "WithProcessesTestConnection",
    "WithProcessesTestPoll",
    "TestWait",
]
#: Tests of something else, that use queues or pipes to do it.
CARRIERS = [
    "WithProcessesTestProcess",
    "WithProcessesTestSubclassingProcess",
    "TestFlags",
    "TestForkAwareThreadLock",
    "TestCloseFds",
    "TestIgnoreEINTR",
    "TestInitializers",
    "TestNoForkBomb",
    "TestPoolNotLeakOnFailure",
    "TestStartMethod",
]

#: Single tests that are not run, and why.
LEFT_OUT = {
    "test_queue_feeder_donot_stop_onexc": "wants put() of an object that cannot be pickled to return; here put() raises the error",
    "test_mixed_startmethod": "wants a queue of the fork context to be refused by a spawned child; here it works there",
    "test_ignore": "wants a message of 4 MiB not to fit into a pipe, and a signal to reach its sender; here it fits, and the sender exits",
}

#: Whole families, and why.
FAMILIES_LEFT_OUT = {
    "_TestBarrier": "tests multiprocessing's synchronisation; one queue in it, and half a minute",
    "test_queue's LifoQueueTest, PriorityQueueTest": "these queues are first in, first out",
    "test_queue's FailingQueueTest": "overrides _put and _get, the list inside a queue.Queue; there is none",
    "test_queue's BaseSimpleQueueTest": "queue.SimpleQueue is not replaced, and multiprocessing's has other methods",
    "WithManagerTest*, WithThreadsTest*": "manager proxies, and threads with queue.Queue: not replaced",
}

pytest.importorskip("test._test_multiprocessing", reason="this Python comes without its tests")
pytestmark = pytest.mark.cpythons


def environment(counts: Path, replace: bool = True) -> dict[str, str]:
    """Of processes that write down who makes a queue."""
    env = dict(os.environ, RINGPOST_TEST_COUNTS=str(counts), RINGPOST_TEST_REPLACE="yes" if replace else "")
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(FOLDER), env.get("PYTHONPATH")]))
    return env


def made(counts: Path) -> tuple[int, list[str], int]:
    """How many queues were made, which of them were the standard library's, and by how many processes at least."""
    lines = [line.split() for line in counts.read_text().splitlines()]
    ours = [line for line in lines if line[1] == "ringpost"]
    standard = [" ".join(line) for line in lines if line[1] == "standard"]
    return len(ours), standard, len({pid for pid, what, _ in lines if what == "started"})


def run(module: str, suites: list[str], tmp_path: Path) -> str:
    """Runs the tests, in an order of their own, less those left out, and checks that they ran on these queues."""
    counts = tmp_path / "counts"
    env = environment(counts)
    names = (
        f"import unittest, {module}\n"
        f"for suite in {suites!r}:\n"
        f"    for name in unittest.TestLoader().getTestCaseNames(getattr({module}, suite)): print(suite, name)"
    )
    listed = subprocess.run(
        [sys.executable, "-c", names],
        env=dict(env, RINGPOST_TEST_COUNTS=""),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = [line.split() for line in listed.stdout.splitlines()]
    assert {suite for suite, _ in found} == set(suites)
    tests = [f"{module}.{suite}.{name}" for suite, name in found if name not in LEFT_OUT]
    run = subprocess.run(
        [sys.executable, "-m", "unittest", "-v", *tests], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=240
    )
    assert run.returncode == 0, run.stdout + run.stderr
    ran = re.search(r"^Ran (\d+) tests?", run.stderr, re.MULTILINE)
    assert ran and int(ran[1]) == len(tests), run.stderr
    ours, standard, processes = made(counts)
    assert ours > 0 and not standard, f"{ours} queues and pipes made, and of the standard library's: {standard}"
    skipped = len(re.findall(r"\.\.\. skipped", run.stderr))
    return f"{len(tests)} tests of CPython, {skipped} skipped by themselves, {ours} queues and pipes, {processes} processes started"


def run_with_each_method(suites: list[str], tmp_path: Path, say: Callable[[str], None]) -> None:
    """All start methods at once, since the tests mostly sleep."""
    methods = ["fork", "spawn", "forkserver"]
    with ThreadPoolExecutor(len(methods)) as threads:
        runs = {}
        for method in methods:
            folder = tmp_path / method
            folder.mkdir()
            runs[method] = threads.submit(run, f"with_{method}", suites, folder)
        for method, ran in runs.items():
            say(f"{method}: {ran.result()}")


@pytest.mark.parametrize("suite", SUITES)
def test_cpythons_tests_pass(suite: str, tmp_path: Path, say: Callable[[str], None]) -> None:
    run_with_each_method([suite], tmp_path, say)


@pytest.mark.heavy
def test_cpythons_tests_that_use_queues_pass(tmp_path: Path, say: Callable[[str], None]) -> None:
    run_with_each_method(CARRIERS, tmp_path, say)


def test_cpythons_tests_of_queues_in_one_process_pass(tmp_path: Path, say: Callable[[str], None]) -> None:
    say(run("in_process", ["InProcessTestQueue"], tmp_path))


@pytest.mark.parametrize("left_out", [*LEFT_OUT.items(), *FAMILIES_LEFT_OUT.items()], ids=lambda pair: pair[0])
def test_what_is_left_out_is_there_and_documented(left_out: tuple[str, str], say: Callable[[str], None]) -> None:
    name, reason = left_out
    say(f"left out: {name}: {reason}")
    if name in LEFT_OUT:
        import test._test_multiprocessing as theirs

        assert f"def {name}(" in Path(theirs.__file__).read_text()
    document = " ".join((FOLDER.parents[2] / "docs" / "python.md").read_text().split())
    assert name in document and reason in document, f"docs/python.md: {name}: {reason}"


FALLS_BACK = """
import multiprocessing, sys

def child(what):
    from sitecustomize import STANDARD
    STANDARD[what](**{} if what == "Pipe" else {"ctx": multiprocessing.get_context()})

if __name__ == "__main__":
    process = multiprocessing.get_context(sys.argv[1]).Process(target=child, args=sys.argv[2:])
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""


@pytest.mark.parametrize("what", ["SimpleQueue", "Pipe"])
def test_a_child_that_falls_back_to_the_standard_library_is_noticed(method: str, what: str, tmp_path: Path) -> None:
    script, counts = tmp_path / "falls_back.py", tmp_path / "counts"
    script.write_text(FALLS_BACK)
    subprocess.run([sys.executable, str(script), method, what], env=environment(counts), cwd=tmp_path, timeout=120, check=True)
    _, standard, _ = made(counts)
    assert [line.split()[1:] for line in standard] == [["standard", what]] * (2 if what == "Pipe" else 1)
