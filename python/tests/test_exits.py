"""What is over leaves nothing behind: programs end, whatever they were doing."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ringpost
import workers

EXITS = {
    "items in flight": "queue.put_many([1, bytes(1 << 20)])",
    "items that wait in the process": "queue.put_many(range(50_000))",
    "items got and not done": "queue.put_many([1, 2]); queue.get()",
    "an array held": "queue.put(bytearray(1 << 20)); kept = queue.get()",
    "an error": "queue.put(1); raise SystemExit(0)",
    "a blocked daemon thread": "import threading; threading.Thread(target=empty.get, daemon=True).start()",
    "many blocked daemon threads": (
        "import threading, time\n"
        "for _ in range(20): threading.Thread(target=empty.get, daemon=True).start()\n"
        "time.sleep(0.2)\n"
        "class Slow:\n    def __del__(self, sleep=time.sleep): sleep(0.3)\n"
        "import sys; sys.modules['slow'] = Slow()"
    ),
    "a readiness descriptor": "queue._reader.fileno(); queue.put(1)",
    "a lease": "other = ringpost.Queue(); other.put(1); lease = other.lease(); lease.__enter__()",
    "a forked child that exits": "import os; queue.put(1); pid = os.fork(); os.waitpid(pid, 0) if pid else queue.get()",
    "os._exit": "import os; queue.put_many(range(50_000)); os._exit(0)",
}


@pytest.mark.parametrize("how", EXITS)
@pytest.mark.parametrize("kind", ["Queue", "JoinableQueue"])
def test_an_interpreter_exits_and_leaves_nothing(kind: str, how: str, tmp_path: Path) -> None:
    script = f"import ringpost\nqueue = ringpost.{kind}()\nempty = ringpost.{kind}()\n{EXITS[how]}\n"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdout=pipe, stderr=pipe, text=True, cwd=tmp_path) as program:
        try:
            # A forked child that hangs would keep the pipes open.
            _, complaints = program.communicate(timeout=60)
        finally:
            program.kill()
    assert program.returncode == 0 and not complaints, complaints
    assert not [name for name in os.listdir("/dev/shm") if str(program.pid) in name]


def test_an_interpreter_waits_for_its_items_as_long_as_somebody_may_get_them() -> None:
    queue = ringpost.Queue()
    child = ringpost.get_context("fork").Process(target=workers.put_all, args=(queue, range(40_000)))
    child.start()
    time.sleep(0.5)
    assert child.is_alive(), "it waits: not everything has room yet"
    assert [queue.get(timeout=60) for _ in range(40_000)] == list(range(40_000))
    child.join()
    assert child.exitcode == 0
