#!/bin/sh
# qvl inspect sample: which samples are printed, and in which form. That they are
# those of the trainer tests/train/test_loop.c holds.
. "$(dirname "$0")/cli.sh"

# config NAME LINE...: a run over the records, each further word a line at the
# top level
config() {
    {
        cat <<END
model: {model: $dir/model, torch_dtype: float32}
template: {template: qwen3_vl, max_length: 512}
tuner: {train_type: full}
training: {output_dir: $dir/runs, logging_dir: $dir/events, run_name: r,
  num_train_epochs: 1, learning_rate: 1e-3, per_device_train_batch_size: 2}
prompts: {system: '', user: Detect.}
END
        printf '%s\n' "$2"
        printf 'custom: {train_jsonl: %s, emit_norm: norm1000}\n' \
            "$dir/data/train.jsonl"
    } >"$dir/$1.yaml"
}

sample() {
    name=$1
    shift
    run inspect sample --config "$dir/$name.yaml" "$@"
}

# Records of the last output, in order.
indices() {
    sed -n 's/^{"index": \([0-9]*\), .*/\1/p' "$dir/out" | tr '\n' ' '
}

# has_indices TEXT: those are they
has_indices() {
    found=$(indices)
    [ "$found" = "$1" ] || failed "found records |$found|, wanted |$1|"
}

start "one sample, as text"
run init --size demo --tokenizer "$FIXTURES/text/cut" --output "$dir/model"
exits 0
run data synth --output "$dir/data" --n 5 --seed 1
exits 0
config run 'data: {train_dataloader_shuffle: false}'
config shuffled 'data: {train_dataloader_shuffle: true}'
config dropping 'data: {train_dataloader_shuffle: false, dataloader_drop_last: true}'
sample run --from 3
exits 0
says "slot 3 of epoch 0, record 3 ($dir/data/train.jsonl:4): objects, "
says "<|vision_start|><|image_pad|>*"
says '--- Assistant GT ---'
holds "more than one" test "$(grep -c '^slot' "$dir/out")" = 1
sample run --index 4
exits 0
says "record 4 ($dir/data/train.jsonl:5)"

start "as lines of JSON"
sample run --all --json
exits 0
has_indices "0 1 2 3 4 "
while read -r line; do
    printf '%s\n' "$line" | "$IS_JSON" || failed "a line is no JSON"
done <"$dir/out"
for key in ids labels grids text objects; do
    holds "lines without $key" test "$(grep -c "\"$key\": " "$dir/out")" = 5
done
says '"objects": [{"type": "'
says '"grids": [[1, '
says '<|image_pad|><|image_pad|>'
sample run --json
exits 0
has_indices "0 "
sample run --index 2 --epoch 7 --json
exits 0
has_indices "2 "

start "a conversation, which has no size and no objects"
mkdir -p "$dir/talk"
echo '{"messages": [{"role": "user", "content": "what"},' \
    '{"role": "assistant", "content": "this"}]}' >"$dir/talk/train.jsonl"
sed "s:$dir/data/train.jsonl:$dir/talk/train.jsonl:" "$dir/run.yaml" >"$dir/talk.yaml"
sample talk --all --json
exits 0
says '"grids": [], '
says '"objects": []}'

start "the order of an epoch"
sample shuffled --all --json
exits 0
first=$(indices)
holds "no permutation: $first" \
    test "$(echo "$first" | tr ' ' '\n' | sort | tr -d '\n')" = 01234
sample shuffled --all --json --epoch 1
exits 0
holds "epoch 1 has the order of epoch 0" test "$(indices)" != "$first"

start "slots and ranks"
sample run --all --from 2 --json
exits 0
has_indices "2 3 4 "
sample run --all --rank 0 --world 2 --json
has_indices "0 2 4 "
sample run --all --rank 1 --world 2 --json
has_indices "1 3 0 "
sample run --all --rank 1 --world 2 --from 2 --json
has_indices "3 0 "
sample dropping --all --json
has_indices "0 1 2 3 "
sample run --from 3 --rank 0 --world 2 --json
has_indices "4 "
sample run --all --from 3 --rank 1 --world 2 --json
has_indices "3 0 "
sample run --all --rank 6 --world 7 --json
has_indices "1 "

start "packed rows"
# Epoch 1 has rows of its own, whatever drop_last and batches of 3 would do to slots.
config packed 'data: {train_dataloader_shuffle: true, dataloader_drop_last: true}'
sed -i 's/batch_size: 2/batch_size: 3, packing: true, packing_strategy: sequential/
    s/max_length: 512/max_length: 300/' "$dir/packed.yaml"
