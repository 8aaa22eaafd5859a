#!/bin/sh
# qvl data split and sample: records of a file, as they are written.
. "$(dirname "$0")/cli.sh"

# records N FILE: record i has i mod 4 objects and names a picture of its own
records() {
    for i in $(seq 0 $(($1 - 1))); do
        objects=
        for k in $(seq 1 $((i % 4))); do
            objects="$objects${objects:+, }{\"bbox_2d\": [1, 2, 30, $((40 + k))], \"desc\": \"a\"}"
        done
        echo "{\"images\": [\"p$i.png\"], \"width\": 64, \"height\": 64," \
            "\"odd key\": $i.50, \"summary\": \"一$i\", \"objects\": [$objects]}"
    done >"$2"
}

mkdir "$dir/in"
records 23 "$dir/in/all.jsonl"
all=$dir/in/all.jsonl

# Lines of both files, sorted, are those of the whole.
is_whole() {
    cat "$1" "$2" | sort | cmp -s - "$dir/sorted"
}
sort "$all" >"$dir/sorted"

start "a split"
run data split "$all" --ratio 0.2
exits 0
says "$dir/in/all.train.jsonl: 19 records"
says "$dir/in/all.val.jsonl: 4"
train=$dir/in/all.train.jsonl
val=$dir/in/all.val.jsonl
holds "records of validation" test "$(wc -l <"$val")" -eq 4
holds "a record is not as it was, or not there" is_whole "$train" "$val"
holds "records are not shuffled" \
    sh -c "! cat '$val' '$train' | cmp -s - '$all'"
holds "the list is not JSON" sh -c "'$IS_JSON' <'$dir/in/all.split.json'"
# the number behind "val": [ is the line of the first record of validation
place=$(sed 's/.*"val": \[\([0-9]*\).*/\1/' "$dir/in/all.split.json")
sed -n "$((place + 1))p" "$all" >"$dir/first"
holds "the list names another record" \
    sh -c "head -n 1 '$val' | cmp -s - '$dir/first'"

start "the same again, and another seed"
run data split "$all" --ratio 0.2 --output "$dir/in/b"
exits 0
holds "another call splits differently" cmp -s "$val" "$dir/in/b.val.jsonl"
run data split "$all" --ratio 0.2 --output "$dir/in/c" --seed 1
exits 0
holds "another seed splits the same" \
    sh -c "! cmp -s '$val' '$dir/in/c.val.jsonl'"

start "lines that are kept as they are"
first='{"images": ["a.png"], "width": 2, "height": 2, "summary": "x"}'
second='{"summary": "y","images":["b.png"],"width":2,"height":2}'
printf '\357\273\277%s\r\n\n \n%s' "$first" "$second" >"$dir/in/odd.jsonl"
run data split "$dir/in/odd.jsonl" --ratio 0.5
exits 0
cat "$dir/in/odd.train.jsonl" "$dir/in/odd.val.jsonl" | sort >"$dir/found"
printf '%s\r\n%s\n' "$first" "$second" | sort >"$dir/wanted"
holds "bytes of a line" cmp -s "$dir/found" "$dir/wanted"

start "another folder"
run data split "$all" --output "$dir/x"
fails 2
complains "to which pictures are relative"
complains "ROOT_IMAGE_DIR"
holds "a file was written" sh -c "! ls '$dir'/x.* 2>/dev/null"
ROOT_IMAGE_DIR=$dir/in
export ROOT_IMAGE_DIR
run data split "$all" --output "$dir/x"
exits 0
unset ROOT_IMAGE_DIR
sed "s|\"p|\"$dir/in/p|" "$all" >"$dir/in/absolute.jsonl"
run data split "$dir/in/absolute.jsonl" --output "$dir/y"
exits 0
(cd "$dir/in" && exec "$QVL" data split all.jsonl --output ./z >"$dir/out")
holds "the folder by another name" test -e "$dir/in/z.val.jsonl"

start "splits that cannot be"
head -n 1 "$all" >"$dir/in/one.jsonl"
run data split "$dir/in/one.jsonl"
fails 3
complains "found 1 record, expected 2 or more"
: >"$dir/in/none.jsonl"
run data split "$dir/in/none.jsonl"
fails 3
complains "found no record"
cp "$all" "$dir/in/bad.jsonl"
echo '{"images": [}' >>"$dir/in/bad.jsonl"
run data split "$dir/in/bad.jsonl"
fails 3
complains "bad.jsonl:24:"
complains "qvl data validate"
holds "a file was written" test ! -e "$dir/in/bad.val.jsonl"
for ratio in 0 1 -0.1 1.5 nan x; do
    run data split "$all" --ratio=$ratio
    fails 2
    complains "--ratio"
done
run data split
fails 2
run data split "$all" "$all"
fails 2
run data split "$dir/in/nothing.jsonl"
fails 3
mkdir "$dir/in/d.val.jsonl"
cp "$all" "$dir/in/d.jsonl"
run data split "$dir/in/d.jsonl"
fails 3
holds "something was left" sh -c "! ls '$dir'/in/d.train* 2>/dev/null"

start "samples"
run data sample "$all" -n 5
exits 0
holds "number of lines" test "$(wc -l <"$dir/out")" -eq 5
cp "$dir/out" "$dir/five"
run data sample "$all" --n=5 --by random
holds "another call draws others" cmp -s "$dir/out" "$dir/five"
run data sample "$all" -n=5 --seed 1
exits 0
holds "another seed draws the same" sh -c "! cmp -s '$dir/out' '$dir/five'"
run data sample "$all" -n 23 --by stratified
holds "all are not all" cmp -s "$dir/out" "$all"
run data sample "$all" -n 1 --by uniform
says '"p11.png"'
run data sample "$all" -n 3 --by top_k --output "$dir/in/top.jsonl"
exits 0
says "top.jsonl: 3 of 23 records"
holds "most objects" test "$(grep -c '"p3.png"\|"p7.png"\|"p11.png"' \
    "$dir/in/top.jsonl")" -eq 3
run data sample "$all" -n 8 --by stratified
holds "shares" test "$(grep -c '"objects": \[\]' "$dir/out")" -eq 2

start "samples that cannot be"
run data sample "$all" -n 24
fails 3
complains "found 23 records, expected 24 or more"
run data sample "$all" -n 0
fails 2
run data sample "$all"
fails 2
complains "--n"
run data sample "$all" -n
fails 2
run data sample "$all" -n 2 --by size
fails 2
complains "found size, expected uniform, random, stratified or top_k"
run data sample "$all" -n 2 --output "$all"
fails 2
complains "found the file that is read"
holds "the file changed" sh -c "sort '$all' | cmp -s - '$dir/sorted'"
run data sample "$all" -n 2 --output "$dir/x.jsonl"
fails 2
run data sample "$all" -x 2
fails 2

finish
