#!/usr/bin/env bash
# Runs every test under Bazel with the Python of BIN: `tools/bazel/test.sh BIN [TARGET...]`.
#
# Debian's Bazel downloads rule sets that its own tools load but these tests do not need. Stand-ins
# beside this script take their places, so that it runs without a network.
set -euo pipefail

bin=$(cd "$1" && pwd)
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rules_java=/usr/share/bazel/rules/java
packages=(bazel-bootstrap bazel-rules-java)

skip() {
  echo "make bazel-test: skipped, because $1."
  exit 0
}

install_bazel() {
  command -v apt-get >/dev/null || skip "Debian's Bazel is not here, and no apt-get to install it"
  [ "$(id -u)" = 0 ] || skip "Debian's Bazel is not here, and only root can install it"
  echo "Installing ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null 2>&1 || skip "Debian's Bazel is not here, and apt-get update failed"
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null 2>&1 ||
    skip "${packages[*]} could not be installed"
}

{ command -v bazel && [ -d "$rules_java" ]; } >/dev/null || install_bazel

cd "$here/../.."
[ $# -gt 0 ] || set -- //:all
exec bazel test \
  --override_repository=rules_cc="$here/rules_cc" \
  --override_repository=remote_coverage_tools="$here/remote_coverage_tools" \
  --override_repository=rules_java="$rules_java" \
  --local_test_jobs=2 \
  --test_env=PATH="$bin:/usr/local/bin:/usr/bin:/bin" \
  "$@"
