"""Holds the formats that Ruff writes, too, against Ruff: what it says of every finding we say, in the same place and type.

Those who read GitLab's Code Quality and reviewdog's rdjson have read Ruff's for years. Runs by
`.ci/tools python .ci/shapes.py` once `cargo build` has run.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

LOCKSET = Path(__file__).resolve().parent.parent / "target" / "debug" / "lockset"

# Both find something here, and both know how to mend something: an unused import, an unused comment.
SOURCE = """\
import os
import threading

lock = threading.Lock()
total = 0


def add(amount):
    global total
    total += amount


def reset():
    lock.acquire()  # lockset: ignore[lock-order]
    print(unknown)


threading.Thread(target=add).start()
"""

# Our rules have pages in the tool, and none on the web; each finding has a severity of its own.
OURS_HAVE_NONE = {"diagnostics[].code.url", "source.url", "severity"}


def shape(value, at=""):
    """The paths of all values below, each with its type."""
    if isinstance(value, dict):
        return {at: "object"}.items() | set().union(*(shape(it, f"{at}.{key}".lstrip(".")) for key, it in value.items()))
    if isinstance(value, list):
        return {at: "array"}.items() | set().union(*(shape(it, f"{at}[]") for it in value), set())
    return {(at, type(value).__name__)}


def report(command, directory):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode != 1:
        sys.exit(f"shapes: {command[0]} should find something, and says: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "sample.py").write_text(SOURCE)
        for format in ("gitlab", "rdjson"):
            theirs = shape(report(["ruff", "check", "--isolated", "--no-cache", "--output-format", format, "."], directory))
            ours = shape(report([LOCKSET, "check", "--isolated", "--no-cache", "--format", format, "."], directory))
            missing = {it for it in theirs - ours if it[0] not in OURS_HAVE_NONE}
            if missing:
                sys.exit(f"shapes: what Ruff says in {format} and lockset does not: {sorted(missing)}")
    print("shapes: what Ruff says of a finding in gitlab and rdjson, lockset says as well")


main()
