#!/bin/sh
# qvl eval detections: scores of a file with answers.
. "$(dirname "$0")/cli.sh"

pred="$dir/pred.jsonl"

# One true object found, one missed; one found with half the area and another
# desc, its answer cut; one row without an answer.
square='"type": "bbox_2d", "points": [0, 0, 500, 500]'
whole='{\"object_1\": {\"bbox_2d\": [0, 0, 500, 500], \"desc\": \"blue square\"}}'
cut='{\"object_1\": {\"bbox_2d\": [0, 0, 500, 250], \"desc\": \"red square\"}, \"ob'
{
    echo '{"model": "a summary of the file"}'
    printf '{"index": 0, "width": 128, "height": 128, "response": "%s", ' "$whole"
    printf '"pred": [{%s, "desc": "blue square"}], ' "$square"
    printf '"gt_norm1000": [{%s, "desc": "blue square"}, ' "$square"
    printf '{"type": "bbox_2d", "points": [600, 600, 900, 900], '
    printf '"desc": "red circle"}]}\n\n'
    printf '{"index": 1, "response": "%s", ' "$cut"
    printf '"gt_norm1000": [{"type": "poly", "points": [[0, 0], [500, 0], '
    printf '[500, 500], [0, 500]], "desc": "blue square"}]}\n'
    printf '{"index": 2, "response": null, "error": "no picture", '
    printf '"gt_norm1000": []}\n'
} >"$pred"

start "tables"
run eval detections "$pred"
exits 0
says "2 pictures, 3 true objects, 2 predicted"
says "localization     0.8000   1.0000   0.6667"
says "full             0.4000   0.5000   0.3333"
says "mean IoU         0.5000"
says "json_valid       0.5000 of 2"
says "level_salvaged   0.5000 of 2"
complains "1 of 3 rows lack gt_norm1000 or an answer"

start "JSON, the same in every run"
run eval detections "$pred" --json
exits 0
holds "no JSON" sh -c "\"$IS_JSON\" <\"$dir/out\""
says '"mean_iou": 0.5'
says '"n_pictures": 2'
cp "$dir/out" "$dir/first.json"
run eval detections "$pred" --output-json "$dir/out.json"
exits 0
says "mean IoU"
holds "another JSON" cmp -s "$dir/first.json" "$dir/out.json"
run eval detections "$pred" --json --output "$dir/again.json"
exits 0
holds "there is output" test ! -s "$dir/out"
holds "another file" cmp -s "$dir/first.json" "$dir/again.json"

start "parameters"
run eval detections "$pred" --primary-threshold 0.6 --modes full,localization \
    --coco_thresholds 0.25,0.75 --beta 2 --top-k-categories 1
exits 0
says "overlap 0.6; mean F1 over 0.25 to 0.75"
says "localization     0.4000   0.5000   0.3333   0.6000"
says "F2"
says "and 2 more"
holds "category is told" sh -c "! grep -q '^category ' '$dir/out'"
run eval detections "$pred" --coco-thresholds 0.1:0.5:0.1 --json
exits 0
says '"coco_thresholds": [0.1, 0.2, 0.3, 0.4, 0.5]'
run eval detections "$pred" --parse strict
exits 0
says "2 pictures, 3 true objects, 1 predicted"
says "level_failed     0.5000 of 2"
run eval detections "$pred" --line-tol 3 --attr-weights a=2,b=0.5 \
    --umbrella x,y --json
exits 0
says '"attr_weights": {"a": 2, "b": 0.5}'
says '"umbrella": ["x", "y"]'
says '"line_tol": 3'

start "wrong flags"
while IFS='|' read -r flag value text; do
    run eval detections "$pred" "--$flag" "$value"
    fails 2
    complains "$text"
done <<'END'
primary-threshold|0|flag --primary-threshold: found 0
primary-threshold|1.5|flag --primary-threshold: found 1.5
primary-threshold|.nan|flag --primary-threshold: found .nan
line-tol|-1|flag --line-tol: found -1
beta|x|flag --beta: found x
coco-thresholds|0.5,0.4|flag --coco-thresholds: found 0.5,0.4
coco-thresholds|0.5,2|flag --coco-thresholds
coco-thresholds|,|flag --coco-thresholds
coco-thresholds|0.5:0.9|flag --coco-thresholds
coco-thresholds|0.5:0.9:0|flag --coco-thresholds
coco-thresholds|0.1:0.9:0.000001|flag --coco-thresholds
modes|place|flag --modes: found place
modes|,|flag --modes: found no mode
attr-weights|a|flag --attr-weights: found a
attr-weights|a=-1|flag --attr-weights: found -1
attr-weights|a=1,a=2|flag --attr-weights: found a twice
parse|off|flag --parse: found off
top-k-categories|-1|flag --top-k-categories
END

start "wrong words"
run eval
fails 2
complains "found nothing, expected detections"
run eval verdicts "$pred"
fails 2
complains "found verdicts, expected detections"
run eval detections
fails 2
complains "found 0 files, expected one"
run eval detections "$pred" "$pred"
fails 2
complains "found 2 files"

start "wrong files"
run eval detections "$dir/none.jsonl"
fails 3
complains "none.jsonl"
run eval detections "$dir"
fails 3
: >"$dir/empty.jsonl"
run eval detections "$dir/empty.jsonl"
fails 3
complains "found no row with gt_norm1000"

bad() {
    printf '{"pred": [], "gt_norm1000": []}\n%s\n' "$1" >"$dir/bad.jsonl"
    run eval detections "$dir/bad.jsonl" --output "$dir/none"
    fails 3
    complains "bad.jsonl line 2:1:"
    complains "$2"
    holds "a file was written" test ! -e "$dir/none"
}

start "wrong rows"
bad '{' "expected a string"
bad '[]' "found list, expected a map"
bad '{"pred": [], "gt_norm1000": {}}' "found map, expected a list"
bad '{"pred": [{"type": "x", "points": []}], "gt_norm1000": []}' 'found "x"'
bad '{"pred": [], "gt_norm1000": [{"type": "line", "points": [1]}]}' "found 1"

finish
