"""How the time grows with the size of the program: `benches/scaling.py [SIZE...]`, by default 1000 10000 100000.

Programs of so many functions, locks, calls or statements, of shapes in which a pass that looks at all pairs of something
would show: the last column is the exponent by which the time grew over the last step (1 is linear, 2 is quadratic).
Needs `cargo build --release`.
"""

import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LOCKSET = Path(__file__).resolve().parent.parent / "target" / "release" / "lockset"

# Of the larger shapes a file each: nobody writes 100,000 functions into one.
A_FILE = 500


def python_files(parts, head="import threading\n"):
    """The parts spread over modules that all import from the first."""
    for number in range(0, len(parts), A_FILE):
        imports = "" if number == 0 else "from m0 import *\n"
        yield f"m{number // A_FILE}.py", head + imports + "\n".join(parts[number : number + A_FILE])


def calls(n):
    """A chain: each function calls the one before it."""
    part = lambda i: f"def f{i}(x):\n    return f{i - 1}(x)\n" if i % A_FILE else f"def f{i}(x):\n    return x\n"
    return python_files([part(i) for i in range(n)])


def callers(n):
    """All call one function that takes a lock."""
    first = "LOCK = threading.Lock()\nTOTAL = 0\ndef add():\n    global TOTAL\n    with LOCK:\n        TOTAL += 1\n"
    return python_files([first, *(f"def f{i}():\n    add()\n" for i in range(n))])


def classes(n):
    """Each with a lock, a counter, and a thread."""
    part = (
        "class C{0}:\n    def __init__(self):\n        self._lock = threading.Lock()\n        self.count = 0\n"
        "    def add(self):\n        with self._lock:\n            self.count += 1\n"
        "    def start(self):\n        threading.Thread(target=self.add).start()\n"
    )
    return python_files([part.format(i) for i in range(n // 3)])


def locks(n):
    """Each taken while the one before it is held."""
    part = "L{0} = threading.Lock()\ndef f{0}():\n    with L{1}:\n        with L{0}:\n            pass\n"
    return python_files([part.format(i, max(i - i % A_FILE, i - 1)) for i in range(n)])


def accesses(n):
    """Of one shared field, by many methods of many classes."""
    base = "class Base:\n    def __init__(self):\n        self.lock = threading.Lock()\n        self.total = 0\n"
    part = "class D{0}(Base):\n    def add(self):\n        with self.lock:\n            self.total += 1\n"
    return python_files([base, *(part.format(i) for i in range(n))])


def statements(n):
    """One long function under one lock."""
    body = "".join(f"        total = total + {i}\n        items[{i}] = total\n" for i in range(n // 2))
    yield "m0.py", f"import threading\nLOCK = threading.Lock()\nitems = {{}}\ndef f(total):\n    with LOCK:\n{body}"


def updates(n):
    """One counter, raised by each statement of one function."""
    yield "m0.py", "import threading\ncount = 0\ndef f():\n    global count\n" + "    count += 1\n" * n


def tests(n):
    """One function that tests and sets the keys of a shared dictionary."""
    body = "".join(f"    if {i} not in items:\n        items[{i}] = x\n" for i in range(n // 2))
    yield "m0.py", f"import threading\nitems = {{}}\ndef f(x):\n{body}"


def heirs(n):
    """Classes that each derive from the one before, and call a method of their own."""
    part = "class C{0}(C{1}):\n    def m(self):\n        return self.m()\n"
    return python_files([part.format(i, i - 1) if i % A_FILE else f"class C{i}:\n    def m(self):\n        pass\n" for i in range(n)])


def sections(n):
    """One long function of many critical sections."""
    body = "".join(f"    with LOCK:\n        items[{i}] = x\n" for i in range(n // 10))
    yield "m0.py", f"import threading\nLOCK = threading.Lock()\nitems = {{}}\ndef f(x):\n{body}"


def fields(n):
    """Of one class with a lock, each raised by a method without it."""
    head = "class C:\n    def __init__(self):\n        self.lock = threading.Lock()\n"
    made = "".join(f"        self.f{i} = 0\n" for i in range(n // 10))
    body = "".join(f"    def m{i}(self):\n        self.f{i} += 1\n" for i in range(n // 10))
    yield "m0.py", f"import threading\n{head}{made}{body}"


def waits(n):
    """One long function that calls what may wait, for so long."""
    body = "".join(f"    event.wait({i})\n" for i in range(n))
    yield "m0.py", f"import threading\ndef f(event: threading.Event):\n{body}"


def replaced(n):
    """One long function that takes the fields of an object out, and puts others there."""
    body = "".join(f"        x = self.f{i}\n        self.f{i} = y\n        x.use()\n" for i in range(n // 3))
    yield "m0.py", f"class C:\n    def m(self, y):\n{body}"


def passed(n):
    """Objects of many classes, all given to one function, and to one chain of functions in one module."""
    chain = "".join(f"def g{i}(x):\n    return g{i + 1}(x)\n" for i in range(n // 4))
    part = "class C{0}:\n    def m(self):\n        keep(self)\n        return g0(self)\n"
    body = "".join(part.format(i) for i in range(n // 4))
    yield "m0.py", f"def keep(x):\n    x.kept = x\n{chain}def g{n // 4}(x):\n    return x\n{body}"


def awaits(n):
    """One coroutine that tests many fields, awaits what they lack, and sets them."""
    body = "".join(f"        if self.f{i} is None:\n            self.f{i} = await make()\n" for i in range(n // 2))
    head = "class C:\n    def __init__(self):\n        self.lock = asyncio.Lock()\n"
    made = "".join(f"        self.f{i} = None\n" for i in range(n // 2))
    yield "m0.py", f"import asyncio\n{head}{made}    async def m(self, make):\n{body}"


def guards(n):
    """Rust: structs with a mutex, taken by methods that call each other."""
    part = (
        "pub struct S{0} {{ inner: std::sync::Mutex<u64>, next: std::sync::Arc<crate::m0::S0> }}\n"
        "impl S{0} {{\n    pub fn add(&self) {{\n        let mut g = self.inner.lock().unwrap();\n        *g += 1;\n"
        "        drop(g);\n        self.next.add();\n    }}\n}}\n"
    )
    parts = [part.format(i) for i in range(n // 3)]
    for number in range(0, len(parts), A_FILE):
        yield f"src/m{number // A_FILE}.rs", "".join(parts[number : number + A_FILE])


SHAPES = [calls, callers, classes, locks, accesses, statements, updates, tests, heirs, sections, fields, waits, replaced, passed, awaits, guards]


def seconds(files):
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files:
            file = Path(directory, name)
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        begin = time.perf_counter()
        done = subprocess.run([LOCKSET, "check", "--isolated", "--no-cache", "--quiet", directory], capture_output=True)
        if done.returncode not in (0, 1):
            sys.exit(done.stderr.decode())
        return time.perf_counter() - begin


def main():
    sizes = [int(it) for it in sys.argv[1:]] or [1_000, 10_000, 100_000]
    print("| seconds | " + " | ".join(f"{it:,}" for it in sizes) + " | exponent |\n|---|" + "--:|" * (len(sizes) + 1))
    for shape in SHAPES:
        times = [seconds(shape(it)) for it in sizes]
        exponent = math.log(times[-1] / times[-2]) / math.log(sizes[-1] / sizes[-2]) if len(times) > 1 else math.nan
        row = " | ".join(f"{it:.2f}" for it in times)
        print(f"| {shape.__name__}: {shape.__doc__.splitlines()[0].rstrip('.').lower()} | {row} | {exponent:.1f} |", flush=True)


if __name__ == "__main__":
    main()
