# runs.sh - runs of a tiny model, for the tests that train; sourced behind cli.sh
#
#   make_model          $model, a folder with random weights
#   config NAME [LINE...]   $dir/NAME.yaml on top of base.yaml, each further word a
#                       line of the section training
#   train NAME [FLAG...]    train it, on one thread
#   same_end A B STEP   checkpoints of two runs have the same weights and moments
#   refuses STATUS TEXT...  the last call failed so, in one line, and made no folder
# shellcheck shell=sh disable=SC2154  # dir, FIXTURES: of cli.sh

model=$dir/model
data=$dir/data

make_model() {
    cat >"$dir/size.yaml" <<END
config:
  architectures: [Qwen3VLForConditionalGeneration]
  model_type: qwen3_vl
  dtype: float32
  image_token_id: 1036
  video_token_id: 1037
  vision_start_token_id: 1033
  vision_end_token_id: 1034
  tie_word_embeddings: true
  text_config: {model_type: qwen3_vl_text, vocab_size: 1050, hidden_size: 16,
    intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 1,
    num_key_value_heads: 1, head_dim: 16, hidden_act: silu,
    max_position_embeddings: 4096, initializer_range: 0.02, rms_norm_eps: 1e-6,
    attention_bias: false, attention_dropout: 0.0, use_cache: true,
    bos_token_id: 1024, eos_token_id: 1026, rope_theta: 10000,
    rope_scaling: {mrope_interleaved: true, mrope_section: [4, 2, 2],
      rope_type: default}}
  vision_config: {model_type: qwen3_vl, depth: 1, hidden_size: 16,
    intermediate_size: 16, num_heads: 1, in_channels: 3, patch_size: 16,
    temporal_patch_size: 2, spatial_merge_size: 2, out_hidden_size: 16,
    num_position_embeddings: 16, deepstack_visual_indexes: [0],
    hidden_act: gelu_pytorch_tanh, initializer_range: 0.02}
processor: {size: {shortest_edge: 4096, longest_edge: 4096}, patch_size: 16,
  temporal_patch_size: 2, merge_size: 2, image_mean: [0.125, 0.125, 0.125],
  image_std: [0.25, 0.25, 0.25]}
init: {linear: fan_in, embedding: 0.2, positions: sine}
END
    run init --size "$dir/size.yaml" --tokenizer "$FIXTURES/text/cut" \
        --output "$model" --seed 1
    exits 0
}

config() {
    name=$1
    shift
    {
        printf 'extends: base.yaml\ntraining:\n  run_name: %s\n' "$name"
        for line in "$@"; do
            printf '  %s\n' "$line"
        done
    } >"$dir/$name.yaml"
}

train() {
    name=$1
    shift
    run train --config "$dir/$name.yaml" --progress off --threads 1 "$@"
}

same_end() {
    for file in model.safetensors optimizer.safetensors; do
        holds "$1 and $2 end with another $file" \
            cmp "$dir/runs/$1/checkpoint-$3/$file" \
            "$dir/runs/$2/checkpoint-$3/$file"
    done
}

refuses() {
    fails "$1"
    shift
    for text in "$@"; do
        complains "$text"
    done
    holds "a folder was made" test ! -e "$dir/runs/$name"
    holds "more than one line" test "$(grep -c '^qvl: error' "$dir/err")" -eq 1
}
