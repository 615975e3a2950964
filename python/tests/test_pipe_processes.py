"""Pipes between processes, and what is left of them."""

import os
import pickle
import random
import subprocess
import sys
import textwrap
from multiprocessing import connection
from typing import Any

import pipe_workers as workers
import pytest
import ringpost
from pipes_common import LONG, descriptors, in_thread, start


def test_between_processes(method: str) -> None:
    one, two = ringpost.get_context(method).Pipe()
    child = start(method, workers.echo, two)
    two.close()
    for message in (1, "two", b"three", list(range(10_000)), bytes(10 << 20)):
        one.send(message)
        assert one.recv() == message
    for number in range(2000):
        one.send(number)
        assert one.recv() == number
    one.send(None)
    with pytest.raises(EOFError):
        one.recv()
    child.join()
    assert child.exitcode == 0


def test_bytes_and_files_between_processes(method: str, tmp_path: Any) -> None:
    from multiprocessing import reduction

    one, two = ringpost.Pipe()
    child = start(method, workers.echo_bytes, two)
    for size in (1, 88, 89, 4096, 1 << 20, LONG):
        message = random.Random(size).randbytes(size)
        sent = in_thread(lambda message=message: one.send_bytes(message))
        assert one.recv_bytes() == message
        sent()
    one.send_bytes(b"")
    child.join()
    child = start(method, workers.write_through, two)
    with open(tmp_path / "file", "wb") as file:
        reduction.send_handle(one, file.fileno(), child.pid)
    child.join()
    assert (tmp_path / "file").read_bytes() == b"by descriptor"


def test_a_child_may_get_both_ends(method: str) -> None:
    for duplex in (True, False):
        one, two = ringpost.Pipe(duplex)
        answers, answer = ringpost.Pipe(duplex=False)
        child = start(method, workers.through_both, one, two, answer)
        assert answers.recv() == "from one end to the other"
        two.send("and from here")
        assert answers.recv() == "and from here"
        child.join()


def test_a_connection_is_sent_through_a_connection(method: str) -> None:
    one, two = ringpost.Pipe()
    child = start(method, workers.pass_on, two)
    reader, writer = ringpost.Pipe(duplex=False)
    one.send(writer)
    assert reader.recv() == "through a connection that was sent"
    assert not reader.poll()
    writer.close()
    with pytest.raises(EOFError):
        reader.recv()
    child.join()


def test_a_copy_of_each_end_goes_the_same_way() -> None:
    for duplex in (True, False):
        for end, other in (ringpost.Pipe(duplex), reversed(ringpost.Pipe(duplex))):
            copy = pickle.loads(pickle.dumps(end))
            assert (copy.readable, copy.writable) == (end.readable, end.writable)
            end.close()
            if copy.writable:
                copy.send("there")
                assert other.recv() == "there"
            if copy.readable:
                other.send("back")
                assert copy.recv() == "back"


def test_waiting_for_several(method: str) -> None:
    readers, children = [], []
    for number in range(4):
        reader, writer = ringpost.Pipe(duplex=False)
        children.append(start(method, workers.send_all, writer, [(number, count) for count in range(200)]))
        writer.close()
        readers.append(reader)
    got = []
    while readers:
        for reader in connection.wait(readers):
            try:
                got.append(reader.recv())  # type: ignore[union-attr]
            except EOFError:
                readers.remove(reader)  # type: ignore[arg-type]
    assert sorted(got) == [(number, count) for number in range(4) for count in range(200)]
    for child in children:
        child.join()


def test_nothing_is_left_of_pipes_that_are_gone() -> None:
    connection.wait([ringpost.Pipe()[0]], 0)
    before = descriptors()
    for duplex, most in ((True, 5), (False, 4)):
        pipe = ringpost.Pipe(duplex)
        assert descriptors() - before <= most
        pipe[0].send(1) if duplex else pipe[1].send(1)
        pipe[0].fileno()
        for end in pipe:
            end.close()
        assert descriptors() == before
        pipe = ringpost.Pipe(duplex)
        del pipe, end
        assert descriptors() == before
    assert "ringpost-ready" not in {
        open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")
    }


def test_an_interpreter_exits_with_messages_under_way(method: str, tmp_path: Any) -> None:
    script = f"""if True:
        import ringpost, threading
        one, two = ringpost.get_context({method!r}).Pipe()
        one.send("never received")
        threading.Thread(target=one.recv, daemon=True).start()
        one.fileno()
    """
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")


INSTALLED = """
    import multiprocessing, sys
    import ringpost
    ringpost.install()
    from concurrent.futures import ProcessPoolExecutor
    from ringpost import connection

    def square(value):
        return value * value

    def send(pipe):
        pipe.send(multiprocessing.current_process().name)

    if __name__ == "__main__":
        multiprocessing.set_start_method(sys.argv[1])
        reader, writer = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.Process(target=send, args=(writer,), name="child")
        child.start()
        writer.close()
        assert reader.recv() == "child"
        child.join()
        assert connection.made["Pipe"] == 1
        with multiprocessing.Manager() as manager:
            shared = manager.dict()
            shared["key"] = [1]
            assert shared.copy() == {"key": [1]}
        assert connection.made["Pipe"] == 2
        with ProcessPoolExecutor(2) as executor:
            assert list(executor.map(square, range(10))) == [n * n for n in range(10)]
            assert isinstance(executor._executor_manager_thread_wakeup._reader, ringpost.Connection)
        with multiprocessing.Pool(2) as pool:
            assert pool.map(square, range(10)) == [n * n for n in range(10)]
        print("all good")
"""


def test_an_unchanged_script_runs_on_it_once_installed(method: str, tmp_path: Any) -> None:

    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(INSTALLED))
    run = subprocess.run([sys.executable, str(script), method], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (0, "all good\n"), run.stderr
