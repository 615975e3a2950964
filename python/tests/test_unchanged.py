"""A program that knows only multiprocessing runs on these queues, once two lines are put before it."""

import subprocess
import sys
from pathlib import Path

from test_cpython import environment, made

PROGRAM = (Path(__file__).parent / "unchanged" / "program.py").read_text()
INSTALL = "import ringpost; ringpost.install()\n"


def run(program: str, method: str, folder: Path) -> tuple[str, int, list[str]]:
    folder.mkdir()
    script, counts = folder / "program.py", folder / "counts"
    script.write_text(program)
    run = subprocess.run(
        [sys.executable, str(script), method],
        env=environment(counts, replace=False),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0 and not run.stderr, run.stderr
    ours, standard, _ = made(counts)
    return run.stdout, ours, standard


def test_an_unchanged_program_does_the_same_on_it(method: str, tmp_path: Path) -> None:
    expected, ours, standard = run(PROGRAM, method, tmp_path / "before")
    assert ours == 0 and len(standard) >= 11, "the standard library's queues are counted"
    assert expected.count("\n") == 12, expected
    output, ours, standard = run(INSTALL + PROGRAM, method, tmp_path / "after")
    assert output == expected
    assert ours >= 11 and not standard, f"fell back to the standard library: {standard}"
