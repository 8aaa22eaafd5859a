#!/bin/sh
# qvl data: drawn scenes, and what is said of files of records.
. "$(dirname "$0")/cli.sh"

model=$dir/model

# A model folder for encoding: the cut tokenizer and a processor.
make_model() {
    mkdir -p "$model"
    cp "$FIXTURES/text/cut/"*.json "$model"
    cat >"$model/preprocessor_config.json" <<END
{"size": {"shortest_edge": 1024, "longest_edge": 16777216},
 "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
 "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
END
}

# validates FILE ARGUMENT...: the call succeeds and prints no problem
validates() {
    run data validate "$@"
    exits 0
    says " 0 of them bad"
    holds "something on the error stream" test ! -s "$dir/err"
}

# finds_fault ARGUMENT...: status 3, one line of error; what is wrong stands on
# standard output
finds_fault() {
    run data validate "$@"
    exits 3
    complains "qvl: error: records: found "
}

is_json() {
    "$IS_JSON" <"$dir/out"
}

start "the group and its commands"
run data
exits 0
says "usage: qvl data COMMAND"
says "data synth"
says "data validate"
cp "$dir/out" "$dir/group"
run help data
exits 0
holds "help data prints something else" cmp -s "$dir/out" "$dir/group"
run data --help
exits 0
holds "data --help prints something else" cmp -s "$dir/out" "$dir/group"
run help data synth
exits 0
says "usage: qvl data synth"
run data synth --help
exits 0
says "usage: qvl data synth"
run data sinth
fails 2
complains "found data sinth"
complains "did you mean data synth?"
run data --output x
fails 2

start "scenes"
run data synth --output "$dir/a" --n 12 --seed 4 --held_out 3
exits 0
holds "pictures" test "$(ls "$dir/a/images" | wc -l)" -eq 15
holds "records" test "$(wc -l <"$dir/a/train.jsonl")" -eq 12
holds "held out" test "$(wc -l <"$dir/a/val.jsonl")" -eq 3
run data synth --output "$dir/b" --n 12 --seed=4 --held-out 3
holds "another call draws something else" diff -r "$dir/a" "$dir/b"
run data synth --output "$dir/c" --n 12 --seed 5 --held_out 3
holds "another seed draws the same" \
    sh -c "! cmp -s '$dir/a/train.jsonl' '$dir/c/train.jsonl'"
validates "$dir/a/train.jsonl" --images
validates "$dir/a/train.jsonl" "$dir/a/val.jsonl" --mode dense
says "val.jsonl: 3 records"

start "kinds, summaries, sizes"
run data synth --output "$dir/k" --n 40 --kinds line,poly --summary --size 64
exits 0
validates "$dir/k/train.jsonl" --images --mode summary
says ": 0 bbox_2d, "
holds "no polygon" grep -q '"poly": \[' "$dir/k/train.jsonl"
holds "no line" grep -q '"line": \[' "$dir/k/train.jsonl"
holds "no summary" grep -q '×1' "$dir/k/train.jsonl"
finds_fault "$dir/a/train.jsonl" --mode summary
says "12 of them bad"

start "excluded layouts"
run data synth --output "$dir/e" --n 5 --exclude "$dir/a/val.jsonl"
exits 0
run data synth --output "$dir/f" --n 5 --exclude "$dir/nothing"
fails 3
complains "$dir/nothing"
holds "a folder was made" test ! -e "$dir/f"
holds "something was left" test -z "$(ls -d "$dir"/f.* 2>/dev/null)"

start "scenes that cannot be"
run data synth --output "$dir/a" --n 1
fails 2
complains "there already"
holds "the folder changed" diff -r "$dir/a" "$dir/b"
for flags in "--n 0" "--n 1 --size 31" "--n 1 --size 5000" \
    "--n 1 --kinds cube" "--n 1 --kinds box,box" "--n 1 --seed -1" "--n 1 word"; do
    # shellcheck disable=SC2086  # several words
    run data synth --output "$dir/g" $flags
    fails 2
    holds "a folder was made" test ! -e "$dir/g"
done
run data synth --n 1
fails 2
complains "--output"
run data synth --output "$dir/k/train.jsonl/x" --n 1
fails 3

start "problems of records"
head='{"images": ["images/train-00000.png"], "width": 128, "height": 128, '
cat >"$dir/a/bad.jsonl" <<END
$head"objects": [{"bbox_2d": [1, 2, 3, 4], "desc": "ok"}]}

