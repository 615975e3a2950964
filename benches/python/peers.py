"""Measures Python's queues between processes side by side, and prints the figures as JSON.

Every contestant once a round, in rotating order; each run in a process of its own, which is killed if it hangs.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import select
import signal
import sys
from typing import Any

import measure
from contestants import Contestant, usable, version

#: A run that takes longer hangs.
LIMIT = 20.0


def run(way: Any, contestant: Contestant, seconds: float) -> tuple[float | None, str]:
    """What was measured, or why nothing was."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        os.setsid()
        # Should this program be killed: nothing that it has started lives for ever.
        signal.alarm(int(LIMIT) + 5)
        # The only thing that is printed are the figures.
        os.dup2(2, 1)
        try:
            found = {"value": way(contestant, seconds)}
        except BaseException as error:
            found = {"error": f"{type(error).__name__}: {error}"}
        os.write(into, json.dumps(found).encode())
        os._exit(0)
    os.close(into)
    ready, _, _ = select.select([out], [], [], LIMIT)
    text = os.read(out, 1 << 16) if ready else b""
    os.close(out)
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # it has not begun its own group, or has ended with it
    os.waitpid(child, 0)
    if not ready:
        return None, f"it hung: killed after {LIMIT:.0f} s"
    found = json.loads(text) if text else {"error": "it was killed"}
    return found.get("value"), found.get("error", "")


def reason(contestant: Contestant, measurement: str) -> str | None:
    """Why a contestant takes no part in a measurement."""
    return next((why for what, why in contestant.unfit.items() if measurement.startswith(what)), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how many values each figure has")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="measurements, by name: *round-trip*")
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    arguments = parser.parse_args()
    seconds = 0.1 if arguments.quick else 0.3
    pattern = arguments.only if "*" in arguments.only else f"*{arguments.only}*"

    able, unable = usable()
    left_out: list[dict[str, str]] = [
        {"peer": name, "measurement": "", "reason": why} for name, why in unable
    ]
    ways = [way for way in measure.ALL if fnmatch.fnmatch(f"python/{way[0]}", pattern)]
    figures: dict[tuple[str, str], dict[str, Any]] = {}
    failed: dict[tuple[str, str], str] = {}
    for turn in range(arguments.rounds):
        for name, unit, lower, scale, way in ways:
            taking_part = [
                contestant
                for contestant in able
                if name.startswith(contestant.only) and reason(contestant, name) is None
            ]
            start = turn % max(len(taking_part), 1)
            for contestant in taking_part[start:] + taking_part[:start]:
                print(f"python/{name}: {contestant.name}, round {turn + 1} of {arguments.rounds}", file=sys.stderr)
                value, error = run(way, contestant, seconds)
                key = (name, contestant.name)
                figure = figures.setdefault(
                    key,
                    {
                        "measurement": f"python/{name}",
                        "peer": contestant.name,
                        "unit": unit,
                        "better": "lower" if lower else "higher",
                        "rounds": [],
                    },
                )
                figure["rounds"].append(None if value is None else value * scale)
                if error:
                    print(f"  {error}", file=sys.stderr)
                    failed[key] = error
    for name, *_ in ways:
        for contestant in able:
            why = reason(contestant, name) or failed.get((name, contestant.name))
            if why is not None:
                left_out.append({"peer": contestant.name, "measurement": f"python/{name}", "reason": why})
    versions = {"Python": platform.python_version()}
    versions.update((contestant.name, version(contestant)) for contestant in able)
    json.dump({"figures": list(figures.values()), "left_out": left_out, "versions": versions}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
