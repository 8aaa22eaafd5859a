#!/bin/sh
# Commands, flags, help, exit codes.
. "$(dirname "$0")/cli.sh"

model=$FIXTURES/qwen3_text/model
input=$FIXTURES/qwen3_text/input.safetensors

start "qvl alone lists the commands"
run
exits 0
says "usage: qvl COMMAND"
cp "$dir/out" "$dir/alone"
for command in forward inspect; do
    holds "$command is not listed" grep -q "^  $command " "$dir/alone"
done

start "--help and help are the same"
for word in --help help; do
    run $word
    exits 0
    holds "$word prints something else" cmp -s "$dir/out" "$dir/alone"
done

says_defaults_once() {
    ! grep -q '(default.*(default' "$dir/help"
}

start "every command has its help"
commands=$(sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' "$dir/alone")
for command in $commands; do
    run help "$command"
    exits 0
    says "usage: qvl $command"
    cp "$dir/out" "$dir/help"
    run "$command" --help
    exits 0
    holds "help $command prints something else" cmp -s "$dir/out" "$dir/help"
    holds "a default is said twice" says_defaults_once
done

start "--version"
run --version
exits 0
holds "first line" grep -Eq '^qvl [0-9]+\.[0-9]+\.[0-9]+ \(.+\)$' "$dir/out"
holds "back ends" grep -Eq '^back ends:.* cpu' "$dir/out"

start "unknown command"
run forwrd
fails 2
complains "found forwrd"
complains "did you mean forward?"
run help forwrd
fails 2

start "unknown flag"
run forward --modle x
fails 2
complains "found --modle"
complains "--model"

start "flag without its value"
run forward --model
fails 2
complains "--model"
complains "expected DIR"

start "flag that is needed"
run forward --input "$input"
fails 2
complains "--model"

start "number that is none"
for value in -1 many 1.5 ""; do
    run forward --model "$model" --input "$input" --output "$dir/n" \
        --threads "$value"
    fails 2
    complains "--threads"
    holds "a file was written" test ! -e "$dir/n"
done

start "word that is no flag"
run forward --model "$model" --input "$input" --output "$dir/w" extra
fails 2
complains "extra"
holds "a file was written" test ! -e "$dir/w"

start "--flag value, --flag=value, - and _, another name"
run forward --model "$model" --input "$input" --output "$dir/a" --dtype f32
exits 0
run forward --model="$model" --input="$input" --output="$dir/b" \
    --torch_dtype=f32
exits 0
run forward --torch-dtype f32 --output "$dir/c" --input "$input" \
    --model "$model"
exits 0
holds "= changes the result" cmp "$dir/a" "$dir/b"
holds "order changes the result" cmp "$dir/a" "$dir/c"

start "unknown type"
run forward --model "$model" --input "$input" --output "$dir/t" --dtype f33
fails 2
complains "f33"
holds "a file was written" test ! -e "$dir/t"

start "switches"
# Drivers say what memory is free just now, so there are none.
export OCL_ICD_VENDORS=none VK_DRIVER_FILES=none VK_ICD_FILENAMES=none
run inspect devices
cp "$dir/out" "$dir/text"
run inspect devices --json
cp "$dir/out" "$dir/json"
holds "JSON and text are the same" test "$(head -c 1 "$dir/json")" = "["
for yes in true 1 yes; do
    for call in "--json $yes" "--json=$yes"; do
        # shellcheck disable=SC2086  # two words
        run inspect devices $call
        exits 0
        holds "$call is no yes" cmp -s "$dir/out" "$dir/json"
    done
done
for no in false 0 no; do
    for call in "--json $no" "--json=$no"; do
        # shellcheck disable=SC2086  # two words
        run inspect devices $call
        exits 0
        holds "$call is no no" cmp -s "$dir/out" "$dir/text"
    done
done
run inspect --json devices
exits 0
holds "a word behind a switch was taken" cmp -s "$dir/out" "$dir/json"
run inspect devices --json=maybe
fails 2
complains "found maybe"
unset OCL_ICD_VENDORS VK_DRIVER_FILES VK_ICD_FILENAMES

start "device that is not there"
for device in cpu:7 vulkan:99 opencl:99 gpu cpu:x; do
    run forward --model "$model" --input "$input" --output "$dir/d" \
        --device "$device"
    fails 5
    complains "$device"
    complains "present:"
    complains "cpu:0"
    holds "a file was written" test ! -e "$dir/d"
done

start "device of the environment"
QVL_DEVICE=nosuch run forward --model "$model" --input "$input" \
    --output "$dir/e"
fails 5
complains "nosuch"
QVL_DEVICE=nosuch run forward --model "$model" --input "$input" \
    --output "$dir/e" --device cpu
exits 0

finish
