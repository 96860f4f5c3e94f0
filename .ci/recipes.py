"""Checks the recipes in README.md: a block of YAML whose first line is a comment with a file's name is valid as that file.

Runs by `.ci/tools python .ci/recipes.py`.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
BLOCK = re.compile(r"^```yaml\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

CHECKS = {
    ".pre-commit-config.yaml": ["pre-commit", "validate-config"],
    ".gitlab-ci.yml": ["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
    ".github/workflows": ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
}


def main() -> None:
    text = README.read_text()
    blocks = BLOCK.findall(text)
    if len(blocks) != text.count("```yaml\n"):
        sys.exit("recipes: a block of YAML in README.md does not begin with the name of its file")
    seen = set()
    for name, recipe in blocks:
        key = next(it for it in CHECKS if name.startswith(it))
        seen.add(key)
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, Path(name).name)
            file.write_text(recipe)
            done = subprocess.run([*CHECKS[key], file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"recipes: {name} in README.md: {done.stdout}")
    if seen != CHECKS.keys():
        sys.exit(f"recipes: README.md has none for {CHECKS.keys() - seen}")
    print(f"recipes: {len(blocks)} are valid")


main()
