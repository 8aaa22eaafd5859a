#!/bin/sh
# run.sh - the fuzz targets under sanitizers, each for some minutes
#
#   tests/fuzz/run.sh [--seconds N] [--build FOLDER] [TARGET...]
#
# Installs what is missing (tools/deps.sh --fuzz), builds by Clang with libFuzzer and the
# address and undefined behaviour sanitizers (FOLDER: build-fuzz), and runs each target
# for N seconds (default: 300), beginning with tests/fuzz/corpus/TARGET and with
# what earlier runs left in FOLDER/seen/TARGET. Without names all targets run.
#
# An input is a finding when a sanitizer speaks, a check of the target does not hold,
# it leaks, takes longer than 5 seconds, more than 1 GB, or one allocation more than
# 512 MB. It is kept as FOLDER/found/TARGET/*, and the end says what to do with it.
# Exit status 1 when there was one.
#
# Jobs of the build: CMAKE_BUILD_PARALLEL_LEVEL. The targets run one after the other,
# one process each.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
seconds=300
build="build-fuzz"
names=
while [ $# -gt 0 ]; do
    case $1 in
    --seconds | --build)
        [ $# -gt 1 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }
        case $1 in
        --seconds) seconds=$2 ;;
        *) build=$2 ;;
        esac
        shift 2
        ;;
    -*)
        echo "run.sh: unknown option $1" >&2
        exit 2
        ;;
    *)
        names="$names $1"
        shift
        ;;
    esac
done
case $seconds in
*[!0-9]* | "" | 0)
    echo "run.sh: --seconds takes a whole number above 0" >&2
    exit 2
    ;;
esac
all=$(cd tests/fuzz/corpus && echo *)
for name in $names; do
    [ -d "tests/fuzz/corpus/$name" ] && continue
    echo "run.sh: there is no target $name, expected some of $all" >&2
    exit 2
done
[ -n "$names" ] || names=$all
# Fuzzers stop at what a sanitizer says; one input may not hold all memory.
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1:quarantine_size_mb=32
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

tools/deps.sh --fuzz || exit 1
mkdir -p "$build" || exit 1
build=$(cd "$build" && pwd)

# quietly COMMAND...: show the end of what it says only when it fails
quietly() {
    "$@" >"$build/build.log" 2>&1 && return 0
    tail -n 30 "$build/build.log"
    exit 1
}

launcher=
! command -v ccache >/dev/null || launcher=-DCMAKE_C_COMPILER_LAUNCHER=ccache
# What begins as 0 by chance does not here.
flags="-gline-tables-only -O1 -fno-sanitize-recover=all"
targets=
for name in $names; do
    targets="$targets fuzz_$name"
done
echo "== building $build"
# shellcheck disable=SC2086  # an option, or none; names of targets
quietly cmake -G Ninja -S . -B "$build" $launcher -DCMAKE_C_COMPILER=clang \
    -DCMAKE_BUILD_TYPE=None "-DCMAKE_C_FLAGS=$flags" \
    -DQVL_SANITIZE=address,undefined,fuzzer-no-link \
    -DQVL_VULKAN=OFF -DQVL_OPENCL=OFF -DQVL_ONEDNN=OFF -DQVL_GOLDEN=none
# shellcheck disable=SC2086
quietly cmake --build "$build" --target $targets

# words NAME: the dictionary of a target. Keys of configurations stand elsewhere.
words() {
    case $1 in
    stb) cat tests/fuzz/image.dict ;;
    *) cat "tests/fuzz/$1.dict" ;;
    esac
    [ "$1" != yaml ] ||
        sed -n 's/^\([a-z0-9_.]*\.\)\{0,1\}\([a-z0-9_][a-z0-9_]*\).*/"\2: "/p' \
            tests/fixtures/config/keys.txt | sort -u
}

# Inputs of every target are small: what grows with them shows in few bytes.
most_bytes() {
    case $1 in
    tokenizer) echo 16384 ;;
    image | stb) echo 16384 ;;
    *) echo 4096 ;;
    esac
}

n_bad=0
for name in $names; do
    mkdir -p "$build/seen/$name" "$build/found/$name" "$build/tmp"
    log=$build/$name.log
    words "$name" >"$build/$name.dict"
    echo "== $name, $seconds s"
    (cd "$build/tmp" && TMPDIR=$build/tmp "$build/tests/fuzz/fuzz_$name" \
        -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 \
        -malloc_limit_mb=512 -max_len="$(most_bytes "$name")" \
        -print_final_stats=1 -dict="$build/$name.dict" \
        -artifact_prefix="$build/found/$name/" \
        "$build/seen/$name" "$root/tests/fuzz/corpus/$name") >"$log" 2>&1
    status=$?
    rm -rf "$build/tmp"
    grep -E '^stat::number_of_executed_units|^stat::average_exec' "$log"
    [ $status -eq 0 ] && continue
    n_bad=$((n_bad + 1))
    echo "FOUND: $name ended with status $status; the end of $log:"
    tail -n 40 "$log"
done
[ $n_bad -eq 0 ] && exit 0
cat <<END
$n_bad of the targets found something. For each file F of $build/found/TARGET:
  run it again:       $build/tests/fuzz/fuzz_TARGET F
  make it smaller:    $build/tests/fuzz/fuzz_TARGET -minimize_crash=1 -runs=10000 F
  mend the library; copy F to tests/fuzz/corpus/TARGET/ under a name that says what
  it is, add a case to the unit test of the module, and run this again.
END
exit 1
