#!/bin/sh
# docs/from-coco.md: the commands of the page, as they stand there. Only the model is
# another, with random weights, and the run is shorter.
. "$(dirname "$0")/cli.sh"

project=$(cd "$(dirname "$0")/../.." && pwd)
page=$project/docs/from-coco.md
mkdir -p "$dir/walk/docs" "$dir/bin"
cp -r "$project/docs/coco" "$dir/walk/docs"
ln -s "$QVL" "$dir/bin/qvl"
PATH=$dir/bin:$PATH
cd "$dir/walk" || exit 1

# The commands of a page, a line each.
commands() {
    sed -n '/^```sh$/,/^```$/p' "$1" | grep -v '^```' |
        sed -e ':more' -e '/\\$/{N;s/ *\\\n */ /;b more' -e '}'
}

# short FILE: the same with fewer steps, tokens and another model
short() {
    sed -i -e 's/checkpoint-60/checkpoint-2/g' -e 's/-max-new-tokens 160/-max-new-tokens 8/' \
        -e "s#out/demo/run/demo/checkpoint-1800#$dir/walk/model#" \
        -e 's/max_steps: 60/max_steps: 2/' -e 's/save_steps: 60/save_steps: 2/' \
        -e 's/eval_steps: 30/eval_steps: 2/' "$1"
}

start "the page has its commands and pictures"
commands "$page" >"$dir/commands"
holds "commands" test "$(grep -c '^qvl ' "$dir/commands")" -ge 12
holds "lines that are no call" sh -c "! grep -qv '^qvl ' '$dir/commands'"
pictures=$(sed -n 's/.*!\[.*\](\(.*\)).*/\1/p' "$page")
for picture in $pictures; do
    holds "$picture" test -s "$project/docs/$picture"
done
holds "pictures" test "$(echo "$pictures" | wc -l)" -ge 2

start "each command succeeds"
short "$dir/commands"
short docs/coco/run.yaml
run init --size demo --tokenizer "$project/configs/tokenizer/demo" --output model
exits 0
while read -r line; do
    called=$line
    sh -c "$line" >"$dir/out" 2>"$dir/err" </dev/null
    status=$?
    exits 0
    [ "$status" -eq 0 ] || break
    case $line in
    *" data lengths "*) cp "$dir/out" "$dir/lengths" ;;
    *" eval "*) cp "$dir/out" "$dir/scores" ;;
    esac
done <"$dir/commands"

start "what the page says is there"
holds "160 records" test "$(wc -l <out/coco/all.jsonl)" -eq 160
holds "144 to train on" test "$(wc -l <out/coco/all.train.jsonl)" -eq 144
holds "16 answers" test "$(wc -l <out/coco/answers.jsonl)" -eq 16
holds "lengths" grep -q '144' "$dir/lengths"
holds "scores" grep -q 'localization' "$dir/scores"
coco=out/coco
for file in $coco/records/vis_*.png $coco/augment/*.png $coco/answers/vis_*.png \
    $coco/run/coco/logging.jsonl $coco/run/coco/images/loss.png \
    $coco/run/coco/checkpoint-2/model.safetensors; do
    holds "$file" test -s "$file"
done

finish
