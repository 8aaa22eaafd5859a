#!/bin/sh
# qvl train: a run of a few steps, what is refused before it, and that a run that
# was stopped, killed or out of room goes on as if nothing had been.
. "$(dirname "$0")/cli.sh"
. "$(dirname "$0")/runs.sh"

# begin NAME: train in the background; sets pid
begin() {
    called="qvl train --config $dir/$1.yaml, in the background"
    "$QVL" train --config "$dir/$1.yaml" --progress off --threads 1 \
        >"$dir/out" 2>"$dir/err" </dev/null &
    pid=$!
}

# has_reached FILE: wait until it is there
has_reached() {
    tries=0
    until [ -e "$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] && kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.1
    done
}

# Losses by step; what stands twice counts once.
losses() {
    sed -n 's/.*"train\/loss": \([^,]*\),.*"step": \([0-9]*\),.*/\2 \1/p' \
        "$dir/runs/$1/logging.jsonl" | sort -n -u
}

same_losses() {
    losses "$1" >"$dir/one"
    losses "$2" >"$dir/two"
    holds "no losses" test -s "$dir/one"
    holds "losses of $1 and $2 differ" cmp "$dir/one" "$dir/two"
}

start "a run and its files"
make_model
run data synth --output "$data" --n 10 --held-out 4 --seed 1
exits 0
cat >"$dir/base.yaml" <<END
model: {model: $model, torch_dtype: float32}
template: {template: qwen3_vl, max_length: 512}
tuner: {train_type: full, freeze_vit: false, freeze_aligner: false}
training:
  output_dir: $dir/runs
  logging_dir: $dir/events
  add_version: false
  num_train_epochs: 1
  per_device_train_batch_size: 1
  gradient_accumulation_steps: 2
  learning_rate: 1e-3
  logging_steps: 1
custom: {train_jsonl: $data/train.jsonl, val_jsonl: $data/val.jsonl,
  emit_norm: norm1000}
prompts: {system: '', user: Detect.}
END
config small 'eval_strategy: epoch' 'save_steps: 3'
train small --verbose
exits 0
holds "standard output is not empty" test ! -s "$dir/out"
complains "training: 10 records"
complains "5 steps of 2 samples (2 batches of 1), 5 steps an epoch"
complains "parameters are trained"
complains '"train/loss"'
complains "step 5: validation loss"
for file in args.json logging.jsonl checkpoint-3/model.safetensors \
    checkpoint-5/trainer_state.json checkpoint-5/optimizer.safetensors \
    checkpoint-5/args.json checkpoint-5/tokenizer.json images/loss.png; do
    holds "no $file" test -s "$dir/runs/small/$file"
done
"$IS_JSON" <"$dir/runs/small/args.json" || failed "args.json is no JSON"
while read -r line; do
    echo "$line" | "$IS_JSON" || failed "a line is no JSON: $line"
done <"$dir/runs/small/logging.jsonl"
holds "no event file" ls "$dir/events/small/"events.out.tfevents.* >/dev/null
tail -n 1 "$dir/runs/small/logging.jsonl" >"$dir/out"
says '"last_model_checkpoint": '
says '"train_loss": '

start "what it trained is a model"
run forward --model "$dir/runs/small/checkpoint-5" \
    --input "$FIXTURES/text_only/input.safetensors" --output "$dir/logits"
exits 0

start "the same run gives the same bits"
config again 'eval_strategy: epoch' 'save_steps: 3'
train again
exits 0
same_end small again 5
same_losses small again

start "progress and debug"
config shown 'max_steps: 2' 'save_strategy: no'
run train --config "$dir/shown.yaml" --progress json --debug
exits 0
complains '{"what": "train", "done": 2, "total": 2, '
complains '"run_name": "shown"'
holds "no conversation" grep -q -e '--- Assistant GT ---' \
    "$dir/runs/shown/conversation_text.txt"
holds "a checkpoint" test ! -e "$dir/runs/shown/checkpoint-2"
run train --config "$dir/shown.yaml" --progress loud
fails 2
complains "found loud"

start "wrong configurations"
run train
fails 2
complains "flag --config"
run train --config "$dir/none.yaml"
fails 3
complains none.yaml
config wrong 'learning_rat: 1'
train wrong
refuses 2 "wrong.yaml:4: training.learning_rat: unknown key" \
    "training.learning_rate"
config wrong 'num_train_epochs:'
train wrong
refuses 2 "wrong.yaml:4: training.num_train_epochs: found null"
config wrong 'group_by_length: true'
train wrong
refuses 2 "training.group_by_length: found true: not supported"
config wrong
train wrong --dtype f8
refuses 2 "--dtype: model.torch_dtype: found f8"
train wrong --threads none
refuses 2 "--threads: runtime.threads: found none"
train wrong more
refuses 2 "found more"
config wrong 'resume_from_checkpoint: last'
train wrong
refuses 2 "found no checkpoint"

start "wrong data"
config wrong
printf 'custom: {train_jsonl: %s}\n' "$dir/none.jsonl" >>"$dir/wrong.yaml"
train wrong
refuses 3 "none.jsonl"
config wrong
printf '{"images": ["%s"], "width": 128, "height": 128, "objects": []}\n' \
    "$data/images/train-00000.png" >"$dir/empty.jsonl"
printf 'custom: {train_jsonl: %s}\n' "$dir/empty.jsonl" >>"$dir/wrong.yaml"
train wrong
refuses 3 "empty.jsonl:1"
config wrong
printf 'template: {max_length: 40}\n' >>"$dir/wrong.yaml"
train wrong
refuses 3 "train.jsonl:1" "40"
config wrong
printf 'model: {model: %s}\n' "$dir/none" >>"$dir/wrong.yaml"
train wrong
refuses 4 "none"

start "SIGTERM saves, and the run goes on to the same bits"
config straight 'max_steps: 12' 'save_steps: 3' 'save_total_limit: 1'
train straight
exits 0
config stopped 'max_steps: 12' 'save_steps: 3' 'save_total_limit: 1'
begin stopped
holds "no first checkpoint" has_reached "$dir/runs/stopped/checkpoint-3"
kill -TERM "$pid"
wait "$pid"
status=$?
exits 130
complains "interrupted behind step"
config stopped 'max_steps: 12' 'save_steps: 3' 'save_total_limit: 1' \
    'resume_from_checkpoint: last'
train stopped
exits 0
complains "going on behind step"
same_end straight stopped 12
same_losses straight stopped
grep -q '"resumed_from": ' "$dir/runs/stopped/logging.jsonl" ||
    failed "the log does not say so"

start "SIGKILL loses no checkpoint"
config killed 'max_steps: 12' 'save_steps: 3' 'save_total_limit: 1'
begin killed
holds "no first checkpoint" has_reached "$dir/runs/killed/checkpoint-3"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
config killed 'max_steps: 12' 'save_steps: 3' 'save_total_limit: 1' \
    'resume_from_checkpoint: true'
train killed
exits 0
same_end straight killed 12
same_losses straight killed
holds "something half done is left" \
    test -z "$(find "$dir/runs/killed" -name '*tmp*')"

start "packed rows go on to the same bits"
rows='packing: true'
config packed "$rows" 'packing_length: 1024' 'num_train_epochs: 3' \
    'save_steps: 2' 'eval_strategy: epoch' 'gradient_accumulation_steps: 1'
train packed --verbose
exits 0
complains "packed rows (1 batches of 1), rows of at most 1024 tokens"
complains "validation loss"
last=$(ls -d "$dir"/runs/packed/checkpoint-* | sed 's/.*-//' | sort -n | tail -n 1)
holds "$last steps of 30 samples" test "$last" -ge 3 -a "$last" -le 15
config repacked "$rows" 'packing_length: 1024' 'num_train_epochs: 3' \
    'save_steps: 2' 'eval_strategy: epoch' 'gradient_accumulation_steps: 1' \
    "resume_from_checkpoint: $dir/runs/packed/checkpoint-2"
train repacked
exits 0
same_end packed repacked "$last"
sed 's/"train.speed.*//' "$dir/runs/packed/logging.jsonl" | grep -o '"epoch": [^,]*' \
    | tail -n 3 >"$dir/one"
grep -o '"epoch": [^,]*' "$dir/runs/repacked/logging.jsonl" | tail -n 3 >"$dir/two"
holds "epochs differ" cmp "$dir/one" "$dir/two"
config wrong "$rows" 'packing_length: 1000' 'gradient_accumulation_steps: 1' \
    "resume_from_checkpoint: $dir/runs/packed/checkpoint-2"
train wrong
refuses 2 "found packing_length 1024 in the checkpoint, expected 1000"
config wrong "$rows" 'packing_strategy: sequential' 'packing_length: 1024' \
    'gradient_accumulation_steps: 1' \
    "resume_from_checkpoint: $dir/runs/packed/checkpoint-2"
train wrong
refuses 2 "found packing_strategy bfd in the checkpoint, expected sequential"
config wrong 'gradient_accumulation_steps: 1' \
    "resume_from_checkpoint: $dir/runs/packed/checkpoint-2"
train wrong
refuses 2 "found packing_length 1024 in the checkpoint, expected 0"

# augmented NAME [TRAINING...]: config, with augmentation and a curriculum
augmented() {
    config "$@"
    cat >>"$dir/$1.yaml" <<END
custom:
  augmentation:
    bypass_prob: 0.1
    ops:
    - {name: hflip}
    - {name: rotate, params: {max_deg: 5}}
    - {name: expand_to_fit_affine, params: {max_pixels: 40000}}
    - {name: color_jitter}
    curriculum: {phases: [{until_percent: 50, ops: {rotate: {max_deg: 45}}}]}
END
}

start "augmented samples go on to the same bits, packed or not"
for rows in 'packing: false' 'packing: true'; do
    augmented turned "$rows" 'max_steps: 8' 'save_steps: 4' 'eval_strategy: "no"'
    train turned
    exits 0
    augmented returned "$rows" 'max_steps: 8' 'save_steps: 4' 'eval_strategy: "no"' \
        "resume_from_checkpoint: $dir/runs/turned/checkpoint-4"
    train returned
    exits 0
    same_end turned returned 8
    for word in fired skipped; do
        holds "no aug/rotate.$word" \
            grep -q "\"train/aug/rotate.$word\": " "$dir/runs/turned/logging.jsonl"
    done
    holds "the curriculum stands still" grep -q '"train/aug/rotate.max_deg": 45' \
        "$dir/runs/turned/logging.jsonl"
    rm -rf "$dir/runs/turned" "$dir/runs/returned"
done
config plain 'max_steps: 8' 'save_steps: 4' 'eval_strategy: "no"'
train plain
exits 0
holds "an op that nobody asked for" \
    test -z "$(grep -l 'aug/' "$dir/runs/plain/logging.jsonl")"
augmented wrong 'max_steps: 8'
sed -i 's/max_deg: 5}/max_degrees: 5}/' "$dir/wrong.yaml"
train wrong
refuses 2 "wrong.yaml:10: custom.augmentation.ops[1].params.max_degrees: unknown"

start "another order of the data is not taken up"
cp "$dir/runs/stopped/args.json" "$dir/args"
config stopped 'max_steps: 15' 'resume_from_checkpoint: last' 'seed: 5'
train stopped
fails 2
complains "found seed 42 in the checkpoint, expected 5"
holds "the run's args.json is another" cmp "$dir/args" "$dir/runs/stopped/args.json"
config elsewhere 'max_steps: 15' "resume_from_checkpoint: $dir/runs/stopped" 'seed: 5'
train elsewhere
fails 2
holds "a run that did not begin has a folder" test ! -e "$dir/runs/elsewhere"

# The weights fit, the moments do not: 15 MB, in units of 512 bytes. Ignored, the
# signal becomes an error of the call.
start "a full disk"
config full 'save_steps: 3'
called="qvl train with files of 15 MB at most"
(
    trap '' XFSZ
    ulimit -f 30000
    exec "$QVL" train --config "$dir/full.yaml" --progress off
) >"$dir/out" 2>"$dir/err" </dev/null
status=$?
exits 3
complains "qvl: error: "
holds "half a checkpoint" test ! -e "$dir/runs/full/checkpoint-3"
holds "something half done is left" \
    test -z "$(find "$dir/runs/full" -name '*tmp*')"

finish
