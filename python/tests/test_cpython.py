"""CPython's own tests, unmodified, on these queues."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "cpython"
SUITES = ["WithProcessesTestQueue", "TestSimpleQueue", "WithProcessesTestPool"]

#: What is not run, and why.
LEFT_OUT = {
    "test_queue_feeder_donot_stop_onexc": "wants put() of an object that cannot be pickled to return; here it raises the error",
}

pytest.importorskip("test._test_multiprocessing", reason="this Python comes without its tests")


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_cpythons_tests_pass(method: str, suite: str, tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    environment = dict(os.environ, RINGPOST_TEST_COUNTS=str(counts))
    environment["PYTHONPATH"] = os.pathsep.join([str(FOLDER), environment.get("PYTHONPATH", "")])
    module = f"with_{method}"
    listed = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import unittest, {module}\nfor t in unittest.TestLoader().getTestCaseNames({module}.{suite}): print(t)",
        ],
        env=dict(environment, RINGPOST_TEST_COUNTS=""),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    tests = [f"{module}.{suite}.{name}" for name in listed.stdout.split() if name not in LEFT_OUT]
    assert tests
    run = subprocess.run(
        [sys.executable, "-m", "unittest", *tests],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    ran = re.search(r"^Ran (\d+) tests", run.stderr, re.MULTILINE)
    assert ran and int(ran[1]) == len(tests), run.stderr
    print(f"{module}.{suite}: {ran[0]}")
    made, fallen_back = (sum(column) for column in zip(*(map(int, line.split()) for line in counts.read_text().splitlines())))
    assert made > 0 and fallen_back == 0, f"{made} queues made, {fallen_back} of the standard library's"
