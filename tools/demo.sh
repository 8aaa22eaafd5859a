#!/bin/sh
# demo.sh - see it work: a model learns to find things in pictures
#
#   tools/demo.sh [--device D] [--steps N] [BUILD]
#
#   --device D   cpu, opencl, vulkan, or one of those `qvl inspect devices` lists
#                (default: cpu)
#   --steps N    steps of training (default: 1800 on the cpu, 60 elsewhere)
#   BUILD        folder of the build (default: build)
#
# Installs what is missing, builds, draws pictures of coloured shapes with records
# of what is in them, makes a small Qwen3-VL with random weights, trains it, and
# has it answer for pictures whose layouts it never saw. Everything lies in
# out/demo (out/demo-D for another device): pictures with what was found, the loss
# curve, the scores before and after.
#
# Exit status 1 when something fails, when an answer is no JSON, or when the full
# run does not learn what it should.
set -eu
cd "$(dirname "$0")/.."
device=cpu
steps=
build=build
while [ $# -gt 0 ]; do
    case $1 in
    --device) device=${2:?--device needs a name}; shift 2 ;;
    --device=*) device=${1#*=}; shift ;;
    --steps) steps=${2:?--steps needs a number}; shift 2 ;;
    --steps=*) steps=${1#*=}; shift ;;
    --help) sed -n '2,/^set /s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "demo: unknown flag $1; see tools/demo.sh --help" >&2; exit 2 ;;
    *) build=$1; shift ;;
    esac
done
out=out/demo
[ "$device" = cpu ] || out=out/demo-$(echo "$device" | tr : -)
if [ -z "$steps" ]; then
    steps=1800
    [ "$device" = cpu ] || steps=60
fi
qvl=$build/qvl

say() {
    printf '\n== %s\n' "$*"
}

# answer NAME MODEL: answers for the pictures held out, and their scores
answer() {
    rm -f "$out/$1.jsonl.part"
    "$qvl" infer --model "$2" --jsonl "$out/data/val.jsonl" --device "$device" \
        --system "" --prompt "Detect." --max_new_tokens 160 \
        --response_format json_object --max_batch_size 32 \
        --result_path "$out/$1.jsonl" 2>>"$out/log.txt"
    "$qvl" eval detections "$out/$1.jsonl" --output "$out/$1.txt" \
        2>>"$out/log.txt"
}

# score NAME KEY: a number of a report
score() {
    awk -v key="$2" 'index($0, key " ") == 1 {
        n = split(key, word, " "); print $(n + 1); exit }' "$out/$1.txt"
}

row() {
    printf '%-34s %8s %8s\n' "$1" "$(score before "$2")" "$(score after "$2")"
}

seconds() {
    date +%s
}

tools/deps.sh
say "building in $build (the first time takes minutes)"
mkdir -p "$out"
if ! { cmake -G Ninja -S . -B "$build" &&
    cmake --build "$build" --target qvl_program; } >"$out/build.log" 2>&1; then
    tail -n 30 "$out/build.log" >&2
    exit 1
fi
rm -rf "$out/model" "$out/data" "$out/run" "$out/overlays" "$out/log.txt" \
    "$out"/*.jsonl "$out"/*.txt
start=$(seconds)

say "drawing 8192 pictures to learn from, 200 to be tested on"
"$qvl" data synth --n 8192 --held-out 200 --seed 4 --output "$out/data"
head -n 1 "$out/data/val.jsonl"

say "a model with random weights"
"$qvl" init --size demo --tokenizer configs/tokenizer/demo --seed 4 \
    --output "$out/model" 2>>"$out/log.txt"
"$qvl" inspect model "$out/model" | head -n 12
answer before "$out/model"

say "training it on $device, $steps steps"
cat >"$out/train.yaml" <<END
extends: ../../configs/train/demo.yaml
model: {model: $out/model}
runtime: {device: "$device"}
training:
  max_steps: $steps
  output_dir: $out/run
  logging_dir: $out/run/events
custom:
  train_jsonl: $out/data/train.jsonl
  val_jsonl: $out/data/val.jsonl
END
from=$(seconds)
"$qvl" train --config "$out/train.yaml"
training=$(($(seconds) - from))
run=$out/run/demo

say "answers for 200 pictures whose layouts it never saw"
answer after "$run/checkpoint-$steps"
head -n 8 "$out/data/val.jsonl" >"$out/shown.jsonl"
"$qvl" infer --model "$run/checkpoint-$steps" --jsonl "$out/shown.jsonl" \
    --root_image_dir "$out/data" --device "$device" --system "" \
    --prompt "Detect." --max_new_tokens 160 --max_batch_size 8 \
    --response_format json_object \
    --overlay "$out/overlays" --result_path - 2>>"$out/log.txt" |
    sed -n 's/.*"response": "\(.*\)", "labels".*/\1/p' | head -n 2
[ ! -f "$run/images/loss.png" ] || cp "$run/images/loss.png" "$out/loss.png"

say "scores"
printf '%-34s %8s %8s\n' "" before after
row "F1, box and desc, at IoU 0.5" full
row "F1, box alone, at IoU 0.5" localization
row "mean IoU, a missed box counts 0" "mean IoU"
row "answers that are valid JSON" json_valid
echo
echo "data, training and answers took $(($(seconds) - start)) s," \
    "training $training s of them"
echo "look at $out/overlays/*.png and $out/loss.png;" \
    "tensorboard --logdir $out/run/events shows the run"

if ! awk -v json="$(score after json_valid)" 'BEGIN { exit !(json >= 1) }'; then
    echo "demo: found answers that are no JSON, expected none" >&2
    exit 1
fi
if [ "$steps" -ge 1800 ]; then
    awk -v f1="$(score after full)" -v box="$(score after localization)" \
        'BEGIN { exit !(f1 >= 0.85 && box >= 0.95) }' || {
        echo "demo: below what this run should reach: F1 0.85, box F1 0.95" >&2
        exit 1
    }
fi
