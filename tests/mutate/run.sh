#!/bin/sh
# run.sh - mistakes put into kernels and gradient rules, one at a time: does a
# test notice?
#
#   tests/mutate/run.sh [--n 100] [--seed 1] [--file PATH]... [BUILD]
#
# Takes n mutations (text.h) of shaders/*.k and gen/pass/rules.c, or of the files
# that are named, chosen by the seed. For each: the file is changed in a copy of
# the tree under BUILD (default: build-mutate), what depends on it is built, and
# the tests that have to notice run:
#
#   rules.c      test_rules, the interpreter against differences of losses, and
#                the messages and dumps of the generator
#   a kernel     tests/program with the specs that use it, then tests/kern, in f32
#                on the processor, with the tiles of the C back end and once
#                more with others: attention reads keys where they are, three
#                columns of its output at a time, and sums grow four terms a step
#
# Noticed is what fails, does not compile, or does not end. Leaving a buffer or
# an array fails too, and arrays begin as NaN (QVL_CHECK_BOUNDS in
# shaders/dialect/c.h, -fsanitize=bounds for single elements of arrays). What
# leaves the compiled code as it is (sums over the lanes of a group, of which the
# processor has one) needs another device: it is counted apart, and replaced by
# another mutation. The last lines list what no test noticed, and the last one
# is "N mutations, N noticed, N unnoticed, N the same code". Exit status 1 when
# something was not noticed. equal.txt has mutations that cannot be noticed.
#
# Jobs of the build: CMAKE_BUILD_PARALLEL_LEVEL. It needs x86-64-v3.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD
equal=tests/mutate/equal.txt
n=100
seed=1
files=
build="build-mutate"
while [ $# -gt 0 ]; do
    case $1 in
    --n | --seed | --file)
        [ $# -gt 1 ] || { echo "run.sh: $1 needs a value" >&2; exit 2; }
        case $1 in
        --n) n=$2 ;;
        --seed) seed=$2 ;;
        *) files="$files $2" ;;
        esac
        shift 2
        ;;
    -*)
        echo "run.sh: unknown option $1" >&2
        exit 2
        ;;
    *)
        build=$1
        shift
        ;;
    esac
done
case $n$seed in
*[!0-9]*)
    echo "run.sh: --n and --seed take whole numbers" >&2
    exit 2
    ;;
esac
[ -n "$files" ] || files="$(ls shaders/*.k) gen/pass/rules.c"
mkdir -p "$build" || exit 1
build=$(cd "$build" && pwd)
log=$build/mutation.log
forms="mutant_softmax mutant_ties mutant_optim_kernels mutant_long mutant_run"
rules="test_rules test_mistakes test_limits test_command"
# Of the processor, for what takes a sixth of it when nothing is wrong.
cpu_seconds=120
jobs=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}
export QVL_TEST_DEVICES=cpu QVL_TEST_ISA=v3 QVL_TEST_F32=1
# A program that asks for all memory is to fail, not the machine.
# shellcheck disable=SC3045  # in dash and bash
ulimit -v 16000000

# ---- two copies of the tree, built once ----

# tiles NAME FILE: a file as a tree has it
tiles() {
    case $1$2 in
    directconfigs/tune/host.yaml)
        sed 's/STEP: 1/STEP: 4/; /^attention/,/}/s/STAGE: 2/STAGE: 1/
             /^attention/,/}/s/RD: \[4, 4, 8\]/RD: 3/' ;;
    *) cat ;;
    esac
}

# make_tree NAME: links to what never changes, copies of what does
make_tree() {
    tree=$build/$1/tree
    mkdir -p "$tree"
    for part in CMakeLists.txt cmake include src tests tools; do
        ln -sfn "$root/$part" "$tree/$part"
    done
    # Times stay where nothing differs: what an earlier run left is good.
    find shaders gen configs -type f | while read -r part; do
        mkdir -p "$tree/$(dirname "$part")"
        # shellcheck disable=SC2094  # its name and its text
        tiles "$1" "$part" <"$part" >"$build/part"
        cmp -s "$build/part" "$tree/$part" || cp "$build/part" "$tree/$part"
    done
    (cd "$tree" && find shaders gen configs -type f) | while read -r part; do
        [ -f "$part" ] || rm "$tree/$part"
    done
}

# build_tree NAME TARGET...
build_tree() {
    name=$1
    shift
    ninja -C "$build/$name/build" -j "$jobs" "$@" >"$log" 2>&1
}

prepare() {
    launcher=
    ! command -v ccache >/dev/null ||
        launcher=-DCMAKE_C_COMPILER_LAUNCHER=ccache
    for name in host direct; do
        make_tree $name
        # shellcheck disable=SC2086  # an option, or none
        cmake -G Ninja -S "$tree" -B "$build/$name/build" $launcher \
            -DCMAKE_BUILD_TYPE=Release -DQVL_MUTATE=ON -DQVL_VULKAN=OFF \
            -DQVL_OPENCL=OFF -DQVL_ONEDNN=OFF -DQVL_GOLDEN=none \
            "-DCMAKE_C_FLAGS=-fsanitize=bounds -fsanitize-undefined-trap-on-error" \
            >"$log" 2>&1 || { cat "$log"; exit 1; }
        build_tree $name mutant_archs || { tail -n 30 "$log"; exit 1; }
    done
    # shellcheck disable=SC2086  # names of targets
    build_tree host mutate $forms $rules || { tail -n 30 "$log"; exit 1; }
    mutate=$build/host/build/tests/mutate/mutate
}
objects=tests/mutate/CMakeFiles/mutate_archs_v3.dir/__/__/generated/mutate_archs

