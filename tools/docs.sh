#!/usr/bin/env bash
# Builds the pages. The API's are read from the installed layout, where `builders/` is
# `fbnetv2_tf.builders`: folders of links, so that the pages are of the source as it stands.
set -euo pipefail
bin=$1
rm -rf build/docs_layout
mkdir -p build/docs_layout/fbnetv2_tf
ln -s "$PWD"/fbnetv2_tf/* "$PWD/builders" "$PWD/flags" build/docs_layout/fbnetv2_tf/
# mkdocs-material greets with its plans for a next version.
NO_MKDOCS_2_WARNING=1 "$bin/python" -m mkdocs build --strict --quiet
echo "Pages: build/site/index.html"
