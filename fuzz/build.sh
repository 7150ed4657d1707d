#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the targets as OSS-Fuzz and ClusterFuzz ask for it: CC, CXX, CFLAGS, CXXFLAGS and LIB_FUZZING_ENGINE say how, OUT
# receives targets, seed corpora, options and what they need at run time. WORK is for the build.
set -eu
project=$(cd "$(dirname "$0")/.." && pwd)
: "${OUT:?where the targets go}" "${LIB_FUZZING_ENGINE:=-fsanitize=fuzzer}"
build=${WORK:-$project}/build-clusterfuzz

engine=other
[ "$LIB_FUZZING_ENGINE" != -fsanitize=fuzzer ] || engine=libfuzzer
if [ ! -f "$build/build.ninja" ]; then
  # shellcheck disable=SC2016
  LDFLAGS="${LDFLAGS:-} -Wl,-rpath,\$ORIGIN/lib" meson setup "$build" "$project" -Dfuzz=$engine \
    -Dfuzz_link="$LIB_FUZZING_ENGINE" -Db_lundef=false -Dwerror=false
fi
ninja -C "$build" fuzz-targets

mkdir -p "$OUT/lib" "$OUT/userland"
cp "$build"/fuzz/userland/*.dll "$build"/fuzz/userland/*.exe "$OUT/userland/"
for target in services dispatch; do
  name=fuzz_$target
  cp "$build/fuzz/$name" "$OUT/$name"
  ldd "$build/fuzz/$name" | awk '/unicorn|capstone|boost|LIEF|nettle/ {print $3}' | xargs -r cp -Lt "$OUT/lib"
  rm -f "$OUT/${name}_seed_corpus.zip"
  (cd "$project/fuzz/corpus/$target" && python3 -m zipfile -c "$OUT/${name}_seed_corpus.zip" ./*)
  cat >"$OUT/$name.options" <<END
[libfuzzer]
max_len = 1024
timeout = 20
detect_leaks = 0
[asan]
detect_stack_use_after_return = 0
END
done
