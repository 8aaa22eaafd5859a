#!/bin/sh
# qvl config: what a configuration says, and how two differ.
. "$(dirname "$0")/cli.sh"

cat >"$dir/base.yaml" <<'END'
model: {model: none, torch_dtype: float32}
template: {template: qwen3_vl, max_length: 512}
tuner: {train_type: full}
training:
  output_dir: runs
  logging_dir: events
  run_name: a
  num_train_epochs: 2
  learning_rate: 1e-3
custom: {train_jsonl: train.jsonl, emit_norm: norm1000}
END
cat >"$dir/other.yaml" <<'END'
extends: base.yaml
training:
  run_name: b
  weight_decay: 0.2
END
cd "$dir" || exit 1

start "inspect"
run config inspect other.yaml
exits 0
says "# base.yaml"
says "# other.yaml"
says "  learning_rate: 0.001  # base.yaml:9"
says "  weight_decay: 0.2  # other.yaml:4"
says "  adam_beta2: 0.95  # default"
says '  output_dir: "runs/b"  # base.yaml:5'
says "  lr_scheduler_kwargs:"
says "    min_lr: null  # default"
run config inspect other.yaml --json
exits 0
"$IS_JSON" <"$dir/out" || failed "no JSON"
says '"training.weight_decay": "other.yaml:4"'
printf 'training: {weight_decay: 0.3, seed: 3}\n' >under.yaml
run config inspect other.yaml --base-config under.yaml
exits 0
says "  weight_decay: 0.2  # other.yaml:4"
says "  seed: 3  # under.yaml:1"

start "diff"
run config diff base.yaml base.yaml
exits 0
holds "differences" test ! -s "$dir/out"
run config diff base.yaml other.yaml
exits 2
says "training.weight_decay:"
says "  - 0.1  # default"
says "  + 0.2  # other.yaml:4"
complains "found 4 keys that differ"
run config diff base.yaml other.yaml --profile parity
exits 2
says "training.run_name (may differ):"
complains "found 1 keys that differ"
printf 'extends: base.yaml\ntraining: {run_name: c, save_steps: 7}\n' >c.yaml
run config diff base.yaml c.yaml --profile parity
exits 0
run config diff base.yaml c.yaml --profile some
fails 2
complains "found some"
run config diff base.yaml
fails 2
complains "found 1, expected two FILEs"

start "check"
run config check base.yaml
fails 3
complains "train.jsonl"
run data synth --output data --n 3 --seed 1
mkdir model
cp "$FIXTURES/text/cut/"*.json model
cat >model/preprocessor_config.json <<'END'
{"size": {"shortest_edge": 1024, "longest_edge": 16777216},
 "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
 "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
END
cat >good.yaml <<'END'
extends: base.yaml
model: {model: model}
template: {max_length: 2000}
custom: {train_jsonl: data/train.jsonl}
END
run config check good.yaml
exits 0
says "training: 3 records"
says "good.yaml can be trained with"
printf 'extends: good.yaml\ntemplate: {max_length: 30}\n' >short.yaml
run config check short.yaml
fails 3
complains "train.jsonl:1"

# What holds between rates and steps is told before a model is opened, with the
# number of steps that the records make.
printf 'extends: good.yaml\ntraining: {lr_scheduler_type: %s,\n' \
    warmup_stable_decay >late.yaml
printf '  max_steps: 3, lr_scheduler_kwargs: {num_decay_steps: 4}}\n' >>late.yaml
run config check late.yaml
fails 2
complains "num_decay_steps: found 4, expected no more than the steps"
# So is a number for the best model that no evaluation will have.
printf 'extends: good.yaml\ncustom: {val_jsonl: data/train.jsonl}\n%s\n' \
    'training: {eval_strategy: steps, metric_for_best_model: evl_loss}' >evl.yaml
run config check evl.yaml
fails 2
complains "metric_for_best_model: found evl_loss, expected one of loss, token_acc"
complains "default_loss"
sed 's/learning_rate: [^,}]*/learning_rate: 0/' base.yaml >zero.yaml
run config check zero.yaml
fails 2
complains "training.learning_rate: found 0, expected a number >0"

start "several faults"
printf 'extends: base.yaml\ntraining: {seed: x, sed: 1, group_by_length: true}\n' \
    >bad.yaml
run config inspect bad.yaml
fails 2
complains "bad.yaml:2: training.seed: found x"
complains "bad.yaml:2: training.sed: unknown key, the nearest is training.seed"
complains "bad.yaml:2: training.group_by_length: found true: not supported"
run config inspect none.yaml
fails 3
complains none.yaml

finish
