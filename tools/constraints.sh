#!/usr/bin/env bash
# Writes constraints.txt: one resolution of setup.py, its `test` and `docs` extras that serves every Python.
set -euo pipefail
bin=$1
resolved=$(UV_PYTHON_DOWNLOADS=never "$bin/uv" pip compile setup.py --extra test --extra docs --universal \
  --python-version 3.10 --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet)
{
  cat <<'HEADER'
# The versions that `make` installs, for Python 3.10 to 3.13: what the tests were run with. setup.py
# has the ranges. `make constraints` resolves them anew.
HEADER
  sed "s/'/\"/g; s/python_full_version/python_version/; s/ ; /; /" <<<"$resolved"
} >constraints.txt
