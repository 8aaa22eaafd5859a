#!/bin/sh
# qvl data audit: what augmentation does to records, without a model.
. "$(dirname "$0")/cli.sh"

run data synth --output "$dir/data" --n 40 --seed 3
exits 0
cat >"$dir/base.yaml" <<END
model: {model: $dir/none, torch_dtype: float32}
template: {template: qwen3_vl, max_length: 4096}
tuner: {train_type: full}
training: {output_dir: $dir/out, logging_dir: $dir/log, run_name: r,
  num_train_epochs: 2, learning_rate: 1e-3}
custom: {train_jsonl: $dir/data/train.jsonl, emit_norm: norm1000}
END

# audited TEXT: the file run.yaml, with custom.augmentation
audited() {
    printf 'extends: base.yaml\ncustom:\n  augmentation:\n%s\n' "$1" >"$dir/run.yaml"
}

start "shares of ops"
audited '    ops:
    - {name: hflip, params: {prob: 1}}
    - {name: rotate, params: {prob: 0}}
    - {name: random_crop, params: {min_objects: 1000}}'
run data audit "$dir/run.yaml" --epochs 2
exits 0
says "80 samples, 0 bypassed"
says "100.0 % kept"
says "fired 1.000"
says "not_drawn 1.000"
says "min_objects"
run data audit "$dir/run.yaml" --epochs 2 --json
exits 0
holds "not JSON" sh -c "'$IS_JSON' <'$dir/out'"
says '"name": "hflip", "outcomes": {"fired": 1}'

start "the same for any number of threads"
audited '    bypass_prob: 0.3
    ops: [{name: rotate}, {name: expand_to_fit_affine}, {name: resize_by_scale},
      {name: random_crop, params: {min_objects: 1, prob: 0.5}}, {name: pad_to_multiple}]'
for n in 1 2 4; do
    run data audit "$dir/run.yaml" --json --threads $n
    exits 0
    cp "$dir/out" "$dir/out.$n"
done
holds "threads change the numbers" cmp "$dir/out.1" "$dir/out.2"
holds "threads change the numbers" cmp "$dir/out.1" "$dir/out.4"

start "what is wrong"
run data audit
fails 2
complains "found 0 files, expected one configuration"
run data audit "$dir/base.yaml"
fails 2
complains "custom.augmentation" "expected ops"
audited '    ops: [{name: hflop}]'
run data audit "$dir/run.yaml"
fails 2
complains "hflop: unknown op, the nearest is hflip"
audited '    ops: [{name: hflip}]'
echo '{"images": []}' >"$dir/data/train.jsonl"
run data audit "$dir/run.yaml"
fails 3
finish
