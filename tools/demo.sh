#!/bin/sh
# demo.sh - see it work: the same model on every device of this machine
#
#   tools/demo.sh [BUILD]        BUILD: folder of the build (default: build)
#
# Installs what is missing, builds, runs `qvl forward` with gradients over the
# small models of tests/fixtures on each device, and compares the results with
# the stored ones of the reference implementation. Everything it makes lies in
# out/demo.
# shellcheck disable=SC2059  # the rows of the table have one format
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
out=out/demo
cases="full_gradient dense64_tied_sharded text_only qwen3_text"
row='%-21s %-9s %8s  %-10s %-9s %-6s %6s  %-7s %s\n'

# value FILE KEY: a text of case.json
value() {
    sed -n "s/.*\"$2\": \"\([^\"]*\)\".*/\1/p" "$1"
}

now_ms() {
    date +%s%3N
}

# compare CASE DEVICE: one line of the table, from what golden says, which is
# VERDICT PATH: N comparisons, worst SHARE of the tolerance (WHAT: ERROR, ...)
compare() {
    "$build/tests/golden/golden" --device "$2" "tests/fixtures/$1" \
        >"$out/golden.txt" 2>>"$out/log.txt" || true
    sed -n -e 's/^\([A-Za-z]*\) .*: \([0-9]*\) comparisons, worst /\1|\2|/' \
        -e 's/ of the tolerance (\(.*\): \([^ ]*\), tolerance \(.*\))$/|\1|\2|\3/p' \
        "$out/golden.txt" >"$out/golden.part"
    if [ ! -s "$out/golden.part" ]; then
        cat "$out/golden.txt" >&2
        return 1
    fi
    IFS='|' read -r verdict n share what error tolerance <"$out/golden.part"
    printf "$row" "$1" "$2" "$n" "$error" "$tolerance" "$share" "$seconds" \
        "$verdict" "$what"
    [ "$verdict" = ok ]
}

# forward CASE DEVICE: sets seconds
forward() {
    case_json=tests/fixtures/$1/case.json
    from=$(now_ms)
    "$build/qvl" forward --grad --device "$2" \
        --model "tests/fixtures/$1/$(value "$case_json" model)" \
        --input "tests/fixtures/$1/$(value "$case_json" input)" \
        --output "$out/$1.$(echo "$2" | tr : -).safetensors" \
        2>>"$out/log.txt" || { tail -n 2 "$out/log.txt" >&2; return 1; }
    seconds=$(($(now_ms) - from))
    seconds=$(printf '%d.%02d' $((seconds / 1000)) $((seconds % 1000 / 10)))
}

tools/deps.sh
mkdir -p "$out"
echo "Building in $build (the first time takes minutes) ..."
if ! { cmake -G Ninja -S . -B "$build" &&
    cmake --build "$build" --target qvl_program golden; } \
    >"$out/build.log" 2>&1; then
    tail -n 30 "$out/build.log" >&2
    exit 1
fi

echo
echo "Devices of this machine:"
"$build/qvl" inspect devices | tee "$out/devices.txt" | grep '^[a-z]*:'
devices=$(sed -n 's/^\([a-z]*:[0-9][0-9]*\) .*/\1/p' "$out/devices.txt")

echo
echo "One of the models, as qvl sees it:"
"$build/qvl" inspect model tests/fixtures/dense64_tied_sharded/model

echo
echo "Every model on every device: logits, loss, positions, vision outputs and"
echo "gradients against the stored reference. The difference is the one nearest to"
echo "its tolerance, share is difference / tolerance, seconds are those of one call"
echo "of qvl forward --grad, start and reading of the model included."
echo
rm -f "$out/bad" "$out/log.txt"
{
    printf "$row" case device compared difference tolerance share seconds \
        verdict at
    for case in $cases; do
        for device in $devices; do
            if ! { forward "$case" "$device" && compare "$case" "$device"; }
            then
                echo "$case on $device" >>"$out/bad"
            fi
        done
    done
} | tee "$out/table.txt"
rm -f "$out/golden.txt" "$out/golden.part"

echo
if [ -e "$out/bad" ]; then
    echo "Failed or differs from the reference:"
    cat "$out/bad"
    exit 1
fi
n_devices=$(echo "$devices" | wc -l)
echo "Shown: one layer spec per architecture (configs/arch) became the same"
echo "program on $n_devices device(s); all results agree with the reference."
echo "Not shown, because it is not there yet: training runs and answers in text."
echo "Files: $out/table.txt, $out/devices.txt, and all results in"
echo "$out/CASE.DEVICE.safetensors"
