"""Makes docs/report.svg, the picture in the README, of what `cargo build`'s lockset prints on a terminal.

    .ci/tools python docs/picture.py            writes it
    .ci/tools python docs/picture.py --check    fails if it is not what would be written
"""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs/report.svg"
COMMAND = ["lockset", "check", "fixtures/bank/bad/branch", "--select", "race", "--min-confidence", "high"]
COLUMNS = 100


def report() -> Text:
    """The first finding, in colour."""
    command = [ROOT / "target/debug/lockset", *COMMAND[1:], "--color", "always", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"COLUMNS": str(COLUMNS)}, stdout=subprocess.PIPE, text=True)
    if done.returncode != 1:
        sys.exit(f"picture: lockset ended with {done.returncode}")
    text = Text.from_ansi(done.stdout)
    heads = [it.start() for it in re.finditer(r"^(error|warning|info)\[", text.plain, re.MULTILINE)]
    first, second = [*heads, len(text.plain)][:2]
    text = text[first:second]
    text.rstrip()
    return text


def picture() -> str:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor", legacy_windows=False)
    console.print(Text.assemble(("$ ", "bold"), " ".join(COMMAND)))
    console.print(report())
    svg = console.export_svg(title="lockset", theme=MONOKAI, unique_id="report")
    # The fonts are fetched from elsewhere; what shows the picture has one of its own.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return "".join(line.rstrip() + "\n" for line in svg.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas").splitlines())


def main() -> None:
    made = picture()
    if sys.argv[1:] != ["--check"]:
        PICTURE.write_text(made)
    elif not PICTURE.exists() or PICTURE.read_text() != made:
        sys.exit("picture: docs/report.svg is not what lockset prints; write it anew: .ci/tools python docs/picture.py")


main()
