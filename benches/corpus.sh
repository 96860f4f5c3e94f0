#!/usr/bin/env bash
# Time and memory of lockset on real code, beside other tools on the same code in the same run:
#
#     benches/corpus.sh [RUNS]
#
# The Python corpus is the standard library of the `python3` that runs and the packages below, as pip installs them; the
# Rust corpus is what lockset itself is built of, as `cargo vendor` lays it out by Cargo.lock. Both are kept in
# target/corpus. What docs/performance.md says of the method and the figures was made by this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
corpus=target/corpus

PACKAGES=(
    aiohttp==3.11.10 botocore==1.35.76 celery==5.4.0 django==5.1.4 sqlalchemy==2.0.36 sympy==1.13.3 tornado==6.4.2
)

if [ ! -e "$corpus/tools/bin/ruff" ]; then
    python3 -m venv "$corpus/tools"
    "$corpus/tools/bin/python" -m pip install --quiet --disable-pip-version-check ruff==0.17.6
fi
if [ ! -e "$corpus/python/complete" ]; then
    rm -rf "$corpus/python"
    mkdir -p "$corpus/python/stdlib"
    "$corpus/tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
        --only-binary :all: --target "$corpus/python/packages" "${PACKAGES[@]}"
    library="$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
    tar --create --directory "$library" --exclude site-packages --exclude __pycache__ . | tar --extract --directory "$corpus/python/stdlib"
    find "$corpus/python" -type f ! -name '*.py' -delete
    touch "$corpus/python/complete"
fi
if [ ! -e "$corpus/rust/complete" ]; then
    rm -rf "$corpus/rust"
    cargo vendor --quiet --locked --versioned-dirs "$corpus/rust" >"$corpus/vendor.toml"
    touch "$corpus/rust/complete"
fi

cargo build --quiet --release
cargo build --quiet --release --example floor
exec python3 benches/measure.py "$corpus" "${1:-5}"
