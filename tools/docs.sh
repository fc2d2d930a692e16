#!/usr/bin/env bash
# Builds the pages. The API's are read from a copy in the installed layout, where `builders/` is
# `fbnetv2_tf.builders`, and where an example's heading is the one that the reader of docstrings knows.
set -euo pipefail
bin=$1
rm -rf build/docs_layout
mkdir -p build/docs_layout
cp -r fbnetv2_tf build/docs_layout/
cp -r builders flags build/docs_layout/fbnetv2_tf/
find build/docs_layout -name '*.py' -exec sed -i -E 's/^( +)Example:$/\1Examples:/' {} +
# mkdocs-material greets with its plans for a next version.
PATH="$bin:$PATH" NO_MKDOCS_2_WARNING=1 "$bin/python" -m mkdocs build --strict --quiet
echo "Pages: build/site/index.html"
