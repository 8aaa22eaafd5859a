#!/bin/sh
# run.sh - build and test everything
#
#   tests/run.sh [BUILD]               BUILD: folder of the build (default: build)
#   tests/run.sh --sanitizers [BUILD]  the nightly part
#
# Installs what is missing (tools/deps.sh), builds, and runs every test on
# whatever devices the machine has. Where shared/golden stands beside the tree,
# its cases run as well. With --sanitizers the processor's part is built under the
# address and undefined behaviour sanitizers (BUILD-sanitizers) instead, and its
# tests run there, kernels for AVX-512 included, in AVX2.
#
# The last line is "N passed, N failed", with ", N skipped" when a test says that
# it left something out. Counted are the cases of a test program, or the program
# where it has none. Exit status 1 when something failed. With CI=true a machine
# without Vulkan or OpenCL is a failure too.
#
# QVL_TEST_ALL=1 tries more cases on OpenCL and Vulkan, with all that their drivers
# do to kernels.
#
# CMAKE_BUILD_PARALLEL_LEVEL limits the jobs of the build (default: the processors).
# One test more than that runs at a time: some wait for what they started.
# shellcheck disable=SC2086  # names of targets are words of a list
set -u
cd "$(dirname "$0")/.." || exit 1
# Tiles are those that ship, whatever this user has tuned.
export QVL_TUNE=off
# Nor do threads spin while they wait: others run beside them.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY-passive}"
# The first run compiles a thousand kernels, which the drivers on a processor keep.
# They take half the time over it where they are told not to optimize, and lavapipe
# a quarter with vectors that LLVM selects quickly; golden cases run with all they do
# (tests/golden).
if [ -z "${QVL_TEST_ALL:-}" ]; then
    export GALLIVM_PERF="${GALLIVM_PERF-nopt}"
    export LP_NATIVE_VECTOR_WIDTH="${LP_NATIVE_VECTOR_WIDTH-128}"
    export POCL_EXTRA_BUILD_FLAGS="${POCL_EXTRA_BUILD_FLAGS--cl-opt-disable}"
fi
sanitizers=no
if [ "${1:-}" = --sanitizers ]; then
    sanitizers=yes
    shift
fi
build=${1:-build}
checked=$build-sanitizers
jobs=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
passed=0
failed=0
skipped=0

finish() {
    line="$passed passed, $failed failed"
    [ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
    echo "$line"
    [ "$failed" -eq 0 ]
    exit
}

# One more failure, of something that is no test.
failure() {
    echo "FAILED: $*"
    failed=$((failed + 1))
}

# quietly LOG COMMAND...: show the end of what it says only when it fails
quietly() {
    log=$1
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 && return 0
    grep -E -A 12 '(^FAILED:|error:)' "$log" | head -n 80
    echo "---- the end of $log:"
    tail -n 20 "$log"
    return 1
}

# make_build FOLDER TARGETS OPTION...: without it there is nothing to test
make_build() {
    folder=$1
    targets=$2
    shift 2
    echo "== building $folder"
    if ! quietly "$folder/configure.log" \
        cmake -G Ninja -S . -B "$folder" "$@" ||
        ! quietly "$folder/build.log" \
            cmake --build "$folder" --target $targets; then
        failure "the build of $folder"
        finish
    fi
}

# Add up the log of a ctest run. A program that fails although no case of it did
# (a leak, a crash at the end) is one failure more; so is one that is not there.
count() {
    awk '
        function close_test() {
            if (name == "")
                return
            bad = n_run - n_ok - n_off
            if (result == "skip") {
                skipped++
            } else if (n_run == 0) {
                result == "pass" ? passed++ : failed++
            } else {
                passed += n_ok
                failed += bad > 0 ? bad : result != "pass"
            }
            skipped += n_off + n_said
            name = ""
        }
        / Testing: / {
            close_test()
            name = $NF
            result = "fail"
            n_run = n_ok = n_off = n_said = 0
        }
        /^\[ RUN      \]/ { n_run++ }
        /^\[       OK \]/ { n_ok++ }
        /^\[  SKIPPED \]/ { n_off++ }
        /^SKIP / { n_said++ }
        /^Test Passed\./ { result = "pass" }
        /^Test Skipped\./ || /^Skip regular expression found/ { result = "skip" }
        /^Unable to find executable:/ { failed++ }
        END {
            close_test()
            print passed + 0, failed + 0, skipped + 0
        }' "$1"
}

# run_tests FOLDER OPTION...: failures are shown with all they say
run_tests() {
    folder=$1
    shift
    log=$folder/Testing/Temporary/LastTest.log
    rm -f "$log"
    echo "== testing $folder"
    ctest --test-dir "$folder" --output-on-failure --timeout 1200 \
        --parallel $((jobs + 1)) "$@"
    status=$?
    grep '^SKIP ' "$log" | sort | uniq -c
    # shellcheck disable=SC2046  # three numbers
    set -- $(count "$log")
    passed=$((passed + $1))
    failed=$((failed + $2))
    skipped=$((skipped + $3))
    [ "$1" -gt 0 ] || failure "no test passed in $folder"
    [ "$status" -eq 0 ] || [ "$2" -gt 0 ] || failure "ctest in $folder"
    n=$(grep -c 'vulkan validation:' "$log")
    [ "$n" -eq 0 ] || failure "$n complaints of the validation layer"
}

need_devices() {
    "$build/qvl" inspect devices >"$build/devices.log" || return
    grep '^[a-z]*:' "$build/devices.log"
    for name in vulkan opencl; do
        grep -q "^$name:[0-9]" "$build/devices.log" && continue
        if [ "${CI:-}" = true ]; then
            failure "no $name device, and CI=true"
        else
            echo "no $name device here: its part of the tests is left out"
        fi
    done
}

tools/deps.sh || { failure "packages are missing"; finish; }

if [ "$sanitizers" = yes ]; then
    make_build "$checked" all -DCMAKE_BUILD_TYPE=Debug -DQVL_VULKAN=OFF \
        -DQVL_OPENCL=OFF -DQVL_ONEDNN=OFF -DQVL_GOLDEN=none \
        -DQVL_EMULATE_AVX512=ON -DQVL_SANITIZE=address,undefined
    export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    run_tests "$checked" \
        -E '^lint$|^cli_(deps|lint|symbols)$|_(opencl|vulkan)$'
    finish
fi

golden=
[ ! -d ../shared/golden ] || golden=-DQVL_GOLDEN=$(cd ../shared/golden && pwd)
# shellcheck disable=SC2086  # one option, or none
make_build "$build" all -DCMAKE_BUILD_TYPE=Release $golden
need_devices || failure "qvl inspect devices"
# The validation layer watches every test that uses Vulkan.
QVL_VK_VALIDATE=1 run_tests "$build"
finish
