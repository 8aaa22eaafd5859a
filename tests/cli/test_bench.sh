#!/bin/sh
# qvl bench and qvl inspect program: that measurements are printed and are
# numbers, and which flags belong to what. How fast anything is, is not tested.
. "$(dirname "$0")/cli.sh"

model=$FIXTURES/full_gradient/model

# Every line of the output is a JSON value.
lines_are_json() {
    [ -s "$dir/out" ] || return 1
    while read -r line; do
        echo "$line" | "$IS_JSON" || return 1
    done <"$dir/out"
}

# number NAME: the value of a member of the first line that has it
number() {
    sed -n "s/.*\"$1\": \([-0-9.e+]*\).*/\1/p" "$dir/out" | head -n 1
}

# is_over NAME N: the member is there and larger than N
is_over() {
    awk -v found="$(number "$1")" -v least="$2" \
        'BEGIN { exit !(found != "" && found + 0 > least) }'
}

start "a step of training"
run bench train --model "$model" --tokens 20 --image 64x32 --repeats 2 --json \
    --threads 1
exits 0
holds "lines are no JSON" lines_are_json
says '"name": "train", "shape": "24 tokens, 2x4 patches"'
for name in median_s min_s flop_per_s tokens_per_s peak_rss_bytes submissions \
    host_waits bytes_up bytes_down parameter_bytes optimizer_bytes \
    temporary_bytes peak_device_bytes loss; do
    holds "$name is no number above 0" is_over "$name" 0
done
waits=$(number host_waits)
holds "found $waits waits, expected 1" test "$waits" = 1
memory=$(number temporary_bytes)
run bench train --model "$model" --tokens 20 --image none --repeats 1 \
    --threads 1
exits 0
says "20 tokens"
says "submissions"
run bench train --model "$model" --tokens 20 --image 64x32 --repeats 1 --json \
    --threads 1 --checkpointing
exits 0
holds "checkpointing takes no less memory than $memory" \
    test "$(number temporary_bytes)" -lt "$memory"

start "kernels of a model"
run bench kernels --model "$model" --tokens 8 --image 64x32 --repeats 1 --json \
    --threads 1
exits 0
holds "lines are no JSON" lines_are_json
for program in train update prefill decode; do
    says "\"name\": \"$program "
done
for op in matmul_nt matmul_tn attention. attention_dkv adamw \
    attention_cached; do
    says " $op"
done
holds "share of time" is_over share_of_time 0
run bench kernels --model "$model" --tokens 8 --image none --repeats 1 \
    --threads 1 --op attention_cached
exits 0
holds "other kernels" test "$(grep -c attention_cached "$dir/out")" = \
    "$(wc -l <"$dir/out")"
run bench kernels --model "$model" --tokens 8 --image none --repeats 1 \
    --threads 1 --op matmul
exits 2
complains "flag --op: found matmul"

start "kernels alone"
run bench kernels --op matmul_tn --repeats 1 --json
exits 0
holds "lines are no JSON" lines_are_json
says '"name": "matmul_tn", "shape": "512 x 2048 x 2048"'
holds "no rate" is_over flop_per_s 0
run bench kernels --op matmul
fails 2
complains "attention_dkv"

start "a model"
run bench model --model "$model" --image 64x32 --prompt 8 --new 2 --repeats 1 \
    --json --threads 1
exits 0
holds "lines are no JSON" lines_are_json
for name in vision prefill decode; do
    says "\"name\": \"$name\""
done

start "programs"
for phase in train prefill decode; do
    run inspect program --model "$model" --phase $phase --tokens 12
    exits 0
    says "program        $phase of "
    holds "no product" grep -Eq '^ *[0-9]+ matmul_nt' "$dir/out"
    holds "no memory" grep -Eq '^temporaries +[1-9]' "$dir/out"
    run inspect program --model "$model" --phase $phase --tokens 12 --json
    exits 0
    holds "no JSON" "$IS_JSON" <"$dir/out"
    holds "no steps" is_over n_steps 10
done
run inspect program --size mini --phase decode --tokens 100 --dtype bf16
exits 0
says "decode of qwen3_vl, bf16"
says "self_attn.q_proj.weight"
run inspect program --size mini --tokens 100 --image 64x64 --json
exits 0
shared=$(number temp_bytes)
holds "memory is not shared" test "$shared" -lt "$(number temp_bytes_unshared)"
run inspect program --size mini --tokens 100 --image 64x64 --json \
    --checkpointing
holds "checkpointing takes no less memory" \
    test "$(number temp_bytes)" -lt "$shared"

start "the first step of a configuration"
run init --size demo --tokenizer "$FIXTURES/text/cut" --output "$dir/model"
exits 0
run data synth --output "$dir/data" --n 5 --seed 1
exits 0
cat >"$dir/run.yaml" <<END
model: {model: $dir/model, torch_dtype: bfloat16}
template: {template: qwen3_vl, max_length: 512}
tuner: {train_type: full, freeze_vit: true, freeze_aligner: true}
training:
  output_dir: $dir/runs
  logging_dir: $dir/events
  run_name: bench
  num_train_epochs: 1
  per_device_train_batch_size: 2
  gradient_accumulation_steps: 2
  learning_rate: 1e-3
custom: {train_jsonl: $dir/data/train.jsonl, emit_norm: norm1000}
prompts: {system: '', user: Detect.}
END
run bench train --config "$dir/run.yaml" --repeats 2 --json --threads 1
exits 0
holds "lines are no JSON" lines_are_json
says '"shape": "2 x 2 samples"'
says '"dtype": "bf16"'
says '"batches": 2, "samples": 4'
waits=$(number host_waits)
holds "found $waits waits, expected 1" test "$waits" = 1
holds "a folder was made" test ! -e "$dir/runs"
run bench train --config "$dir/run.yaml" --repeats 1 --json --dtype f32
exits 0
says '"dtype": "f32"'

start "wrong words and flags"
run bench
fails 2
run bench kernel
fails 2
complains "found kernel, expected kernels, model, train or tune"
run bench train
fails 2
complains "flag --model (qvl bench train): found nothing"
run bench train --model "$model" --config file.yaml
fails 2
run bench train --model "$model" --prompt 8
fails 2
complains "flag --prompt (qvl bench train --model)"
run bench kernels --config file.yaml
fails 2
complains "flag --config"
run bench kernels --tokens 8
fails 2
complains "flag --tokens"
run bench train --config "$dir/none.yaml"
fails 3
complains none.yaml
run bench train --config "$dir/none.yaml" --tokens 8
fails 2
run bench train --model "$model" --repeats 0
fails 2
run bench train --model "$model" --image 64
fails 2
complains "flag --image: found 64, expected WxH or none"
run bench train --model "$model" --image 8x8
fails 2
run bench train --model "$dir/none"
fails 4
run inspect program
fails 2
run inspect program --size mini --model "$model"
fails 2
run inspect program --size none
fails 2
complains "30B-A3B"
run inspect program --size mini --phase training
fails 2
complains "found training, expected train, prefill or decode"
run inspect program --size mini --pass fuse
fails 2
complains "gen --dump fuse"
run inspect program --size mini --tokens 0
fails 2
run inspect program --size mini --phase decode --image 64x64
fails 2

finish
