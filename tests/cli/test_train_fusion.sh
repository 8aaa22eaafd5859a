#!/bin/sh
# qvl train and its neighbours with custom.fusion_config: samples of several sets of data
# in one run, the same for any number of threads and ranks, and resumed within an epoch.
. "$(dirname "$0")/cli.sh"
. "$(dirname "$0")/runs.sh"

# Samples of a kind in the last output of inspect sample.
count() {
    grep -cF -e "$1" "$dir/out"
}

start "a run, its epochs, its files"
make_model
run data synth --output "$data/t" --n 10 --held-out 4 --seed 1
exits 0
run data synth --output "$data/s" --n 20 --held-out 2 --seed 2
exits 0
sed 's/"objects"/"summary": "线×1", "objects"/' "$data/s/train.jsonl" \
    >"$data/s/words.jsonl"
for i in 1 2 3; do
    echo "{\"messages\": [{\"role\": \"user\", \"content\": \"hi $i\"}," \
        "{\"role\": \"assistant\", \"content\": \"ho $i\"}]}"
done >"$data/c.jsonl"
cat >"$dir/fusion.yaml" <<END
targets:
  - {name: Big, dataset: bbu, train_jsonl: $data/t/train.jsonl,
     val_jsonl: $data/t/val.jsonl, template: target_dense, ratio: 1.5}
  - {dataset: rru, train_jsonl: $data/s/words.jsonl, template: target_summary,
     ratio: 0.2, prompt_choices: [Sum it up., What is there?]}
sources:
  - {dataset: lvis, train_jsonl: $data/s/train.jsonl, val_jsonl: $data/s/val.jsonl,
     template: source_dense, ratio: 0.4, max_objects_per_image: 1, eval: true}
  - {dataset: chat, train_jsonl: $data/c.jsonl, template: chatml, ratio: 0.1}
END
cat >"$dir/base.yaml" <<END
model: {model: $model, torch_dtype: float32}
template: {template: qwen3_vl, max_length: 512}
tuner: {train_type: full, freeze_vit: false, freeze_aligner: false}
training:
  output_dir: $dir/runs
  logging_dir: $dir/events
  add_version: false
  num_train_epochs: 2
  per_device_train_batch_size: 2
  gradient_accumulation_steps: 2
  learning_rate: 1e-3
  logging_steps: 1
  save_steps: 5
custom: {fusion_config: $dir/fusion.yaml, emit_norm: norm1000,
  assistant_prefix_format: '<DOMAIN={domain}>, <TASK={task}>'}
prompts: {system: '', user: Detect.}
END
# 15 + 4 of targets, 8 (of 7.6) and 2 (of 1.9) of sources: 29 a epoch, 8 steps
config one 'eval_strategy: epoch'
train one --verbose
exits 0
complains "16 steps of 4 samples"
complains "epoch 0: 29 samples"
complains "epoch 1: 29 samples"
complains "Big    target  10        15        1.5"
complains "rru    target  20        4         0.2       summary  off           all  "
complains "kept      1 of 2 prompt_choices, prompts.system"
complains "lvis   source  20        8         0.4       dense    off           1  "
complains "kept      prompts.user, prompts.system"
complains "chat   source  3         2         0.6667"
for label in big rru lvis chat; do
    holds "no loss of $label" grep -q "\"train/${label}_loss\": " \
        "$dir/runs/one/logging.jsonl"
done
for label in big lvis; do
    holds "no evaluation of $label" grep -q "\"eval/${label}_loss\": " \
        "$dir/runs/one/logging.jsonl"
done
holds "evaluated what is not asked for" \
    test -z "$(grep '"eval/rru_loss"' "$dir/runs/one/logging.jsonl")"
"$IS_JSON" <"$dir/runs/one/fusion.json" || failed "fusion.json is no JSON"
run data fuse --config "$dir/runs/one/fusion.json" --output "$dir/fused.jsonl"
exits 0
holds "fusion.json is another fusion" test "$(wc -l <"$dir/fused.jsonl")" -eq 29

start "any number of threads gives the same bits"
config two 'eval_strategy: epoch'
printf 'data: {dataloader_num_workers: 2}\n' >>"$dir/two.yaml"
train two --threads 2
exits 0
same_end one two 16
config none
printf 'data: {dataloader_num_workers: 0}\n' >>"$dir/none.yaml"
train none
exits 0
same_end one none 16

start "resumed within an epoch it goes on to the same bits"
config back "resume_from_checkpoint: $dir/runs/one/checkpoint-5"
train back --verbose
exits 0
complains "going on behind step 5"
complains "epoch 0: 29 samples"
same_end one back 16

# augmented NAME [TRAINING...]: config, with augmentation and a curriculum
augmented() {
    config "$@"
    cat >>"$dir/$1.yaml" <<END
custom:
  augmentation:
    ops: [{name: hflip}, {name: rotate, params: {max_deg: 5}}]
    curriculum: {phases: [{until_percent: 50, ops: {rotate: {max_deg: 45}}}]}
END
}

