#!/bin/sh
# qvl infer and qvl bench model: a model with random weights says nonsense, but
# the same nonsense however it is asked.
. "$(dirname "$0")/cli.sh"

model=$dir/model
images=$FIXTURES/image/images
cd "$dir" || exit 1

# The cut tokenizer with ids that lie close together, so that the model is small.
make_tokenizer() {
    mkdir -p tokenizer
    for file in tokenizer tokenizer_config; do
        sed 's/1516\([0-9][0-9]\)/4\1/g' "$FIXTURES/text/cut/$file.json" |
            awk '{
                from = index($0, "\"vocab\":{")
                rest = from ? substr($0, from) : $0
                printf "%s", from ? substr($0, 1, from - 1) : ""
                end = from ? index(rest, "},\"merges\"") : 0
                for (id = 0; end && match(rest, /":[0-9]+/) && RSTART < end; id++) {
                    printf "%s\":%d", substr(rest, 1, RSTART - 1), id
                    rest = substr(rest, RSTART + RLENGTH)
                    end -= RSTART + RLENGTH - 1
                }
                print rest
            }' >"tokenizer/$file.json"
    done
}

# infer ARGUMENT...: the model draws 24 tokens with the seed 7
infer() {
    run infer --model "$model" --max-new-tokens 24 --temperature 1 --seed 7 \
        "$@"
}

# talk ARGUMENT...: the same with $dir/in as standard input
talk() {
    called="qvl infer --model $model $*"
    "$QVL" infer --model "$model" --max-new-tokens 12 "$@" \
        <"$dir/in" >"$dir/out" 2>"$dir/err"
    status=$?
}

keep() {
    cp "$dir/out" "$dir/$1"
}

# same FILE: standard output is that of an earlier call
same() {
    holds "output differs from $1" cmp "$dir/out" "$dir/$1"
}

lines() {
    grep -c '' "$1"
}

# has_lines FILE N TEXT: the text stands in N lines of the file
has_lines() {
    n=$(grep -cF -e "$3" "$1")
    [ "$n" -eq "$2" ] || failed "found |$3| in $n lines of $1, wanted $2"
}

# Every line of a file is JSON.
json_lines() {
    while IFS= read -r line; do
        printf '%s\n' "$line" | "$IS_JSON" || return 1
    done <"$1"
}

start "a model and pictures"
make_tokenizer
# few ids without a token, and a head of its own, so that it does not stammer
sed 's/vocab_size: .*/vocab_size: 469/; s/\(tie_word_embeddings\): true/\1: false/' \
    "$TOOLS/../configs/model/demo.yaml" >size.yaml
run init --size size.yaml --tokenizer tokenizer --output model --seed 5
exits 0
run data synth --output synth --n 5 --seed 3
exits 0

start "one prompt, with a PNG and a JPEG"
infer --image "$images/rgba_70x50.png"
exits 0
holds "nothing is said" test "$(wc -c <"$dir/out")" -gt 5
keep png
infer --image "$images/rgba_70x50.png"
exits 0
same png
infer --image "$images/scene_121x87_q95_444.jpg"
exits 0
holds "another picture, the same text" sh -c "! cmp -s '$dir/out' '$dir/png'"
infer --image "$images/rgba_70x50.png" --prompt 'what is this'
exits 0
holds "another prompt, the same text" sh -c "! cmp -s '$dir/out' '$dir/png'"
infer --image "$images/rgba_70x50.png" "$images/gray_61x47.png" --prompt both
exits 0
infer --prompt 'without a picture'
exits 0

start "the text is the same with and without a stream"
infer --image "$images/rgba_70x50.png" --stream false
exits 0
same png
infer --image "$images/rgba_70x50.png" --stream=yes
exits 0
same png

start "another seed, a stop text, a limit"
run infer --model "$model" --max-new-tokens 24 --temperature 1 --seed 8 \
    --image "$images/rgba_70x50.png"
exits 0
holds "another seed, the same text" sh -c "! cmp -s '$dir/out' '$dir/png'"
stop=$(grep -ao '[a-z][a-z]' "$dir/png" | sed -n 2p)
infer --image "$images/rgba_70x50.png" --stop "$stop"
exits 0
holds "the stop text is there" sh -c "! grep -qF -e '$stop' '$dir/out'"
infer --image "$images/rgba_70x50.png" --max_new_tokens 2
exits 0
holds "two tokens are longer than 24" \
    test "$(wc -c <"$dir/out")" -lt "$(wc -c <"$dir/png")"

