#!/bin/sh
# qvl inspect tokens: text to ids and back, line by line.
. "$(dirname "$0")/cli.sh"

model="$FIXTURES/text/cut"

# pipe TEXT ARGUMENT...: call qvl inspect tokens with a text as standard input
pipe() {
    text=$1
    shift
    called="qvl inspect tokens $*"
    printf '%s' "$text" | "$QVL" inspect tokens "$@" >"$dir/out" 2>"$dir/err"
    status=$?
}

prints() {
    printf '%s\n' "$@" >"$dir/want"
    holds "output is not $*" cmp -s "$dir/want" "$dir/out"
}

start "text to ids"
pipe '"Hello, world!"
"caf\u00e9 <|im_end|>"
""
' --model "$model"
exits 0
prints '[9707, 11, 1879, 0]' '[66, 2577, 963, 220, 151645]' '[]'

start "added tokens as text"
pipe '"<|im_end|>"' --model "$model" --no-special
exits 0
prints '[27, 91, 318, 6213, 91, 29]'

start "ids to text"
pipe '[9707, 11, 1879, 0, 151645]
[]
[102]
' --decode --model "$model"
exits 0
printf '"Hello, world!<|im_end|>"\n""\n"\357\277\275"\n' >"$dir/want"
holds "other text" cmp -s "$dir/want" "$dir/out"
pipe '[9707, 151645]' --decode --no-special --model "$model"
exits 0
prints '"Hello"'

start "nothing in, nothing out"
pipe '' --model "$model"
exits 0
holds "there is output" test ! -s "$dir/out"

start "wrong lines"
pipe '"a"
7
' --model "$model"
exits 3
complains "line 2: value: found integer, expected a string"
prints '[64]'
pipe '"a' --model "$model"
exits 3
complains "line 1: standard input:1:"
pipe '
' --model "$model"
exits 3
pipe '["a"]' --decode --model "$model"
exits 3
complains "element 0: found string, expected an id"
pipe '"a"' --decode --model "$model"
exits 3
complains "found string, expected an array of ids"
pipe '[999999]' --decode --model "$model"
exits 3
complains "found 999999"

start "wrong folders and words"
pipe '"a"' --model "$dir"
exits 4
complains "found neither tokenizer.json"
run inspect tokens
fails 2
complains "--model"
run inspect tokens --model "$model" word
fails 2

finish
