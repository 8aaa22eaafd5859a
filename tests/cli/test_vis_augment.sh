#!/bin/sh
# qvl vis augment: records beside what training makes of them.
. "$(dirname "$0")/cli.sh"

run data synth --output "$dir/data" --n 9 --seed 3 --kinds box,poly,line
exits 0
cat >"$dir/run.yaml" <<END
model: {model: $dir/none, torch_dtype: float32}
template: {template: qwen3_vl, max_length: 4096}
tuner: {train_type: full}
training: {output_dir: $dir/runs, logging_dir: $dir/log, run_name: r,
  num_train_epochs: 2, learning_rate: 1e-3}
custom:
  train_jsonl: $dir/data/train.jsonl
  emit_norm: norm1000
  augmentation:
    ops: [{name: hflip}, {name: rotate, params: {prob: 1}},
      {name: random_crop, params: {min_objects: 1}}, {name: color_jitter}]
    curriculum: {phases: [{until_step: 5, ops: {rotate: {max_deg: 80}}}]}
END

start "pictures, an index, the curriculum"
run vis augment "$dir/run.yaml" --output "$dir/a" --n 3 --variants 2
exits 0
says "epoch 0, step "
says "epoch 1, step "
says "rotate fired"
says "objects kept"
holds "other than 3 pictures" test "$(find "$dir/a" -name 'vis_*.png' | wc -l)" -eq 3
while read -r line; do
    echo "$line" >"$dir/line"
    holds "the index is no JSON" sh -c "'$IS_JSON' <'$dir/line'"
done <"$dir/a/index.jsonl"
holds "the curriculum is no JSON" sh -c "'$IS_JSON' <'$dir/a/curriculum_states.json'"
holds "no end of the curriculum" grep -q '"max_deg": 80' "$dir/a/curriculum_states.json"
run vis augment "$dir/run.yaml" --output "$dir/b" --n 3 --variants 2
for file in "$dir"/a/*; do
    holds "another ${file##*/}" cmp "$file" "$dir/b/${file##*/}"
done

start "the same draws at several steps"
run vis augment "$dir/run.yaml" --output "$dir/c" --n 1 --steps 0,5
exits 0
says "epoch 0, step 0"
says "epoch 0, step 5"
holds "other states" test "$(grep -c '"step":' "$dir/c/curriculum_states.json")" -eq 2

start "what is wrong"
run vis augment "$dir/run.yaml" --output "$dir/d" --steps 1,x
fails 2
complains "flag --steps: found 1,x"
run vis augment "$dir/run.yaml" --output "$dir/d" --variants 99
fails 2
complains "flag --variants: found 99"
run vis augment --output "$dir/d"
fails 2
run vis augment "$dir/run.yaml"
fails 2
complains "--output"
holds "a folder was made" test ! -e "$dir/d"
rm "$dir/data/images/"*.png
run vis augment "$dir/run.yaml" --output "$dir/d"
fails 3
finish