$head"objects": [{"bbox_2d": [1, 2, 3], "desc": "odd"}, {"desc": "none"}]}
{"images": ["nothing.png"], "width": 1, "height": 1, "summary": "a"}
{
$head"objects": [{"line": [1, 2, 3, 400], "desc": "far"}], "id": 3}
END
finds_fault "$dir/a/bad.jsonl"
complains "found 4 bad ones of 5"
says "bad.jsonl:3:"
says "objects[0].bbox_2d: found 3 numbers"
says "objects[1]: found no geometry"
says "bad.jsonl:4:"
says "found no file $dir/a/nothing.png"
says "bad.jsonl:5:"
says "bad.jsonl:6:"
says "expected them in the picture of 128 x 128 px"
says "bad.jsonl: 5 records, 4 of them bad; 1 objects"
says "unknown fields, ignored (no fault; first in line 6)"
holds "number of lines" test "$(grep -c "^$dir/a/bad.jsonl:[0-9]" \
    "$dir/out")" -eq 5
finds_fault "$dir/a/bad.jsonl" --limit 2
holds "the limit" test "$(grep -c "^$dir/a/bad.jsonl:[0-9]" \
    "$dir/out")" -eq 2
says "5 records, 4 of them bad"

start "as JSON"
finds_fault "$dir/a/bad.jsonl" "$dir/a/train.jsonl" --json
holds "no JSON" is_json
says '"records": 17, "bad": 4'
says '"line": 3, "kind": "number of points"'
says '"kinds": {"no JSON": 1, "picture file": 1, '
run data validate "$dir/a/train.jsonl" --json
exits 0
holds "no JSON" is_json
says '"problems": []'

start "dialects"
sed 's/"desc": "[^"]*"/"desc": "a\/b,c"/g' "$dir/a/train.jsonl" |
    head -n 1 >"$dir/a/dialect.jsonl"
sed 's/"desc": "[^"]*"/"desc": "a\/\/c"/g' "$dir/a/train.jsonl" |
    sed -n 2p >>"$dir/a/dialect.jsonl"
validates "$dir/a/dialect.jsonl"
validates "$dir/a/dialect.jsonl" --profile none
finds_fault "$dir/a/dialect.jsonl" --profile slash
says 'dialect.jsonl:2:'
says 'desc: found an empty part in "a//c", expected the dialect slash'
says "2 records, 1 of them bad"
finds_fault "$dir/a/dialect.jsonl" --profile keyvalue
says "2 records, 2 of them bad"
run data validate "$dir/a/dialect.jsonl" --profile some
fails 2
complains "flag --profile: found some, expected none, slash or keyvalue"

start "files that are not there, empty, none"
run data validate "$dir/nothing.jsonl"
exits 3
complains "$dir/nothing.jsonl"
run data validate "$dir"
exits 3
: >"$dir/empty.jsonl"
run data validate "$dir/empty.jsonl"
exits 3
complains "records: found none"
run data validate
fails 2
run data validate "$dir/a/train.jsonl" --mode both
fails 2
run data validate "$dir/a/train.jsonl" --max-length 10
fails 2
complains "--model"

start "pictures of another size"
sed 's/"width": 128/"width": 127/' "$dir/a/val.jsonl" >"$dir/a/size.jsonl"
validates "$dir/a/size.jsonl" --mode any
finds_fault "$dir/a/size.jsonl" --images
says "found 128 x 128 px, expected width and height of the record, 127 x 128"

start "with a model"
make_model
validates "$dir/a/train.jsonl" --model "$model"
says "tokens of a sample: "
validates "$dir/k/train.jsonl" --model "$model" --mode summary
finds_fault "$dir/a/train.jsonl" --model "$model" --max-length 20
says "sample cannot be encoded"
says "expected at most 20"
run data validate "$dir/a/train.jsonl" --model "$dir/no-model"
exits 4
complains "$dir/no-model"

finish
