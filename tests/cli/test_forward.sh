#!/bin/sh
# qvl forward: its files, and what it says of wrong ones.
. "$(dirname "$0")/cli.sh"

text=$FIXTURES/qwen3_text
sharded=$FIXTURES/dense64_tied_sharded

# A folder like $text/model whose files can be changed.
copy_model() {
    rm -rf "$dir/model"
    cp -r "$1/model" "$dir/model"
    chmod -R u+w "$dir/model"
}

# forward NAME...: the model in $dir/model must fail with status 4, naming each
# NAME, and leave the output alone, whether it was there or not.
refuses_model() {
    mkdir -p "$dir/results"
    rm -f "$dir/results/"*
    run forward --model "$dir/model" --input "$input" \
        --output "$dir/results/new"
    fails 4
    for name in "$@"; do
        complains "$name"
    done
    echo old >"$dir/results/old"
    run forward --model "$dir/model" --input "$input" \
        --output "$dir/results/old"
    fails 4
    holds "the folder of results changed" test "$(ls "$dir/results")" = old
    holds "the old file changed" test "$(cat "$dir/results/old")" = old
}

refuses_input() {
    run forward --model "$text/model" --input "$1" --output "$dir/none"
    fails 3
    shift
    for name in "$@"; do
        complains "$name"
    done
    holds "a file was written" test ! -e "$dir/none"
}

# write_ids FILE ID: a batch of one row, tokens 1 and ID (0 to 63 and 255: that
# byte eight times, so 255 is -1).
write_ids() {
    head='{"input_ids":{"dtype":"I64","shape":[1,2],"data_offsets":[0,16]}}'
    zero='\000\000\000\000\000\000\000'
    second="\\$(printf %03o "$2")$zero"
    [ "$2" -ne 255 ] || second='\377\377\377\377\377\377\377\377'
    # 65 bytes of text and 7 spaces make 72, octal 110
    printf "\\110$zero%s       \\001$zero$second" "$head" >"$1"
}

start "a file comes out"
input=$text/input.safetensors
run forward --model "$text/model" --input "$input" --output "$dir/one" --grad
exits 0
holds "no file" test -s "$dir/one"
for name in logits loss position_ids rope_delta \
    grad.model.embed_tokens.weight grad.model.norm.weight; do
    holds "no tensor $name" grep -aq "\"$name\"" "$dir/one"
done

start "the same bytes again, and on standard output"
run forward --model "$text/model" --input "$input" --output "$dir/two" --grad
exits 0
holds "two calls differ" cmp "$dir/one" "$dir/two"
run forward --model "$text/model" --input "$input" --output - --grad
exits 0
holds "standard output differs from the file" cmp "$dir/one" "$dir/out"

start "a model in shards, with pictures"
run forward --model "$sharded/model" --input "$sharded/input.safetensors" \
    --output "$dir/pictures"
exits 0
for name in logits loss vision.embeds vision.deepstack.0; do
    holds "no tensor $name" grep -aq "\"$name\"" "$dir/pictures"
done

start "no labels, no loss, no gradient"
write_ids "$dir/ids" 2
run forward --model "$text/model" --input "$dir/ids" --output "$dir/three"
exits 0
holds "a loss without labels" sh -c "! grep -aq '\"loss\"' '$dir/three'"
run forward --model "$text/model" --input "$dir/ids" --output "$dir/four" \
    --grad
fails 3
complains labels
holds "a file was written" test ! -e "$dir/four"

start "token outside the vocabulary"
write_ids "$dir/ids" 255
refuses_input "$dir/ids" -1

start "input that is not there, cut, or none"
refuses_input "$dir/nothing" "$dir/nothing"
head -c 700 "$input" >"$dir/cut"
refuses_input "$dir/cut" "$dir/cut"
head -c 100 "$input" >"$dir/cut"
refuses_input "$dir/cut" "$dir/cut"
: >"$dir/cut"
refuses_input "$dir/cut" "$dir/cut"
cp "$text/case.json" "$dir/cut"
refuses_input "$dir/cut" "$dir/cut"
refuses_input "$text/model/model.safetensors" input_ids

start "model folder that is not there"
rm -rf "$dir/model"
refuses_model "$dir/model"

start "model without config, with a damaged one, of another kind"
copy_model "$text"
rm "$dir/model/config.json"
refuses_model config.json
copy_model "$text"
head -c 200 "$text/model/config.json" >"$dir/model/config.json"
refuses_model config.json
sed 's/"model_type": "qwen3"/"model_type": "other"/' \
    "$text/model/config.json" >"$dir/model/config.json"
refuses_model model_type other qwen3

start "model without weights, or with a part of them"
copy_model "$text"
rm "$dir/model/model.safetensors"
refuses_model "$dir/model"
for bytes in 0 7 100 5000; do
    head -c $bytes "$text/model/model.safetensors" \
        >"$dir/model/model.safetensors"
    refuses_model model.safetensors
done

start "weights of another shape"
copy_model "$text"
size=$(sed -n 's/.*"hidden_size": \([0-9]*\).*/\1/p' \
    "$text/model/config.json")
sed "s/\"hidden_size\": $size/\"hidden_size\": $((size * 2))/" \
    "$text/model/config.json" >"$dir/model/config.json"
refuses_model embed_tokens.weight "$size" $((size * 2))

start "a shard too few"
input=$sharded/input.safetensors
copy_model "$sharded"
rm "$dir/model/model-00002-of-00003.safetensors"
refuses_model model-00002-of-00003.safetensors

start "output that cannot be written"
input=$text/input.safetensors
run forward --model "$text/model" --input "$input" \
    --output "$dir/no/such/folder/file"
fails 3
complains "$dir/no/such/folder"
mkdir "$dir/folder"
run forward --model "$text/model" --input "$input" --output "$dir/folder"
fails 3
holds "something is in the folder" test -z "$(ls "$dir/folder")"

finish
