#!/bin/sh
# qvl config: what a configuration says, how two differ, every key there is.
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
says "  data_seed: 3  # under.yaml:1 (training.seed)"
holds "order of the files" test "$(grep '^#' "$dir/out" | tr -d '\n')" = \
    "# under.yaml# base.yaml# other.yaml"
# Every key stands there with its place.
holds "a key without a place" test -z "$(grep -v '^#' "$dir/out" |
    grep -v ':$' | grep -v '  # [a-z]')"
run config inspect other.yaml --yaml
exits 0
says "  weight_decay: 0.2  # other.yaml:4"
run config inspect other.yaml --yaml --json
fails 2
complains "flag --yaml: found it beside --json"
printf 'extends: other.yaml\ntraining: {weight_decay: }\n' >null.yaml
run config inspect null.yaml
exits 0
says "  weight_decay: 0.1  # null.yaml:2 (null)"
printf 'extends: other.yaml\ncustom:\n  emit_norm:\n' >null.yaml
run config inspect null.yaml
fails 2
complains "null.yaml:3: custom.emit_norm: found null, expected a value"

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
# What only names a run, logs, evaluates and saves may differ, nothing else may.
cat >much.yaml <<'END'
extends: base.yaml
training: {output_dir: p, logging_dir: q, run_name: s, logging_steps: 9,
  logging_first_step: false, report_to: none, save_strategy: epoch, save_steps: 9,
  save_total_limit: 1, eval_strategy: steps, eval_steps: 4, log_level: info,
  save_delay_steps: 3, metric_for_best_model: token_acc, greater_is_better: true}
custom: {dump_conversation_text: true, dump_conversation_path: a,
  val_jsonl: train.jsonl}
END
run config diff base.yaml much.yaml --profile parity
exits 2
says "training.greater_is_better (may differ):"
says "custom.val_jsonl:"
complains "found 1 keys that differ"
sed '/val_jsonl/s/.*/  }/; s/eval_strategy: steps,//' much.yaml >fine.yaml
run config diff base.yaml fine.yaml --profile parity
exits 0
run config diff fine.yaml base.yaml --profile parity
exits 0
printf 'extends: base.yaml\ntraining: {eval_delay: 1, seed: 2}\n' >c2.yaml
run config diff base.yaml c2.yaml --profile parity
exits 2
complains "found 3 keys that differ"
# Augmentation counts where one of the two augments.
aug='augmentation: {bypass_prob: 0.5, ops: [{name: hflip}]'
printf 'extends: base.yaml\ncustom:\n  %s, enabled: false}\n' "$aug" >off.yaml
printf 'extends: base.yaml\ncustom:\n  %s}\n' "$aug" >on.yaml
run config diff base.yaml off.yaml --profile parity
exits 0
says "custom.augmentation (may differ):"
run config diff base.yaml off.yaml
exits 2
run config diff off.yaml on.yaml --profile parity
exits 2
complains "found 1 keys that differ"
printf 'extends: on.yaml\ncustom: {bypass_prob: 0.2}\n' >on2.yaml
run config diff on.yaml on2.yaml --profile parity
exits 2
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

printf 'extends: good.yaml\ntraining: {resume_from_checkpoint: %s}\n' none >old.yaml
run config check old.yaml
fails 2
complains "training.resume_from_checkpoint: found none, expected the folder"
printf 'extends: good.yaml\nprompts: {user: ask.txt}\n' >ask.yaml
run config check ask.yaml
fails 2
complains "ask.yaml:2: prompts.user: cannot open file (ask.txt)"
printf 'extends: good.yaml\nmodel: {model: FILL_ME}\n' >fill.yaml
run config check fill.yaml
fails 4
complains "FILL_ME"

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
# All of a file at once, each on a line of its own.
cat >many.yaml <<'END'
extends: base.yaml
inherit: base.yaml
trainning: {}
training: {seed: "1\n2", cached_lengths: x, attn_impl: sdpa, adam_beta1: 1}
custom: {emit_norm: , fusion_config: f.yaml, train_jsonl: []}
END
run config inspect many.yaml
fails 2
holds "a line for each fault" test "$(grep -c '^qvl: error: many.yaml:' "$dir/err")" \
    -eq "$(wc -l <"$dir/err")"
complains "many.yaml:2: inherit: this key has been removed: use extends"
complains "many.yaml:3: trainning: unknown key, the nearest is training"
complains "many.yaml:4: training.seed: found 1 2"
complains "many.yaml:4: training.cached_lengths: this key has been removed"
complains "many.yaml:4: training.attn_impl: unknown key, the nearest is model.attn_impl"
complains "many.yaml:5: custom.emit_norm: found null"
complains "many.yaml:5: custom.train_jsonl: found it beside custom.fusion_config"

start "files that are no configuration"
for text in 'a: 1\na: 2' '\tmodel: {}' 'a: !!str b' 'a: 1\n---\nb: 2' '- a' 'a: *b'; do
    printf "$text\n" >wrong.yaml
    run config inspect wrong.yaml
    fails 2
    complains "wrong.yaml:"
done
: >empty.yaml
run config inspect empty.yaml
fails 2
complains "empty.yaml: model.model: found nothing, expected a value"
printf 'extends: b.yaml\n' >a.yaml
printf 'extends: [base.yaml, a.yaml]\n' >b.yaml
run config inspect a.yaml
fails 2
complains "b.yaml:1:22: extends: found a cycle (a.yaml <- b.yaml <- a.yaml)"

start "the page of keys"
page=$TOOLS/../docs/config.md
run config reference
exits 0
holds "docs/config.md is not what the program prints. This makes it anew:
    $QVL config reference >docs/config.md" cmp -s "$dir/out" "$page"
run config reference more
fails 2
complains "found 1, expected none"
run help config reference
exits 0
says "usage: qvl config reference"

finish