start "EXIF"
infer --image "$images/exif6_80x120.jpg" --exif on
exits 0
keep turned
infer --image "$images/exif6_80x120.jpg"
exits 0
same turned
infer --image "$images/exif6_80x120.jpg" --exif off
exits 0
holds "the picture is turned all the same" \
    sh -c "! cmp -s '$dir/out' '$dir/turned'"

start "answers that are JSON"
for n in 2 3 24 100; do
    infer --image "$images/rgba_70x50.png" --response_format json_object \
        --max_new_tokens $n
    exits 0
    holds "no JSON in $n tokens" "$IS_JSON" <"$dir/out"
    holds "no object" grep -q '^{' "$dir/out"
done
keep object
infer --image "$images/rgba_70x50.png" --response_format json_object \
    --max_new_tokens 100 --stream false --json
exits 0
same object
run infer --model "$model" --jsonl synth/train.jsonl --max-batch-size 3 \
    --max-new-tokens 40 --response-format json_object
exits 0
has_lines out 5 '"finish_reason": "stop"'
sed 's/.*"response": "\(.*\)", "labels": .*/\1/; s/\\\\/\x01/g
    s/\\[nrt]/ /g; s/\\"/"/g; s/\x01/\\/g' "$dir/out" >responses
holds "a response is no JSON" json_lines responses
infer --prompt hello --response_format xml
fails 2
complains "expected text or json_object"

start "numbers of the checkpoint"
run infer --model "$model" --prompt hello --max-new-tokens 4
exits 0
complains "greedy; repetition_penalty 1,"
run infer --model "$model" --prompt hello --max-new-tokens 4 \
    --gen_defaults checkpoint --top_p 0.5
exits 0
complains "temperature 0.7, top_p 0.5, top_k 20,"
run infer --model "$model" --prompt hello --gen_defaults none
fails 2
complains "expected stage or checkpoint"

start "a file of records"
infer --jsonl synth/train.jsonl --result_path one.jsonl
exits 0
holds "standard output is not empty" test ! -s "$dir/out"
holds "not 5 lines" test "$(lines one.jsonl)" -eq 5
holds "a line is no JSON" json_lines one.jsonl
has_lines one.jsonl 5 '"finish_reason": "'
has_lines one.jsonl 5 ', "raw_text": "'
has_lines one.jsonl 5 '"gt_norm1000": [{"type": "bbox_2d"'
has_lines one.jsonl 5 '"width": 128, "height": 128'
has_lines one.jsonl 1 '{"index": 4, "response": "'
holds "a part is left" test ! -e one.jsonl.part

start "the same replies in company, and on standard output"
infer --jsonl synth/train.jsonl --result_path many.jsonl --max-batch-size 3 \
    --write-batch-size 1
exits 0
holds "company changes replies" cmp one.jsonl many.jsonl
infer --val_dataset synth/train.jsonl --max-batch-size 8
exits 0
same one.jsonl
infer --jsonl synth/train.jsonl --limit 2 --result-path -
exits 0
holds "not the first two" sh -c "head -n 2 one.jsonl | cmp - '$dir/out'"

start "the same bits in company, where they are asked for"
for seats in 1 2 5; do
    run infer --model "$model" --max-new-tokens 12 --jsonl synth/train.jsonl \
        --max-batch-size $seats --deterministic --logprobs
    exits 0
    [ $seats = 1 ] && keep one_seat
    same one_seat
done
complains "one answer at a time, not 5"

start "several answers to a prompt"
infer --image "$images/rgba_70x50.png" --n 3
exits 0
holds "three answers, fewer lines" test "$(lines "$dir/out")" -ge 3
keep three
infer --image "$images/rgba_70x50.png"
exits 0
size=$(wc -c <"$dir/out")
holds "the first of three is another one" \
    sh -c "head -c $size '$dir/three' | cmp - '$dir/out'"
run infer --model "$model" --jsonl synth/train.jsonl --max-new-tokens 6 --n 2
exits 0
holds "a line is no JSON" json_lines "$dir/out"
has_lines out 5 '"candidates": [{"response": "'
sed 's/.*"candidates": //; s/, "pred": \[[^]]*\]//g; s/, "parse_report": {[^}]*}//g' \
    "$dir/out" >candidates
