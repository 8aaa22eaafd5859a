#!/bin/sh
# qvl eval summaries: scores of a file with summaries.
. "$(dirname "$0")/cli.sh"

pred=$dir/pred.jsonl
{
    echo '{"index": 0, "response": "a×1，b×2", "labels": "a×1，b×2", "pred": []}'
    echo '{"index": 1, "response": "b×3，a×1，c×1", "labels": "a×1，b×2"}'
    echo
    echo '{"index": 2, "response": null, "error": "no picture", "labels": "a×1"}'
    echo '{"raw_text": "无关图片", "gt": "无关图片", "summary": "a×1"}'
    echo '{"pred": "a×1。", "labels": null, "summary": "a×1，备注: b"}'
    echo '{"response": "{}", "labels": "{\"统计\": []}"}'
    echo '{"pred": [], "gt": [], "response": "a×1"}'
} >"$pred"

start "tables"
run eval summaries "$pred"
exits 0
says "5 summaries, 1 of them JSON"
says "  0.7273   0.6667   0.8000        5        6  items"
says "  0.9091   0.8333   1.0000        5        6  descriptions"
says "  1.0000   1.0000   1.0000        1        1  无关图片"
says "equal            0.4000 of 5"
says "same items       0.7500 of 4"
says "form right       0.7500 of 4"
says "remarks          0.0000 of 1"
complains "pred.jsonl: 2 of 7 rows lack labels or a response"

start "JSON, the same in every run"
run eval summaries "$pred" --json
exits 0
holds "no JSON" sh -c "\"$IS_JSON\" <\"$dir/out\""
says '"items": {"f1": 0.727272727272727'
says '"matched": 4, "n_pred": 6, "n_true": 5'
says '"n_json": 1, "n_rows": 5, "n_skipped": 2, "parameters": {"beta": 0}'
cp "$dir/out" "$dir/first.json"
run eval summaries "$pred" --output-json "$dir/out.json"
exits 0
says "same items"
holds "another JSON" cmp -s "$dir/first.json" "$dir/out.json"
run eval summaries "$pred" --json --output "$dir/again.json"
exits 0
holds "there is output" test ! -s "$dir/out"
holds "another file" cmp -s "$dir/first.json" "$dir/again.json"
run eval summaries "$pred" --beta 2
exits 0
says "   F2"
run eval summaries "$pred" --beta=2 --json
says '"f_beta": 0.76923076923076'
says '"parameters": {"beta": 2}'

start "rows of qvl data synth, against themselves"
run data synth --output "$dir/s" --n 9 --summary
sed 's/"summary": \("[^"]*"\)/"gt": \1, "response": \1/' "$dir/s/train.jsonl" \
    >"$dir/same.jsonl"
run eval summaries "$dir/same.jsonl"
exits 0
says "equal            1.0000 of 9"
says "same items       1.0000 of 9"
says "form right       1.0000 of 9"
holds "a warning" test ! -s "$dir/err"

start "help"
run eval --help
exits 0
says "detections|summaries PRED.jsonl"
says "labels, the true summary, or else gt or summary"
says "response, the answer, or else raw_text or pred"

start "wrong use"
for flags in "--line-tol 3" "--modes full" "--primary-threshold 0.5" \
    "--coco_thresholds 0.5" "--top-k-categories 3" "--attr-weights a=1" \
    "--umbrella a" "--parse strict"; do
    # shellcheck disable=SC2086  # several words
    run eval summaries "$pred" $flags
    fails 2
    complains "expected a flag that has a meaning there"
done
run eval summaries "$pred" --beta 0
fails 2
complains "flag --beta: found 0"
run eval summary "$pred"
fails 2
complains "found summary, expected detections or summaries"
run eval summaries
fails 2
complains "found 0 files, expected one"
run eval summaries "$pred" "$pred"
fails 2
complains "found 2 files"

start "wrong files"
run eval summaries "$dir/none.jsonl"
fails 3
complains "none.jsonl"
run eval summaries "$dir"
fails 3
: >"$dir/empty.jsonl"
run eval summaries "$dir/empty.jsonl"
fails 3
complains "found no row with labels and response"
echo '{"response": "a×1", "labels": 5}' >"$dir/none.jsonl"
run eval summaries "$dir/none.jsonl" --output "$dir/no"
fails 3
complains "found no row with labels and response"
for line in '{"response": "a' '[]' '5' '{"response": "a", "response": "b"}'; do
    printf '{"response": "a×1", "labels": "a×1"}\n%s\n' "$line" >"$dir/bad.jsonl"
    run eval summaries "$dir/bad.jsonl" --output "$dir/no" --output-json "$dir/no"
    fails 3
    complains "bad.jsonl line 2:1:"
    holds "a file was written" test ! -e "$dir/no"
done
run eval summaries "$pred" --output-json "$dir/none/x"
fails 3
complains "none/x"
if [ -w /dev/full ]; then
    "$QVL" eval summaries "$pred" >/dev/full 2>"$dir/err"
    status=$?
    exits 3
    complains "standard output"
fi

finish
