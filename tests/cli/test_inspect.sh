#!/bin/sh
# qvl inspect: devices and models, as text and as JSON. IS_JSON is a program that
# reads standard input and succeeds when it is one JSON value.
. "$(dirname "$0")/cli.sh"

is_json() {
    "$IS_JSON" <"$dir/out"
}

start "devices"
run inspect devices
exits 0
says "cpu:0"
says "tile class     host"
run inspect devices --json
exits 0
holds "no JSON" is_json
says '"backend": "cpu"'
says '"class": "host"'

start "each device it lists can be asked for"
run inspect devices
for device in $(sed -n 's/^\([a-z]*:[0-9]*\) .*/\1/p' "$dir/out"); do
    run forward --model "$FIXTURES/qwen3_text/model" --output "$dir/file" \
        --input "$FIXTURES/qwen3_text/input.safetensors" --device "$device"
    exits 0
done

start "models"
for name in qwen3_text full_gradient dense64_tied_sharded; do
    run inspect model "$FIXTURES/$name/model"
    exits 0
    says "architecture"
    says "parameters"
    holds "missing is not 0" grep -Eq '^missing +0$' "$dir/out"
    holds "superfluous is not 0" grep -Eq '^superfluous +0$' "$dir/out"
    run inspect model "$FIXTURES/$name/model" --json
    exits 0
    holds "no JSON" is_json
    says '"missing": []'
done

start "tied head, files"
run inspect model "$FIXTURES/dense64_tied_sharded/model" --json
says '"tied": true'
says '"files": 3'
run inspect model "$FIXTURES/full_gradient/model" --json
says '"files": 1'

start "what is missing and what is too much"
cp -r "$FIXTURES/qwen3_text/model" "$dir/model"
chmod -R u+w "$dir/model"
LC_ALL=C sed 's/"model\.norm\.weight"/"model.norm.wejght"/' \
    "$FIXTURES/qwen3_text/model/model.safetensors" \
    >"$dir/model/model.safetensors"
run inspect model "$dir/model"
exits 0
says "model.norm.weight"
says "model.norm.wejght"
run inspect model "$dir/model" --json
exits 0
holds "no JSON" is_json

start "wrong words"
run inspect
fails 2
run inspect modell x
fails 2
complains "did you mean model?"
run inspect model
fails 2
run inspect devices extra
fails 2

start "flags of other topics"
for call in "devices --all" "devices --model x" "model x --rank 0" \
    "model x --model y" "tokens --json" "tokens --size mini" "image --json" \
    "image --dtype f32" "program --output x" "program --config x"; do
    # shellcheck disable=SC2086  # several words are meant
    run inspect $call
    fails 2
    complains "(qvl inspect ${call%% *}): found it, expected a flag that has a meaning"
done

start "folder that is no model"
run inspect model "$dir/nothing"
fails 4
complains "$dir/nothing"

finish