holds "greedy answers differ" sh -c "awk '{
    n = split(\$0, part, \"{\\\"response\\\": \")
    if (n < 3 || substr(part[2], 1, 9) != substr(part[3], 1, 9)) exit 1
}' candidates"
infer --jsonl synth/train.jsonl --n 2 --max-batch-size 1
exits 0
keep narrow
infer --jsonl synth/train.jsonl --n 2 --max-batch-size 7
exits 0
same narrow
sed 's/.*"response": //; s/, "labels.*//' one.jsonl >alone
sed 's/, "candidates": .*//; s/.*{"index": [0-9]*, "response": //; s/, "labels.*//' \
    narrow >first
holds "the first of two is another one" cmp first alone
printf 'hello\n' >in
talk --n 2
exits 2
complains "found 2 in a conversation"

start "the text as it came"
infer --jsonl synth/train.jsonl --limit 1
exits 0
stop=$(sed -n 's/.*"response": "\([^"]*\)".*/\1/p' out | grep -ao '[a-z][a-z]' |
    sed -n 2p)
infer --jsonl synth/train.jsonl --limit 1 --stop "$stop"
exits 0
sed 's/.*"response": \("[^"]*"\).*/\1/' out >clean
sed 's/.*"raw_text": \("[^"]*"\).*/\1/' out >raw
holds "the stop text is in the response" sh -c "! grep -qF -e '$stop' clean"
holds "the stop text is not in raw_text" grep -qF -e "$stop" raw

start "log probabilities"
run infer --model "$model" --jsonl synth/train.jsonl --max-new-tokens 5 \
    --logprobs --top_logprobs 2
exits 0
holds "a line is no JSON" json_lines "$dir/out"
has_lines out 5 '"logprobs": {"content": [{"id": '
holds "not two on top of each" sh -c "grep -o '\"logprob\": -' '$dir/out' |
    wc -l | grep -qx 75"
infer --jsonl synth/train.jsonl --logprobs
exits 0
has_lines out 5 '"top_logprobs": []'
infer --jsonl synth/train.jsonl --logprobs --top_logprobs 21
fails 2
complains "at most 20"
infer --jsonl synth/train.jsonl --top_logprobs 2
fails 2
infer --prompt hello --logprobs
fails 2
for flag in "limit 2" "root_image_dir synth" verify-inputs "write_batch_size 2" \
    "result_path out.jsonl" resume; do
    # shellcheck disable=SC2086  # a flag and its value
    infer --prompt hello --$flag
    fails 2
    complains "found no --jsonl, expected it"
done
infer --prompt hello --overlay pictures
fails 2
complains "flag --overlay: found no picture"
infer --image "$images/rgba_70x50.png" --font some.ttf
fails 2
complains "flag --font: found no --overlay, expected it"
infer --prompt hello --max_new_tokens 0
fails 2
complains "flag --max_new_tokens: found 0, expected at least 1"

start "pictures of replies"
sed '1s/"desc": "[^"]*"/"desc": "一"/; 1q' synth/train.jsonl >zh.jsonl
infer --jsonl zh.jsonl --root_image_dir synth --overlay boxes
exits 0
complains "letters are missing for some texts of the pictures in boxes; "
complains "--font"
holds "no picture" test -s boxes/train-00000.png
if [ "$HAS_FREETYPE" = ON ]; then
    "$FONT" cff >letters.otf
    infer --jsonl zh.jsonl --root_image_dir synth --overlay letters \
        --font letters.otf
    exits 0
    holds "a warning" sh -c "! grep -q 'letters are missing' '$dir/err'"
    holds "the same picture" \
        sh -c "! cmp -s boxes/train-00000.png letters/train-00000.png"
    infer --image "$images/rgba_70x50.png" --overlay none --font zh.jsonl
    fails 3
    complains "font file zh.jsonl: found something else, expected a TrueType"
    infer --image "$images/rgba_70x50.png" --overlay none --font none.ttf
    fails 3
else
    echo "SKIP letters of font files: this build has no FreeType"
    infer --image "$images/rgba_70x50.png" --overlay none --font none.ttf
    fails 2
    complains "without FreeType"
fi
complains "none.ttf"
holds "a folder was made" test ! -e none

start "a prompt in pieces"
for n in 3 40 2048; do
    run infer --model "$model" --jsonl synth/train.jsonl --max-new-tokens 12 \
        --system "" --prompt "what is there" --limit 3 --prefill_chunk $n
    exits 0
    [ "$n" -eq 3 ] || same pieces
    keep pieces
done
run infer --model "$model" --jsonl synth/train.jsonl --max-new-tokens 12 \
    --system "" --prompt "what is there" --limit 3
exits 0
same pieces