# run_limited PROGRAM: 0 when the tests pass
run_limited() {
    # The shell inside says what a signal ended.
    sh -c "ulimit -t $cpu_seconds; \"\$0\"; exit \$?" "$1" >"$log" 2>&1 </dev/null
}

# check_whole NAME PROGRAM: without a mutation the tests pass; what passed in an
# earlier run does not run again
check_whole() {
    program=$build/$1/build/tests/$2
    kept=$build/$1/passed.${2##*/}
    ! cmp -s "$program" "$kept" || return 0
    run_limited "$program" || {
        echo "run.sh: $1, $2 fails without a mutation" >&2
        tail -n 20 "$log" >&2
        exit 1
    }
    cp "$program" "$kept"
}

# What the untouched tree compiles to; all its tests pass.
keep() {
    export QVL_TEST_ARCH=op_
    for name in host direct; do
        rm -rf "$build/$name/kept"
        cp -r "$build/$name/build/$objects" "$build/$name/kept"
        check_whole $name mutate/mutant_archs
    done
    for program in $forms; do
        check_whole host mutate/"$program"
    done
    for program in $rules; do
        check_whole host gen/"$program"
    done
}

# ---- one mutation ----

# Restore what the last one changed; a trap calls it as well.
restore() {
    for name in host direct; do
        cmp -s "$root/$file" "$build/$name/tree/$file" ||
            cp "$root/$file" "$build/$name/tree/$file"
    done
}

# Put mutation `number` of `file` into a tree.
mutate_tree() {
    "$mutate" make "$root" "$file" "$number" >"$build/$1/mutated" &&
        cp "$build/$1/mutated" "$build/$1/tree/$file"
}

# The specs with ops of the kernel; zeros take the place of gradients that no
# loss reaches, and no spec says so.
specs_of() {
    [ "$1" != zero ] || { echo op_tied; return; }
    grep -l "qvl_f_$1_" "$build"/host/build/generated/mutate_archs/model_*.c |
        sed 's|.*/model_||; s|\.c$||' | tr '\n' ' '
}

# try_specs NAME: status 0 noticed, 1 not noticed, 2 the same code
try_specs() {
    mutate_tree "$1" || exit 1
    how="does not compile"
    build_tree "$1" mutant_archs || return 0
    ! cmp -s "$build/$1/build/$objects/k_$function.c.o" \
        "$build/$1/kept/k_$function.c.o" || return 2
    QVL_TEST_ARCH=$(specs_of "$function")
    [ -n "$QVL_TEST_ARCH" ] || return 1
    export QVL_TEST_ARCH
    how="specs, tiles $1"
    ! run_limited "$build/$1/build/tests/mutate/mutant_archs"
}

# The forms of tests/kern, whose kernels are read from the same tree.
try_forms() {
    case $file in
    */attention.k | */experts.k | */lookup.k | */loss.k | */map.k | */norm.k | \
        */optim.k | */reduce.k) ;;
    *) return 1 ;;
    esac
    for program in $forms; do
        how=$program
        build_tree host "$program" || return 0
        run_limited "$build/host/build/tests/mutate/$program" || return 0
    done
    return 1
}

try_kernel() {
    try_specs host
    on_host=$?
    [ $on_host -ne 0 ] || return 0
    [ $on_host -ne 1 ] || ! try_forms || return 0
    # Most kernels have no tiles in which the trees differ.
    ! cmp -s "$build/host/kept/k_$function.c.o" \
        "$build/direct/kept/k_$function.c.o" || return $on_host
    try_specs direct
    on_direct=$?
    [ $on_direct -ne 0 ] || return 0
    [ $on_host -eq 1 ] || [ $on_direct -eq 1 ] || return 2
    return 1
}

try_rules() {
    unset QVL_TEST_ARCH
    mutate_tree host || exit 1
    for program in $rules; do
        how="does not compile"
        build_tree host "$program" || return 0
        how=$program
        run_limited "$build/host/build/tests/gen/$program" || return 0
    done
    return 1
}

# ---- all of them ----

prepare
keep
tab=$(printf '\t')
n_noticed=0
n_same=0
n_done=0
trap 'restore; exit 1' INT TERM
: >"$build/unnoticed"
# shellcheck disable=SC2086  # names of files
"$mutate" pick "$root" $equal $((3 * n + 20)) "$seed" $files \
    >"$build/picked" || exit 1
while IFS=$tab read -r file number line function was made; do
    [ $n_done -lt "$n" ] || break
    case $file in
    *.k) try_kernel ;;
    *) try_rules ;;
    esac
    status=$?
    restore
    if [ $status -eq 2 ]; then
        n_same=$((n_same + 1))
        echo "same code  $file:$line: $made"
        continue
    fi
    n_done=$((n_done + 1))
    if [ $status -eq 0 ]; then
        n_noticed=$((n_noticed + 1))
        echo "noticed    $file:$line: $made  ($how)"
    else
        echo "unnoticed  $file:$line: $made"
        printf '%s:%s %s\n  - %s\n  + %s\n' "$file" "$line" "$function" \
            "$was" "$made" >>"$build/unnoticed"
    fi
done <"$build/picked"
cat "$build/unnoticed"
n_bad=$((n_done - n_noticed))
echo "$n_done mutations, $n_noticed noticed, $n_bad unnoticed," \
    "$n_same the same code"
[ $n_bad -eq 0 ]
