#!/bin/sh
# qvl init: whole folders of every kind of model, and sizes that are wrong.
. "$(dirname "$0")/cli.sh"

demo=$TOOLS/../configs/model/demo.yaml

# wrong SED [FLAG...]: the demo's size, changed, makes no folder and leaves nothing
wrong() {
    sed "$1" "$demo" >"$dir/wrong.yaml"
    shift
    run init --size "$dir/wrong.yaml" --output "$dir/none" "$@"
    holds "something was left" sh -c "! ls -d '$dir'/none* 2>'$dir/null'"
}

start "a folder, with and without slashes behind its name"
run init --size "$demo" --output "$dir/a" --seed 3
exits 0
run init --size demo --output "$dir/b//" --seed 3
exits 0
for file in config.json generation_config.json preprocessor_config.json \
    video_preprocessor_config.json; do
    holds "$file is no JSON" "$IS_JSON" <"$dir/b/$file"
    holds "$file differs" cmp -s "$dir/a/$file" "$dir/b/$file"
done
holds "the weights differ" cmp -s "$dir/a/model.safetensors" \
    "$dir/b/model.safetensors"
holds "something was left" sh -c "! ls -d '$dir'/*.part 2>'$dir/null'"

start "names that do not do"
run init --size demo --output "$dir/a"
exits 2
complains "found '$dir/a' there already"
run init --size demo --output "$dir/a/"
exits 2
run init --size demo --output ""
exits 2
complains "expected a new name"

start "a model of text alone, its keys at the top"
cat >"$dir/text.yaml" <<'END'
config:
  model_type: qwen3
  dtype: float32
  vocab_size: 40
  hidden_size: 16
  intermediate_size: 24
  num_hidden_layers: 8
  num_attention_heads: 2
  num_key_value_heads: 1
  head_dim: 8
  rms_norm_eps: 1.0e-6
  rope_theta: 10000
  tie_word_embeddings: true
  bos_token_id: 7
  eos_token_id: 9
init:
  linear: fan_in
  embedding: 0.02
  positions: sine
END
run init --size "$dir/text.yaml" --output "$dir/text"
exits 0
holds "the ids of its config" grep -q '"bos_token_id": 7' \
    "$dir/text/generation_config.json"
holds "the ids of its config" grep -q '^    9,$' \
    "$dir/text/generation_config.json"
holds "no processor" test ! -e "$dir/text/preprocessor_config.json"
run inspect model "$dir/text"
exits 0

start "sizes that are wrong"
wrong 's/^  dtype: .*//'
exits 2
complains "dtype: found none, expected float32, bfloat16 or float16"
wrong 's/^  dtype: .*//' --dtype bf16
exits 2
complains "dtype: found none"
wrong 's/^  dtype: .*/  dtype: 3/'
exits 2
complains "dtype: found 3"
wrong 's/^  dtype: .*/  dtype: float8/'
exits 2
complains "float8"
wrong 's/^    eos_token_id: .*//'
exits 2
complains "eos_token_id: found none, expected the id of a token"
wrong 's/^    bos_token_id: .*/    bos_token_id: "one"/'
exits 2
complains "bos_token_id: found one"
wrong 's/^    num_hidden_layers: .*/    num_hidden_layers: many/'
complains "num_hidden_layers"
wrong 's/^    vocab_size: .*//' --tokenizer "$FIXTURES/text/cut"
exits 2
complains "vocab_size"
wrong '/^processor:/,/^[a-z]*:/{/^ /d}'
exits 2
complains "found no map 'processor'"
wrong 's/^init:.*/other:/'
exits 2
complains "found no map 'init'"
wrong 's/^  linear: .*/  linear: -1/'
exits 2
complains "init.linear): found -1"
wrong 's/^  model_type: .*/  model_type: none/'
complains "none"
run init --size 3B --output "$dir/none"
exits 2
complains "unknown size (--size): found '3B'"

start "threads that are too many"
run bench kernels --threads 1025 --device cpu
exits 2
complains "threads: found 1025, expected 0 to 1024"

finish