start "augmented, packed or not"
for rows in 'packing: false' 'packing: true'; do
    augmented turned "$rows" 'max_steps: 10'
    train turned
    exits 0
    augmented returned "$rows" 'max_steps: 10' \
        "resume_from_checkpoint: $dir/runs/turned/checkpoint-5"
    printf 'data: {dataloader_num_workers: 3}\n' >>"$dir/returned.yaml"
    train returned --threads 2
    exits 0
    same_end turned returned 10
    holds "no aug/rotate.fired" grep -q '"train/aug/rotate.fired": ' \
        "$dir/runs/turned/logging.jsonl"
    rm -rf "$dir/runs/returned"
    [ "$rows" = 'packing: true' ] || mv "$dir/runs/turned" "$dir/runs/plain"
done

start "what would change the order is not taken up"
sed 's/ratio: 1.5/ratio: 1.4/' "$dir/fusion.yaml" >"$dir/other.yaml"
# other KEY FOUND WANTED: of a run with other.yaml
other() {
    config wrong "resume_from_checkpoint: $dir/runs/one/checkpoint-5"
    printf 'custom: {fusion_config: %s}\n' "$dir/other.yaml" >>"$dir/wrong.yaml"
    train wrong
    refuses 2 "found fusion$1 $2 in the checkpoint, expected $3 as now" \
        "the order of the data would differ"
}
other '[0].slots' 15 14
sed 's/name: Big, //' "$dir/fusion.yaml" >"$dir/other.yaml"
other '[0].name' Big bbu
sed 's/ratio: 1.5/ratio: 1.5, seed: 3/' "$dir/fusion.yaml" >"$dir/other.yaml"
other '[0].seed' -1 3
sed 's/max_objects_per_image: 1/max_objects_per_image: 2/' "$dir/fusion.yaml" \
    >"$dir/other.yaml"
other '[2].max_objects_per_image' 1 2
sed 's/ratio: 0.4/ratio: 0.4, sample_without_replacement: no/' "$dir/fusion.yaml" \
    >"$dir/other.yaml"
other '[2].sample_without_replacement' true false
sed '/dataset: chat/d' "$dir/fusion.yaml" >"$dir/other.yaml"
other '[3].name' chat nothing
augmented wrong "resume_from_checkpoint: $dir/runs/one/checkpoint-5"
train wrong
refuses 2 "found fusion[0].augmentation off in the checkpoint, expected curriculum"
augmented wrong 'max_steps: 10' "resume_from_checkpoint: $dir/runs/plain/checkpoint-5"
sed -i 's/max_deg: 5}/max_deg: 6}/' "$dir/wrong.yaml"
train wrong
refuses 2 "found augmentation.ops[1] rotate max_deg=5 prob=0.5 in the checkpoint" \
    "expected rotate max_deg=6 prob=0.5 as now"
augmented wrong 'max_steps: 10' "resume_from_checkpoint: $dir/runs/plain/checkpoint-5"
sed -i 's/: 45}/: 44}/' "$dir/wrong.yaml"
train wrong
refuses 2 "found augmentation.phases[0] until 50 rotate.max_deg=[45, 45] in the"
config wrong "resume_from_checkpoint: $dir/runs/one/checkpoint-5"
printf 'custom: {fusion_config: , train_jsonl: %s, assistant_prefix_format: }\n' \
    "$data/t/train.jsonl" >>"$dir/wrong.yaml"
train wrong
refuses 2 "found fusion[0].name Big in the checkpoint, expected nothing"
# prompts change no order
sed 's/Sum it up./Sum up./' "$dir/fusion.yaml" >"$dir/other.yaml"
config reworded 'max_steps: 6' "resume_from_checkpoint: $dir/runs/one/checkpoint-5"
printf 'custom: {fusion_config: %s}\n' "$dir/other.yaml" >>"$dir/reworded.yaml"
train reworded
exits 0

start "samples"
run inspect sample --config "$dir/one.yaml" --all --json
exits 0
holds "slots" test "$(wc -l <"$dir/out")" -eq 29
for part in 'big", "mode": "dense" 15' 'rru", "mode": "summary" 4' \
    'lvis", "mode": "dense" 8' 'chat", "mode": "dense" 2'; do
    holds "$part" test "$(count "\"dataset\": \"${part% *}")" -eq "${part##* }"
done
holds "lines" test "$(count 'assistant\n<DOMAIN=BBU>, <TASK=DETECTION>\n{')" -eq 15
holds "lines" test "$(count 'assistant\n<DOMAIN=RRU>, <TASK=SUMMARY>\n线×1<|im_end|>')" -eq 4
holds "lines" test "$(count '<DOMAIN=')" -eq 19
holds "drawn prompts" test "$(($(count 'Sum it up.<|im_end|>') +
    $(count 'What is there?<|im_end|>')))" -eq 4
grep -F '"dataset": "lvis"' "$dir/out" >"$dir/lvis"
holds "one object" test "$(grep -c 'object_2' "$dir/lvis")" -eq 0
while read -r line; do
    printf '%s\n' "$line" | "$IS_JSON" || failed "no JSON: $line"