start "resume behind a part that was cut"
head -n 2 one.jsonl >again.jsonl.part
sed -n 3p one.jsonl | head -c 40 >>again.jsonl.part
infer --jsonl synth/train.jsonl --result_path again.jsonl
fails 2
complains "again.jsonl.part"
infer --jsonl synth/train.jsonl --result_path again.jsonl --resume
exits 0
complains "going on behind 2 replies"
holds "resuming changes bytes" cmp one.jsonl again.jsonl
holds "a part is left" test ! -e again.jsonl.part
infer --jsonl synth/train.jsonl --result_path again.jsonl --resume
fails 2
complains "again.jsonl"
infer --jsonl synth/train.jsonl --result_path fresh.jsonl --resume
exits 0
holds "a part that was never there" cmp one.jsonl fresh.jsonl

start "an output that cannot be written"
mkdir folder
infer --jsonl synth/train.jsonl --result_path folder
fails 3
complains 'cannot write file (folder): found "Is a directory"'
infer --jsonl synth/train.jsonl --result_path nowhere/file
fails 3
complains 'cannot open file (nowhere/file.part): found "No such file'
mkfifo pipe
ln -s /dev/null null.part
infer --jsonl synth/train.jsonl --result_path null --resume
fails 3
complains 'cannot cut file (null.part): found "'
# The second record comes once the name of the output is taken by a folder.
called="qvl infer, late.jsonl becomes a folder"
"$QVL" infer --model "$model" --max-new-tokens 2 --jsonl pipe \
    --root-image-dir synth --result_path late.jsonl >out 2>err &
worker=$!
exec 3<>pipe
head -n 1 synth/train.jsonl >&3
await_file late.jsonl.part
mkdir late.jsonl
sed -n 2p synth/train.jsonl >&3
exec 3>&-
wait $worker
status=$?
fails 3
complains 'cannot rename to (late.jsonl): found "Is a directory"'
complains "all replies are in late.jsonl.part"
holds "not two replies" test "$(lines late.jsonl.part)" -eq 2

start "bad records among good ones"
base64 -w0 <"$images/gray_61x47.png" >picture
{
    head -n 1 synth/train.jsonl
    echo 'no JSON at all'
    echo '{"images": ["missing.png"], "width": 9, "height": 9, "objects": []}'
    echo '{"messages": [{"role": "user", "content": "only text"},' \
        '{"role": "assistant", "content": [{"type": "text", "text": "in "},' \
        '{"type": "text", "text": "parts"}]}]}'
    printf '{"messages": [{"role": "user", "content": [{"type": "image_url"'
    printf ', "image_url": {"url": "data:image/png;base64,%s"}}' "$(cat picture)"
    echo ', {"type": "text", "text": "what"}]}]}'
    printf '{"messages": [{"role": "user", "content": [{"type": "image"'
    printf ', "image": "%s"}, {"type": "text", ' "$(cat picture)"
    echo '"text": "what"}]}]}'
    echo '{"messages": [{"role": "user", "content": [{"type": "image",' \
        '"url": "synth/images/train-00000.png"}]}]}'
    echo '{"messages": [{"role": "user", "content": [{"type": "image",' \
        '"image": "s3://pictures/a.png"}]}]}'
    echo '{"images": ["tokenizer/tokenizer.json"], "messages": [' \
        '{"role": "user", "content": "<image>what"}]}'
    echo '{"images": ["synth/images/train-00000.png"], "messages": [' \
        '{"role": "user", "content": "<image>what"},' \
        '{"role": "assistant", "content": "a label"}]}'
} >mixed.jsonl
sed 's/"images\//"synth\/images\//' mixed.jsonl >records.jsonl
infer --jsonl records.jsonl --result_path mixed.out --max-batch-size 4
exits 3
complains "5 of 10 records failed, the rest is written"
holds "not 10 lines" test "$(lines mixed.out)" -eq 10
holds "a line is no JSON" json_lines mixed.out
has_lines mixed.out 5 '"response": null, "error": "'
for index in 1 2 6 7 8; do
    has_lines mixed.out 1 "{\"index\": $index, \"response\": null"
done
has_lines mixed.out 1 '"labels": "a label"'
has_lines mixed.out 1 '"labels": "in parts"'
head -n 3 mixed.out >partly.out.part
infer --jsonl records.jsonl --result_path partly.out --resume
exits 3
complains "5 of 10 records failed"
holds "resuming changes bytes" cmp mixed.out partly.out

start "a picture as a data: URL, as base64 alone, as a file"
sed -n '5p;6p' records.jsonl >forms.jsonl
sed "s|data:image/png;base64,[^\"]*|$images/gray_61x47.png|" forms.jsonl |
    head -n 1 >>forms.jsonl