for epoch in 0 1; do
    sample packed --all --json --epoch "$epoch"
    exits 0
    holds "not all records once: $(indices)" \
        test "$(indices | tr ' ' '\n' | sort | tr -d '\n')" = 01234
    # where.N: row, sample, record
    cut -d , -f 1-3 "$dir/out" | grep -o '^{"index": [0-9]*, "row": [0-9]*, "sample": [0-9]*' |
        sed 's/[^0-9 ]//g' | awk '{ print $2, $3, $1 }' >"$dir/where.$epoch"
done
holds "found other rows than 0 to 2" \
    test "$(cut -d ' ' -f 1 "$dir/where.0" | uniq | tr -d '\n')" = 012
holds "both epochs are packed alike" sh -c "! cmp -s '$dir/where.0' '$dir/where.1'"
sample packed --from 1
exits 0
grep '^1 ' "$dir/where.0" >"$dir/one"
while read -r row number record; do
    says "row $row of epoch 0, sample $number, record $record ("
done <"$dir/one"
holds "another row" test "$(grep -c '^row' "$dir/out")" -eq "$(wc -l <"$dir/one")"
sample packed --all --json --rank 1 --world 2
has_indices "$(awk '$1 % 2 == 1 { print $3 }' "$dir/where.0" | tr '\n' ' ')"
sample packed --json --from 1 --rank 0 --world 2
has_indices "$(awk '$1 == 2 { print $3 }' "$dir/where.0" | tr '\n' ' ')"
sample packed --index 4 --json
has_indices "4 "
sample packed --from 3
fails 2
complains "flag --from: found row 3, expected one from 0 to 2, the last of this rank"
sample packed --from 2 --rank 1 --world 2
fails 2
complains "found row 2, expected one from 0 to 1, the last of this rank in epoch 0"
sample packed --rank 3 --world 6
fails 2
complains "flag --rank: found 3, expected one below the 3 packed rows of epoch 0"

start "what is not there"
sample run --from 5
fails 2
complains "flag --from: found slot 5, expected one from 0 to 4"
# Slot 4 is of the other rank; what follows slot 3 is slot 0 once more.
sample run --from 4 --rank 1 --world 2
fails 2
complains "found slot 4, expected one from 0 to 3, the last of this rank"
sample run --from 1 --rank 6 --world 7
fails 2
complains "expected one from 0 to 0, the last of this rank"
sample dropping --from 4
fails 2
sample dropping --all --rank 0 --world 3
fails 3
complains "data.dataloader_drop_last"
sample run --index 5
fails 2
complains "flag --index: found 5, expected a record from 0 to 4"
sample run --index 1 --all
fails 2
complains "flag --all (qvl inspect sample): found it beside --index"
sample run --rank 2 --world 2
fails 2
complains "found 2 of 2"
run inspect sample
fails 2
complains "flag --config"
sample none
fails 3
complains none.yaml
run inspect sample --config "$dir/run.yaml" more
fails 2

start "augmented samples are the same for threads, ranks, and from the middle"
config turned ''
for n in 0 1 2 4; do
    cat >"$dir/turned$n.yaml" <<END
extends: turned.yaml
data: {dataloader_num_workers: $n}
custom:
  augmentation:
    ops: [{name: hflip}, {name: rotate, params: {prob: 1}}, {name: resize_by_scale}]
END
    sample turned$n --all --json --epoch 1
    exits 0
    cp "$dir/out" "$dir/turned.$n"
    holds "$n threads give other samples" cmp "$dir/turned.0" "$dir/turned.$n"
done
sample turned --all --json --epoch 1
holds "nothing was augmented" sh -c "! cmp -s '$dir/out' '$dir/turned.0'"
sample turned2 --all --json --epoch 1 --from 3
tail -n +4 "$dir/turned.0" >"$dir/rest"
holds "another rest of the epoch" cmp "$dir/out" "$dir/rest"
sample turned2 --all --json --epoch 1 --rank 1 --world 2
sed -n '2p;4p' "$dir/turned.0" >"$dir/second"
head -n 2 "$dir/out" >"$dir/rest"
holds "another rank" cmp "$dir/rest" "$dir/second"
first=$(sed -n '1s/^{"index": \([0-9]*\),.*/\1/p' "$dir/turned.0")
sample turned2 --index "$first" --json --epoch 1
head -n 1 "$dir/turned.0" >"$dir/one"
holds "the record alone is another one" cmp "$dir/out" "$dir/one"

start "flags of other topics"
for flags in "--model x" "--dtype f32" "--image 9x9" "--tokens 9" "--output x" \
    "--checkpointing" "--decode"; do
    # shellcheck disable=SC2086  # several words are meant
    sample run $flags
    fails 2
    complains "flag ${flags%% *} (qvl inspect sample): found it, expected a flag"
done

finish
