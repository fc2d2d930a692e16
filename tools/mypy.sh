#!/usr/bin/env bash
# Checks types in the installed layout, where `builders/` is `fbnetv2_tf.builders`: mypy reads no
# `__path__`. The editable install links that layout; messages are given the paths of the checkout.
set -euo pipefail
bin=$1
links=$("$bin/python" -c '
import pathlib, sysconfig
[link] = pathlib.Path(sysconfig.get_path("purelib")).glob("__editable__.fbnetv2_tf-*.pth")
print(link.read_text().strip())')
MYPYPATH=$links "$bin/mypy" --package fbnetv2_tf |
  sed -E "s#^([^ ]*/)?$(basename "$links")/##; s#^fbnetv2_tf/(builders|flags)/#\1/#"