run infer --model "$model" --jsonl forms.jsonl --max-new-tokens 16
exits 0
has_lines out 3 '"completion_tokens": '
holds "three forms of a picture, not one reply" sh -c \
    "sed 's/.*\"response\": //; s/, \"labels.*//' '$dir/out' | sort -u |
        wc -l | grep -qx 1"

start "pictures are found below a folder"
mkdir -p elsewhere
cp synth/train.jsonl elsewhere
infer --jsonl elsewhere/train.jsonl --limit 1
exits 3
infer --jsonl elsewhere/train.jsonl --limit 1 --root_image_dir synth
exits 0
has_lines out 1 '"finish_reason"'

start "verify-inputs"
infer --jsonl synth/train.jsonl --limit 2 --verify-inputs
exits 0
complains "record 0, picture 0: synth/images/train-00000.png"
complains "placeholders"

start "files that are not there, or no pictures"
infer --image none.png
fails 3
complains none.png
infer --image "$images/../cases.json"
fails 3
complains cases.json
head -c 300 "$images/rgba_70x50.png" >cut.png
infer --image cut.png
fails 3
complains cut.png
infer --jsonl none.jsonl --result_path none.out
fails 3
complains none.jsonl
holds "something was written" sh -c '! ls none.out* 2>/dev/null'
infer --jsonl synth/train.jsonl --result_path no/such/folder
fails 3
run infer --model nowhere --prompt hello
fails 4
complains nowhere
cp -r model broken
rm broken/tokenizer.json
run infer --model broken --prompt hello
fails 4
cp -r model wrong
echo '{"temperature": "warm"}' >wrong/generation_config.json
run infer --model wrong --prompt hello
fails 4
complains temperature

start "flags that do not go together, or are none"
run infer --prompt hello
fails 2
complains "--model"
for flags in "--image a.png --jsonl b.jsonl" "--result_path a" "--resume" \
    "--jsonl synth/train.jsonl --resume" "--temperature -1" "--top_p 0" \
    "--top_p 1.5" "--max_new_tokens 0" "--max_batch_size 0" \
    "--max_batch_size 5000 --prompt a" "--n 0 --prompt a" \
    "--prefill_chunk 0 --prompt a" "--repetition_penalty 0" \
    "--exif maybe --prompt a" "--profile none --prompt a" "--stop=" \
    "--min_pixels 900 --max_pixels 100 --prompt a" "word"; do
    # shellcheck disable=SC2086  # several words are meant
    run infer --model "$model" $flags
    fails 2
done
run infer --model "$model" --temprature 1
fails 2
complains "the nearest is --temperature"
infer --prompt hello --max_model_len 3
fails 3
complains "max_model_len"
infer --prompt hello --max_model_len 40
exits 0
run infer --model "$model" --prompt hello --device none
fails 5

start "a conversation"
printf '%s\n' hello 'and then' exit 'not read' >in
talk
exits 0
keep talk
holds "not two replies" test "$(lines talk)" -ge 2
talk --stream false
same talk
printf '%s\n' hello clear hello quit >in
talk
exits 0
holds "a cleared conversation remembers" \
    sh -c "sed -n 1p '$dir/out' | cmp - - && [ \$(sort -u '$dir/out' | wc -l) -eq 1 ]"
printf '%s\n' '<image>what' "$images/rgba_70x50.png" '<image>no' none.png \
    reset-system 'be brief' multi-line one two . single-line '' last >in
talk
exits 0
complains none.png
: >in
talk
exits 0
holds "an empty input says something" test ! -s "$dir/out"
printf '<image>what\n' >in
talk
exits 0
complains "1 marks <image> and 0 paths"

start "bench model"
run bench model --model "$model" --json --prompt 20 --new 4 --repeats 1
exits 0
holds "a line is no JSON" json_lines "$dir/out"
for name in vision prefill decode; do
    says "\"name\": \"$name\""
done
run bench model --model "$model" --what decode --batch 3 --prompt 40 --new 3 \
    --repeats 2 --json
exits 0
holds "not one line" test "$(lines "$dir/out")" -eq 1
run bench model --model "$model" --what prefill --prompt 20 --repeats 1
exits 0
says prefill
for flags in "--what other" "--image 7" "--image 1x1 --what vision" \
    "--prompt 0" "--repeats none"; do
    # shellcheck disable=SC2086  # several words are meant
    run bench model --model "$model" $flags
    fails 2
done
run bench model
fails 2
run bench model --model nowhere
fails 4
run bench
fails 2

finish
