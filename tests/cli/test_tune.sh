#!/bin/sh
# qvl bench tune: that it searches, what it writes, and that later runs read it.
# What is faster is not tested.
. "$(dirname "$0")/cli.sh"

model=$FIXTURES/qwen3_text/model
input=$FIXTURES/qwen3_text/input.safetensors
table=$dir/config/qvl/tune.json
export XDG_CONFIG_HOME="$dir/config"
unset QVL_TUNE

# tune_by QVL_TUNE ARGUMENT...: run with it
tune_by() {
    QVL_TUNE=$1
    export QVL_TUNE
    shift
    run "$@"
    unset QVL_TUNE
}

lines_are_json() {
    [ -s "$dir/out" ] || return 1
    while read -r line; do
        echo "$line" | "$IS_JSON" || return 1
    done <"$dir/out"
}

table_is_json() {
    "$IS_JSON" <"$table"
}

start "wrong flags"
run bench tune --op none
fails 2
complains "flag --op: found none, expected one of matmul_nt, matmul_nn, "
complains ", attention_dkv, attention_cached"
run bench tune --budget 0
fails 2
complains "flag --budget: found 0"
run bench tune --model "$model"
fails 2
complains "flag --model (qvl bench tune"
run bench kernels --budget 3
fails 2
complains "flag --budget (qvl bench kernels"
tune_by off bench tune --op matmul_nt
fails 2
complains "QVL_TUNE: found no file to write"
holds "a table was made" test ! -e "$table"

start "a place that cannot be written"
echo file >"$dir/file"
tune_by "$dir/file/tune.json" bench tune --op matmul_nt --budget 1
fails 3

start "a dry run"
run bench tune --op attention --budget 1 --dry-run --json --device cpu
exits 0
holds "lines are no JSON" lines_are_json
says '"name": "tune attention", "device": "cpu:0", "dtype": "f32", "old": {"ISA": '
says '"ratio": '
holds "a table was made" test ! -e "$table"

# Every device: search, then what was written is read.
run inspect devices
devices=$(sed -n 's/^\([a-z]*\):0 .*/\1/p' "$dir/out")
for device in opencl vulkan; do
    echo "$devices" | grep -q "$device" || echo "SKIP $device: no device"
done
for device in $devices; do
    start "search on $device"
    run bench tune --op matmul_nt --budget 3 --device "$device"
    exits 0
    says matmul_nt
    says tried
    complains "written to $table"
    holds "the table is no JSON" table_is_json
    holds "the device is not in the table" \
        grep -qF "\"backend\": \"$device\"" "$table"
    holds "other files were left" \
        test "$(ls "$dir/config/qvl")" = tune.json
    run inspect devices
    exits 0
    says "in $table"
done

# tiles CHANGE: the table with the values of matmul_nt that ship for the device,
# changed by sed
tiles() {
    printf '{"version": 1, "devices": [\n%s"matmul_nt": %s}}]}\n' \
        "$of_device" "$(echo "$shipped" | sed "$1")" >"$table"
}

forward() {
    run forward --model "$model" --input "$input" --output "$dir/result" \
        --device "$device"
}

for device in $devices; do
    start "a table by hand on $device"
    of_device=$(sed -n "s/\(.*\"$device\".*\"kernels\": {\).*/\1/p" "$table")
    cp "$table" "$dir/kept.json"
    run bench tune --op matmul_nt --budget 1 --device "$device" --json --dry-run
    shipped=$(sed -n 's/.*"old": \({[^}]*}\).*/\1/p' "$dir/out")
    case $device in
    cpu) legal='s/"ISA": [34]/"ISA": 2/' wrong='s/"ISA": [0-9]*/"ISA": 9/' ;;
    *) legal='s/"TM": 2/"TM": 1/' wrong='s/"BM": [0-9]*/"BM": 7/' ;;
    esac
    tiles "$legal"
    forward
    exits 0
    complains "$device:0: 1 tuned kernel from $table"
    tiles 's/.*/{"OLD": 1}/'
    forward
    exits 0
    complains "kernel matmul_nt: made by another build"
    tiles "$wrong"
    forward
    fails 2
    complains "$table:2: kernel matmul_nt: found"
    complains "expected"
    complains "QVL_TUNE=off"
    cp "$dir/kept.json" "$table"
done

start "a broken table"
echo '{"version": 1,' >"$table"
run inspect devices
fails 3
complains "$table:"
run bench tune --op attention --budget 1
fails 3
holds "the broken table changed" \
    test "$(cat "$table")" = '{"version": 1,'
tune_by off inspect devices
exits 0

finish
