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

run bench train --model "$model" --tokens 4 --image none --repeats 1 \
    --threads 1 --tuner full
exits 0
run bench train --model "$model" --tuner lora
fails 2
complains "flag --tuner: found lora: not supported, expected full"
run bench model --model "$model" --tuner full
fails 2
complains "flag --tuner"

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

start "kernels at the shapes of a file"
cat >"$dir/shapes" <<END
{"name": "matmul_nt", "shape": "5 x 7 x 11", "dtype": "bf16", "min_s": 1}

{"op": "matmul_tn", "shape": "1 x 64 x 32"}
{"name": "attention_dq", "shape": "9 x 2 heads of 24"}
{"name": "matmul_nt", "shape": "64 x 32 x 16"}
END
run bench kernels --shapes "$dir/shapes" --repeats 1 --json --threads 1
exits 0
holds "lines are no JSON" lines_are_json
says '"name": "matmul_nt", "shape": "5 x 7 x 11", "device": "cpu:0", "dtype": "f32"'
says '"name": "matmul_tn", "shape": "1 x 64 x 32"'
says '"name": "attention_dq", "shape": "9 x 2 heads of 24"'
holds "no rate" is_over flop_per_s 0
if [ -w /dev/full ]; then  # each line is flushed: the first is lost, and known
    "$QVL" bench kernels --shapes "$dir/shapes" --repeats 1 --threads 1 >/dev/full \
        2>"$dir/err"
    status=$?
    exits 3
    complains "cannot write to (standard output)"
    run bench kernels --shapes "$dir/shapes" --repeats 1 --json --threads 1
fi
# What it printed it takes again, lines of a library among them.
cp "$dir/out" "$dir/printed"
shapes_of() {
    grep -v '"library_for"' "$1" | sed 's/, "device".*//'
}
run bench kernels --shapes "$dir/printed" --repeats 1 --json --threads 1
exits 0
shapes_of "$dir/printed" >"$dir/one"
shapes_of "$dir/out" >"$dir/two"
holds "found other shapes" cmp "$dir/one" "$dir/two"
holds "found not 4 shapes" test "$(wc -l <"$dir/one")" = 4
run bench kernels --shapes "$dir/shapes" --op matmul_tn --repeats 1 --json
exits 0
holds "other kernels" test "$(grep -vc matmul_tn "$dir/out")" = 0

start "shapes whose loops a device would end"
run inspect devices
if grep -q '^vulkan:0 .*llvmpipe' "$dir/out"; then
    for shape in '"matmul_nt", "shape": "8 x 8 x 66000"' \
        '"attention", "shape": "7001 x 1 heads of 8"' \
        '"attention_dq", "shape": "3501 x 1 heads of 129"'; do
        echo "{\"name\": $shape}" >"$dir/long"
        run bench kernels --shapes "$dir/long" --repeats 1 --device vulkan
        fails 2
        complains "$dir/long:1"
        complains "expected at most"
    done
else
    echo "SKIP shapes whose loops a device would end: no llvmpipe"
fi

# shapes_fail LINE TEXT...: a file of this line is refused
shapes_fail() {
    printf '\n%s\n' "$1" >"$dir/wrong"
    run bench kernels --shapes "$dir/wrong" --repeats 1
    fails 3
    shift
    for text in "$@"; do
        complains "$text"
    done
}

start "files of shapes that are wrong"
shapes_fail '{"name": "matmul_nt"' "$dir/wrong:2:"
shapes_fail '{"name": "matmul_nt"}' "$dir/wrong:2:1: shape: found none"
shapes_fail '["matmul_nt"]' "name: found none"
shapes_fail '{"name": "rope", "shape": "1 x 1 x 1"}' "found rope" attention_dkv
shapes_fail '{"name": 3, "shape": "1 x 1 x 1"}' "name: found 3"
for shape in '1 x 2' '1 x 2 x 3 x 4' '1 x 2 x' 'a x b x c' '' \
    '12345678 x 1 x 1' '9 x 2 heads of 24'; do
    shapes_fail "{\"name\": \"matmul_nt\", \"shape\": \"$shape\"}" \
        "expected \"M x N x K\""
done
shapes_fail '{"name": "matmul_nt", "shape": 5}' "shape: found 5"
for shape in '0 x 1 x 1' '-1 x 1 x 1' '1048576 x 1048576 x 1'; do
    shapes_fail "{\"name\": \"matmul_nt\", \"shape\": \"$shape\"}" \
        "found $shape" "2^31"
done
shapes_fail '{"name": "attention", "shape": "9 x 2 x 64"}' "heads of N"
shapes_fail '' "found no shape"
echo '{"name": "attention", "shape": "9 x 2 heads of 257"}' >"$dir/wrong"
run bench kernels --shapes "$dir/wrong" --repeats 1
fails 2
complains "$dir/wrong:1: kernel attention: found D = 257, expected at most 256"
run bench kernels --shapes "$dir/none"
fails 3
complains "$dir/none"
run bench kernels --shapes "$dir/shapes" --op attention
fails 2
complains "a shape in $dir/shapes"
run bench kernels --shapes "$dir/shapes" --model "$model"
fails 2
complains "flag --shapes"

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

run bench train --config "$dir/run.yaml" --repeats 1 --json --tuner full
exits 0
run bench train --config "$dir/run.yaml" --tuner lora
fails 2
complains "--tuner: tuner.train_type: found lora: not supported"

start "samples of a configuration, step by step"
cat >"$dir/turned.yaml" <<END
extends: run.yaml
custom: {augmentation: {ops: [{name: rotate, params: {prob: 1}}, {name: gamma}]}}
END
run bench data --config "$dir/turned.yaml" --repeats 2 --json
exits 0
holds "lines are no JSON" lines_are_json
for part in augment decode edit.warp edit.colour fit text sample; do
    says "\"name\": \"$part\""
done
run bench data --config "$dir/run.yaml" --repeats 1 --json
exits 0
holds "an edit that nobody asked for" sh -c "! grep -q edit '$dir/out'"
run bench data
fails 2
complains "flag --config (qvl bench data): found nothing"
run bench data --config "$dir/run.yaml" --model "$model"
fails 2
complains "expected --config FILE alone"

start "wrong words and flags"
run bench
fails 2
run bench kernel
fails 2
complains "found kernel, expected kernels, model, train, data or tune"
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
complains "flag --config (qvl bench kernels --config)"
run bench kernels --checkpointing false
fails 2
complains "flag --checkpointing (qvl bench kernels)"
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
