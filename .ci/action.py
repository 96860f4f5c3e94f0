"""Runs the steps of action.yml as GitHub's runner would, on a scratch project, with the wheel that .ci/wheel has built.

Runs by `.ci/tools python .ci/action.py`. What is not the runner's: expressions are looked up, and not computed.
"""

import functools
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())

BAD = """\
import threading

total = 0

def work():
    global total
    total += 1

for _ in range(2):
    threading.Thread(target=work).start()
"""


INSTALLED: dict[str, str] = {}
"""The outputs of the step that installs, once it has succeeded: each run has the same lockset."""


def run(project: Path, runner: Path, given: dict[str, str]) -> tuple[int, str, dict[str, str], str]:
    """The exit status of the step that ended it, what it printed, its outputs, and the job's summary."""
    assert given.keys() <= ACTION["inputs"].keys(), given
    values = {f"inputs.{name}": given.get(name, it["default"]) for name, it in ACTION["inputs"].items()}

    def evaluated(text: str) -> str:
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda it: values[it[1]], text)

    status, printed = 0, ""
    with tempfile.TemporaryDirectory() as temp:
        summary = Path(temp, "summary")
        summary.touch()
        for step in ACTION["runs"]["steps"]:
            if step["id"] == "install" and "version" not in given and INSTALLED:
                values |= INSTALLED
                continue
            output = Path(temp, "output")
            output.write_text("")
            environment = os.environ | {
                "RUNNER_TEMP": temp if "version" in given else str(runner),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(ROOT / "target/wheel/dist"),
            }
            environment |= {name: evaluated(value) for name, value in step.get("env", {}).items()}
            assert step["shell"] == "bash" and "${{" not in step["run"], "what users write is no part of a script"
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=project / evaluated(step.get("working-directory", ".")),
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            status, printed = done.returncode, printed + done.stdout
            outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
            outputs = {f"steps.{step['id']}.outputs.{name}": value for name, value in outputs.items()}
            values |= outputs
            if status:
                break
            if step["id"] == "install":
                INSTALLED.update(outputs)
        named = {name: it["value"] for name, it in ACTION["outputs"].items()}
        outputs = {name: values.get(value.strip("${} "), "") for name, value in named.items()}
        return status, printed, outputs, summary.read_text()


def expect(result, status: int, *, printed: str = "", annotations: int = 0) -> None:
    found = [line for line in result[1].splitlines() if line.startswith(("::error", "::warning"))]
    fits = result[0] == status and printed in result[1] and len(found) == annotations
    if not fits or (annotations and "unguarded-update" not in result[3]):
        sys.exit(f"action: not status {status}, {annotations} annotations and {printed!r}, but {result}")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        project, runner = Path(directory, "project"), Path(directory, "runner")
        check = functools.partial(run, project, runner)
        project.mkdir()
        (project / "app").mkdir()
        (project / "app/bad.py").write_text(BAD)
        (project / "good.py").write_text("total = 0\n")

        found = check({})
        expect(found, 1, printed="::error file=app/bad.py,line=7,", annotations=1)
        assert found[2] == {"status": "1"}, found
        fine = check({"paths": "good.py"})
        expect(fine, 0)
        assert fine[2] == {"status": "0"}, fine
        expect(check({"paths": "good.py\napp/bad.py"}), 1, annotations=1)
        expect(check({"args": "--select deadlock\n--min-confidence high"}), 0)
        expect(check({"working-directory": "app"}), 1, printed="::error file=bad.py,line=7,", annotations=1)
        # What is given is an argument, and no script.
        expect(check({"args": "$(touch made) ;touch made", "paths": "good.py"}), 2, printed="$(touch")
        assert not (project / "made").exists()
        wrong = check({"paths": "none.py"})
        expect(wrong, 2, printed="none.py: no such file or directory")
        assert wrong[2] == {"status": "2"}, wrong
        expect(check({"version": "0.0.0"}), 1, printed="lockset==0.0.0")

        subprocess.run([ROOT / "target/wheel/venv/bin/lockset", "check", "--quiet", "--write-baseline"], cwd=project, check=True)
        expect(check({"baseline": ".lockset-baseline.json"}), 0)
    print("action: finds, fails, and takes what it is given as it should")


main()
