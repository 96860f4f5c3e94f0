"""The table of benches/corpus.sh: `measure.py CORPUS RUNS`.

Each group of commands is run in turn, RUNS times after a run of each that does not count: so all find the files in the
page cache, and what disturbs the machine disturbs all. Figures are medians. Ratios are to the group's first command.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKSET = ROOT / "target" / "release" / "lockset"
FLOOR = ROOT / "target" / "release" / "examples" / "floor"


def run(command, before=None, directory=ROOT):
    """Seconds, seconds of processor time, and peak MiB of one run."""
    if before:
        before()
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}")
    seconds = time.perf_counter() - begin
    peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return seconds, usage.ru_utime + usage.ru_stime, peak


def group(title, commands, runs):
    """Runs the commands in turn and prints their figures; gives the median seconds of each."""
    figures = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, arguments in commands.items():
            figure = run(*arguments)
            if number:
                figures[name].append(figure)
    median = {name: [statistics.median(it) for it in zip(*all_)] for name, all_ in figures.items()}
    first = next(iter(median.values()))
    print(f"\n| {title} | wall s | ratio | CPU s | ratio | peak MiB | ratio |\n|---|--:|--:|--:|--:|--:|--:|")
    for name, values in median.items():
        cells = " | ".join(f"{value:.{digits}f} | {value / base:.2f}" for value, base, digits in zip(values, first, (2, 2, 0)))
        print(f"| {name} | {cells} |", flush=True)
    return {name: it[0] for name, it in median.items()}


def size(tree, suffix):
    files = [it for it in tree.rglob(f"*{suffix}") if it.is_file()]
    return len(files), sum(it.read_bytes().count(b"\n") for it in files)


def analysed(tree):
    """Files and lines that lockset reads: tests are left out."""
    done = subprocess.run([LOCKSET, "check", "--no-cache", "--isolated", tree], cwd=ROOT, capture_output=True, text=True)
    found = re.search(r"in ([\d,]+) files? \(([\d,]+) lines?", done.stdout)
    return tuple(int(it.replace(",", "")) for it in found.groups())


def python(corpus, runs):
    tree, cache = corpus / "python", corpus / "cache"
    files, lines = size(tree, ".py")
    read, lines_read = analysed(tree)
    print(f"\nPython: {files:,} files, {lines:,} lines; without tests, as lockset reads by default, {read:,} files, {lines_read:,} lines")
    check = [LOCKSET, "check", "--quiet", "--isolated", "--no-progress"]
    cached = [*check, "--cache-dir", cache, tree]
    # In the middle of what others import; a word is added, so that what it means changes, too.
    changed = tree / "packages" / "django" / "utils" / "functional.py"
    text = changed.read_text()
    named = [tree / "packages" / "django" / "utils" / it for it in ("functional.py", "timezone.py", "autoreload.py")]
    edits = iter(range(1_000_000))

    def edit():
        changed.write_text(f"{text}\n\ndef changed_{next(edits)}():\n    return None\n")

    try:
        group(
            "Python",
            {
                "`ruff check`": ([corpus / "tools" / "bin" / "ruff", "check", "--quiet", "--no-cache", "--isolated", tree],),
                "reading and parsing alone": ([FLOOR, tree],),
                "lockset, no cache": ([*check, "--no-cache", tree],),
                "lockset, no cache, with tests": ([*check, "--no-cache", "--include-tests", tree],),
                "lockset, empty cache": (cached, lambda: shutil.rmtree(cache, ignore_errors=True)),
                "lockset, nothing changed": (cached,),
                "lockset, one file changed": (cached, edit),
                "lockset, three files named, one changed": ([*check, "--cache-dir", cache, *named], edit),
            },
            runs,
        )
    finally:
        changed.write_text(text)


def rust(corpus, runs):
    tree = corpus / "rust"
    files, lines = size(tree, ".rs")
    read, lines_read = analysed(tree)
    print(f"\nRust: {files:,} files, {lines:,} lines; without tests {read:,} files, {lines_read:,} lines")
    seconds = group(
        "Rust",
        {
            "reading and parsing alone": ([FLOOR, tree],),
            "lockset, no cache": ([LOCKSET, "check", "--quiet", "--isolated", "--no-progress", "--no-cache", tree],),
        },
        runs,
    )
    print(f"\n{lines_read / seconds['lockset, no cache']:,.0f} lines of Rust a second")


def clippy(runs):
    """One crate, this one; what it depends on is checked already."""
    touch = lambda: os.utime(ROOT / "src" / "lib.rs")
    group(
        "this crate",
        {
            "`cargo clippy`": (["cargo", "clippy", "--quiet", "--offline"], touch),
            "lockset, no cache": ([LOCKSET, "check", "--quiet", "--isolated", "--no-progress", "--no-cache", "src"],),
        },
        runs,
    )


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    corpus, runs = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    print(f"{os.cpu_count()} processors, {sys.platform}, median of {runs} runs")
    python(corpus, runs)
    rust(corpus, runs)
    clippy(runs)


if __name__ == "__main__":
    main()
