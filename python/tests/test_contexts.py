"""Contexts, pools, executors, and code that knows only multiprocessing."""

import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from pathlib import Path

import pytest
import ringpost
import workers
from ringpost import queues


def test_a_pool(method: str) -> None:
    before = queues.made["SimpleQueue"]
    with ringpost.get_context(method).Pool(2) as pool:
        assert pool.map(workers.square, range(100)) == [value * value for value in range(100)]
        assert pool.apply_async(workers.square, (9,)).get(60) == 81
    assert queues.made["SimpleQueue"] > before


def test_an_executor(method: str) -> None:
    with ProcessPoolExecutor(2, mp_context=ringpost.get_context(method)) as executor:
        assert list(executor.map(workers.square, range(50))) == [value * value for value in range(50)]


def test_an_executor_notices_a_killed_worker() -> None:
    with ProcessPoolExecutor(2, mp_context=ringpost.get_context("fork")) as executor:
        with pytest.raises(BrokenProcessPool):
            executor.submit(workers.die, 0).result(60)


def test_workers_as_a_data_loader_has_them(method: str) -> None:
    """The calls that torch's DataLoader makes; torch itself is not installed for it."""
    context = ringpost.get_context(method)
    assert isinstance(context, BaseContext)
    batches, done = context.Queue(), context.Event()
    requests = [context.Queue() for _ in range(2)]
    processes = [context.Process(target=workers.load_batches, args=(queue, batches, done), daemon=True) for queue in requests]
    for queue, process in zip(requests, processes):
        queue.cancel_join_thread()
        process.start()
    for number in range(100):
        requests[number % 2].put(number)
    assert sorted(batches.get(timeout=60) for _ in range(100)) == [(number, [number] * 10) for number in range(100)]
    for queue in requests:
        queue.put(None)
    done.set()
    for queue, process in zip(requests, processes):
        process.join(60)
        assert process.exitcode == 0
        queue.close()


SCRIPT = """
    import multiprocessing, sys
    {first}
    import ringpost
    ringpost.install()
    from concurrent.futures import ProcessPoolExecutor
    from ringpost import queues

    def square(value):
        return value * value

    def work(queue, results):
        for number in iter(queue.get, None):
            results.put(number + 1)
            queue.task_done()
        queue.task_done()

    if __name__ == "__main__":
        multiprocessing.set_start_method(sys.argv[1])
        queue, results = multiprocessing.JoinableQueue(), multiprocessing.Queue()
        child = multiprocessing.Process(target=work, args=(queue, results))
        child.start()
        for number in [1, 2, 3, None]:
            queue.put(number)
        queue.join()
        child.join()
        assert [results.get() for _ in range(3)] == [2, 3, 4]
        with multiprocessing.Pool(2) as pool:
            assert pool.map(square, range(10)) == [n * n for n in range(10)]
        with ProcessPoolExecutor(2) as executor:
            assert list(executor.map(square, range(10))) == [n * n for n in range(10)]
            assert isinstance(executor._call_queue, ringpost.Queue)
            bad = executor.submit(square, lambda: 0)
            assert "pickle" in str(bad.exception(60))
            assert executor.submit(square, 3).result(60) == 9
        assert queues.made["Queue"] == 2 and queues.made["JoinableQueue"] == 1, queues.made
        print("all good")
"""


@pytest.mark.parametrize("first", ["", "import concurrent.futures.process"])
def test_an_unchanged_script_runs_on_it_once_installed(method: str, first: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT).replace("{first}", first))
    run = subprocess.run([sys.executable, str(script), method], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "all good\n"
