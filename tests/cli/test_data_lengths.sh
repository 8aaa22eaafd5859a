#!/bin/sh
# qvl data lengths: tokens of the samples of a run.
. "$(dirname "$0")/cli.sh"

model=$dir/model
run init --size demo --output "$model" --tokenizer "$FIXTURES/text/cut"
run data synth --output "$dir/data" --n 41 --seed 2 --held-out 5

# config MAX_LENGTH LINE...: a configuration with these lines
config() {
    cat >"$dir/run.yaml" <<END
global_max_length: $1
model: {model: $model, torch_dtype: float32}
template: {template: qwen3_vl}
tuner: {train_type: full}
training: {output_dir: $dir/out, logging_dir: $dir/log, run_name: r,
           num_train_epochs: 1, learning_rate: 0.001}
custom:
  train_jsonl: $dir/data/train.jsonl
  emit_norm: norm1000
END
    shift
    for line in "$@"; do
        echo "$line" >>"$dir/run.yaml"
    done
}

# value KEY...: a number out of the JSON on standard output, behind these keys in turn
value() {
    text=$(cat "$dir/out")
    for key in "$@"; do
        text=${text#*\""$key"\": }
    done
    echo "$text" | sed 's/[,}].*//'
}

start "a file to train on"
config 4096
run data lengths "$dir/run.yaml"
exits 0
says "train: 41 samples, tokens"
says "longer than 4096: 0"
holds "another file" sh -c "! grep -q val '$dir/out'"
holds "rows" test "$(grep -c '^\(prompt\|image\|answer\|total\) ' "$dir/out")" -eq 4

start "parts of a sample"
run data lengths "$dir/run.yaml" --json
exits 0
holds "no JSON" sh -c "'$IS_JSON' <'$dir/out'"
cp "$dir/out" "$dir/lengths"
# Of one record all numbers are those that the sample itself has.
config 4096 "  train_sample_limit: 1"
run data lengths "$dir/run.yaml" --json
prompt=$(value train prompt min)
image=$(value train image p50)
answer=$(value train answer max)
total=$(value train total p99)
holds "sum" test "$((prompt + image + answer))" -eq "$total"
run inspect sample --config "$dir/run.yaml" --index 0
says ": objects, $total tokens, $answer of them supervised and $image of pictures"

start "what is too long"
longest=$(sed 's/.*"total": {//; s/}.*//; s/.*"max": //' "$dir/lengths")
config "$((longest - 1))"
run data lengths "$dir/run.yaml"
exits 0
holds "none is too long" sh -c "! grep -q 'longer than $((longest - 1)): 0' '$dir/out'"
says "train.jsonl:"
says ": $longest tokens"
run train --config "$dir/run.yaml"
exits 3
complains "$longest"
config 20 "  val_jsonl: $dir/data/val.jsonl"
run data lengths "$dir/run.yaml" --list 3
exits 0
says "longer than 20: 41"
says "  and 38 more"
says "val: 5 samples, tokens"
says "longer than 20: 5"
holds "order" sh -c "sed -n 's/.*jsonl:[0-9]*: \([0-9]*\) tokens/\1/p' '$dir/out' |
    head -n 3 | sort -nrc"

start "what any epoch finds too long"
# One record is long as objects, one as a summary: whatever epoch 0 draws, both are
# named, with the mode, and training refuses the first of them.
thing='{"bbox_2d": [1, 1, 9, 9], "desc": "a thing"}'
things=$thing
for _ in 1 2 3 4 5 6 7; do
    things="$things, $thing"
done
# record OBJECTS SUMMARY
record() {
    echo "{\"images\": [\"images/train-00000.png\"], \"width\": 128, \"height\": 128," \
        "\"objects\": [$1], \"summary\": \"$2\"}"
}
{
    record "$thing" short
    record "$things" short
    record "$thing" "$(seq -s , 120)"
} >"$dir/data/drawn.jsonl"
for ratio in 0.01 0.5 0.99; do
    config 150 "  summary_ratio: $ratio" "prompts: {system: '', user: Go.}"
    sed 's:/train.jsonl:/drawn.jsonl:' "$dir/run.yaml" >"$dir/drawn.yaml"
    run data lengths "$dir/drawn.yaml"
    exits 0
    says "longer than 150: 2"
    holds "dense" grep -q 'drawn.jsonl:2: [0-9]* tokens, dense$' "$dir/out"
    holds "summary" grep -q 'drawn.jsonl:3: [0-9]* tokens, summary$' "$dir/out"
    tokens=$(sed -n 's/.*drawn.jsonl:2: \([0-9]*\) .*/\1/p' "$dir/out")
    run data lengths "$dir/drawn.yaml" --json
    says '"too_long": 2, "longest": [{"file": '
    says "\"line\": 2, \"tokens\": $tokens, \"mode\": \"dense\"}"
    run config check "$dir/drawn.yaml"
    exits 3
    complains "drawn.jsonl:2"
    complains "found $tokens tokens"
done

start "percentiles"
# All samples are too long, so all are listed, the longest first: the least length
# that p in 100 of 41 do not exceed is number 41 - ceil(0.41 p) + 1.
config 20
run data lengths "$dir/run.yaml" --json --list 50
sed 's/.*"longest": //' "$dir/out" | grep -o '"tokens": [0-9]*' | sed 's/.* //' \
    >"$dir/all"
holds "samples listed" test "$(wc -l <"$dir/all")" -eq 41
for pair in p50:21 p90:5 p95:3 p99:1 max:1 min:41; do
    wanted=$(sed -n "${pair#*:}p" "$dir/all")
    found=$(value train total "${pair%:*}")
    holds "${pair%:*} is $found" test "$found" -eq "$wanted"
done
mean=$(awk '{ sum += $1 } END { printf "%.6f", sum / NR }' "$dir/all")
holds "mean" test "$(printf %.6f "$(value train total mean)")" = "$mean"
holds "lengths differ" test "$(sort -u "$dir/all" | wc -l)" -gt 5

start "any number of threads"
for n in 1 2 7; do
    config 30 "data: {dataset_num_proc: $n}"
    run data lengths "$dir/run.yaml" --json --list 50
    exits 0
    [ $n -ne 1 ] || cp "$dir/out" "$dir/one"
    holds "$n threads" cmp -s "$dir/out" "$dir/one"
done

start "what cannot be measured"
run data lengths
fails 2
run data lengths "$dir/nothing.yaml"
fails 3
config 4096
echo '{"images": [' >>"$dir/data/train.jsonl"
run data lengths "$dir/run.yaml"
fails 3
complains "train.jsonl:42:"

finish