done <"$dir/out"
sort "$dir/out" >"$dir/all"
grep -o '^{"index": [0-9]*, "dataset": "[^"]*"' "$dir/out" | sed 's/.*: //' >"$dir/one"
grep -o '"_fusion_source": "[^"]*"' "$dir/fused.jsonl" | sed 's/.*: //' |
    tr '[:upper:]' '[:lower:]' >"$dir/two"
holds "data fuse takes other records" cmp "$dir/one" "$dir/two"
for i in 0 1; do
    run inspect sample --config "$dir/one.yaml" --all --json --rank $i --world 2
    exits 0
    cat "$dir/out"
done >"$dir/ranks"
holds "two ranks have 15 each" test "$(wc -l <"$dir/ranks")" -eq 30
sort -u "$dir/ranks" >"$dir/by-rank"
sort -u "$dir/all" >"$dir/alone"
holds "ranks have other samples" cmp "$dir/by-rank" "$dir/alone"
run inspect sample --config "$dir/one.yaml" --epoch 1 --from 3
exits 0
says "slot 3 of epoch 1, record "
run inspect sample --config "$dir/one.yaml" --index 0
exits 0
says "record 0 of big ($data/t/train.jsonl:1): objects"
run inspect sample --config "$dir/one.yaml" --index 53
fails 2
complains "found 53, expected a record from 0 to 52"
taken=$(sed 's/{"index": \([0-9]*\),.*/\1/' "$dir/lvis" | sort -n | tr '\n' ' ')
holds "8 of 20 are taken" test "$(echo "$taken" | wc -w)" -eq 8
for k in $(seq 0 19); do
    case " $taken" in *" $k "*) ;; *) break ;; esac
done
run inspect sample --config "$dir/one.yaml" --index $((30 + k))
fails 2
complains "found $((30 + k)), expected a record that epoch 0 takes"
run inspect sample --config "$dir/turned.yaml" --all
exits 0
says "row 0 of epoch 0, sample 0, record "

start "the other commands that open samples"
run config check "$dir/one.yaml"
exits 0
says "training: 53 records"
says "validation: 6 records"
run data lengths "$dir/one.yaml"
exits 0
says "train: 53 samples, tokens"
run data audit "$dir/turned.yaml" --json
exits 0
says '"samples": 19, '
run vis augment "$dir/turned.yaml" --output "$dir/seen" --n 3 --variants 2
exits 0
run bench data --config "$dir/turned.yaml" --repeats 1
exits 0
run bench train --config "$dir/one.yaml" --repeats 1
exits 0

# wrong_fusion FUSION STATUS TEXT
wrong_fusion() {
    printf '%s\n' "$1" >"$dir/other.yaml"
    config wrong
    printf 'custom: {fusion_config: %s}\n' "$dir/other.yaml" >>"$dir/wrong.yaml"
    train wrong
    refuses "$2" "$3"
}

start "what is wrong"
target="dataset: bbu, train_jsonl: $data/t/train.jsonl, template: target_dense"
wrong_fusion "targets: [{$target, rato: 1}]" 2 "targets[0].rato: unknown key"
wrong_fusion "targets: []" 2 "other.yaml: targets: found nothing"
wrong_fusion "targets: [{$target, ratio: 0.01}]" 2 "other.yaml: fusion: found ratios"
wrong_fusion "targets: [{$target}, {$target}]" 2 "targets[1].name: found bbu"
wrong_fusion "targets: [{$target, user_prompt: 'a {b}'}]" 2 "bbu: prompt: found {b}"
wrong_fusion "targets: [{dataset: jsonl, train_jsonl: x, template: target_dense}]" 2 \
    "jsonl: found no word for {domain}"
wrong_fusion "targets: [{dataset: bbu, train_jsonl: $dir/none.jsonl,
  template: target_dense}]" 3 "none.jsonl"
wrong_fusion "targets: [{$target, val_jsonl: $data/c.jsonl, eval: maybe}]" 2 "found maybe"
head -n 1 "$data/s/words.jsonl" >"$data/s/word.jsonl"
wrong_fusion "targets: [{dataset: bbu, train_jsonl: $data/s/word.jsonl,
  template: target_summary, assert_answer: 无关图片}]" 3 "word.jsonl:1: summary: found 线×1"
config wrong 'eval_strategy: epoch'
printf 'targets: [{%s}]\n' "$target" >"$dir/other.yaml"
printf 'custom: {fusion_config: %s}\n' "$dir/other.yaml" >>"$dir/wrong.yaml"
train wrong
refuses 2 "found no entry with records for evaluations"
config wrong
printf 'custom: {train_jsonl: %s}\n' "$data/t/train.jsonl" >>"$dir/wrong.yaml"
train wrong
refuses 2 "custom.train_jsonl: found it beside custom.fusion_config"
config wrong
printf 'custom: {fusion_config: %s}\n' "$dir/nowhere.yaml" >>"$dir/wrong.yaml"
train wrong
refuses 3 "nowhere.yaml"

finish
