#!/bin/sh
# qvl vis: records and predictions as pictures. HAS_FREETYPE is ON or OFF.
. "$(dirname "$0")/cli.sh"

# is_png FILE: it begins as one and is not tiny
is_png() {
    [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ] &&
        [ "$(wc -c <"$1")" -gt 500 ]
}

# side FILE N: number at byte N of a PNG, 16 its width, 20 its height
side() {
    od -An -tu1 -j "$2" -N 4 "$1" |
        awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }'
}

# all_json FILE: each line is JSON
all_json() {
    while IFS= read -r line; do
        printf '%s' "$line" | "$IS_JSON" || return 1
    done <"$1"
}

# n_pngs DIR
n_pngs() {
    find "$1" -name 'vis_*.png' | wc -l
}

# holds_text WHAT FILE TEXT...: the file has the texts, one behind the other
holds_text() {
    what=$1
    file=$2
    shift 2
    holds "$what" grep -qF "$(printf '%s' "$@")" "$file"
}

# letters_of_fonts: those of zh.jsonl, whose pictures without a font are in zh
letters_of_fonts() {
    for kind in glyf cff collection; do
        "$FONT" $kind >"$dir/$kind.font"
        run vis dataset "$dir/o/zh.jsonl" --output "$dir/zh-$kind" \
            --font "$dir/$kind.font"
        exits 0
        holds "$kind: the letter is drawn" \
            sh -c "! cmp -s '$dir/zh/vis_00000.png' '$dir/zh-$kind/vis_00000.png'"
    done
    complains "another --font may have them"
    run vis dataset "$dir/o/zh.jsonl" --output "$dir/zh2" \
        --font "$dir/collection.font#0"
    holds "font 0 is the first" diff -r "$dir/zh2" "$dir/zh-collection"
    head -n 1 "$dir/o/zh.jsonl" >"$dir/o/zh1.jsonl"
    run vis dataset "$dir/o/zh1.jsonl" --output "$dir/zh3" --font "$dir/glyf.font"
    exits 0
    holds "no warning" sh -c "! grep -q 'letters are missing' '$dir/err'"
}

fonts_that_are_none() {
    start "fonts that are none"
    run vis dataset "$data" --output "$dir/x" --font "$data"
    fails 3
    complains "expected a TrueType or OpenType font"
    run vis dataset "$data" --output "$dir/x" --font "$dir/none.ttf"
    fails 3
    complains "none.ttf"
    run vis dataset "$data" --output "$dir/x" --font "$dir/collection.font#2"
    fails 3
    complains "found 2 fonts, expected number 2"
    head -c 400 "$dir/glyf.font" >"$dir/cut.font"
    run vis dataset "$data" --output "$dir/x" --font "$dir/cut.font"
    fails 3
    complains "cut.font: found damage"
    holds "a folder was made" test ! -e "$dir/x"
}

run data synth --output "$dir/d" --n 20 --seed 3 --kinds box,poly,line \
    --size 128
data=$dir/d/train.jsonl

start "the group and its commands"
run vis
exits 0
says "vis dataset"
says "vis predictions"
run vis dataset --help
exits 0
says "--font"
run
says "vis predictions"

start "a sample of records"
run vis dataset "$data" --output "$dir/a"
exits 0
says "$dir/a: 12 of 20 records"
holds "12 pictures" test "$(n_pngs "$dir/a")" -eq 12
holds "12 lines" test "$(wc -l <"$dir/a/index.jsonl")" -eq 12
holds "JSON" all_json "$dir/a/index.jsonl"
for png in "$dir"/a/vis_*.png; do
    holds "$png" is_png "$png"
    # 128 px become 512, and the legend stands beside them
    holds "width of $png" test "$(side "$png" 16)" -gt 700
    holds "height of $png" test "$(side "$png" 20)" -gt 530
done
png=$(sed -n '1s/.*"png": "\([^"]*\)".*/\1/p' "$dir/a/index.jsonl")
line=$(sed -n '1s/.*"line": \([0-9]*\).*/\1/p' "$dir/a/index.jsonl")
holds "name of the first" test "$png" = "$(printf 'vis_%05d.png' $((line - 1)))"

start "the same bytes again, other records by another seed"
run vis dataset "$data" --output "$dir/b" --n 12 --seed 42
exits 0
holds "pictures or index differ" diff -r "$dir/a" "$dir/b"
run vis dataset "$data" --output "$dir/c" --seed 7
exits 0
holds "the same records" sh -c "! cmp -s '$dir/a/index.jsonl' '$dir/c/index.jsonl'"
run vis dataset "$data" --output "$dir/e" --all
says "20 of 20 records"
holds "20 pictures" test "$(n_pngs "$dir/e")" -eq 20
run vis dataset "$data" --output "$dir/f" -n 100
says "20 of 20 records"
holds "all are not all" diff -r "$dir/e" "$dir/f"

start "numbers are those of an answer"
mkdir "$dir/o"
cp "$dir/d/images/train-00000.png" "$dir/o/p.png"
head='"images": ["p.png"], "width": 128, "height": 128'
cat >"$dir/o/one.jsonl" <<END
{$head, "objects": [{"bbox_2d": [60, 30, 90, 40], "desc": "low"}, \
{"poly": [50, 40, 30, 10, 10, 40], "desc": "ring"}, \
{"line": [100, 100, 90, 20], "desc": "line"}]}
END
run vis dataset "$dir/o/one.jsonl" --output "$dir/o1"
exits 0
holds_text "the ring is first, from its top on, clockwise" \
    "$dir/o1/index.jsonl" '"number": 1, "index": 1, "type": "poly", ' \
    '"points": [30, 10, 50, 40, 10, 40]'
holds_text "then the line" "$dir/o1/index.jsonl" \
    '"number": 2, "index": 2, "type": "line", "points": [90, 20, 100, 100]'
run vis dataset "$dir/o/one.jsonl" --output "$dir/o2" --order center_tlbr
exits 0
holds_text "by their centres the box is second" "$dir/o2/index.jsonl" \
    '"number": 2, "index": 0, "type": "bbox_2d"'
holds "another order, another picture" \
    sh -c "! cmp -s '$dir/o1/vis_00000.png' '$dir/o2/vis_00000.png'"

start "records that break the contract"
cat >"$dir/o/bad.jsonl" <<END
{$head, "objects": [{"bbox_2d": [9, 60, 6, 90], "desc": "turned"}, \
{"bbox_2d": [1, 1, 30, 30], "desc": "good"}, {"line": [1, 2], "desc": ""}]}

{"images": ["p.png"], "width"
{"images": ["p.png"], "width": 64, "height": 128, "summary": "another size"}
{"images": ["none.png"], "width": 64, "height": 128, "summary": "no file"}
{$head, "summary": "good"}
[]
END
run vis dataset "$dir/o/bad.jsonl" --output "$dir/bad"
exits 3
says "6 of 6 records"
complains "bad.jsonl:1:"
complains "objects[0].bbox_2d: found 9, 60 to 6, 90, expected x1 < x2 and y1 < y2"
complains "objects[2].line: found 2 numbers"
complains "bad.jsonl:3:"
complains "expected width and height of the record, 64 x 128"
complains "none.png"
complains "records: found 5 bad ones of the 6 drawn"
holds "6 pictures" test "$(n_pngs "$dir/bad")" -eq 6
holds "JSON" all_json "$dir/bad/index.jsonl"
for png in "$dir"/bad/vis_*.png; do
    holds "$png" is_png "$png"
done
holds "faults in the index" grep -q '"line": 5, .*"faults": \["[^"]*none.png' \
    "$dir/bad/index.jsonl"
holds_text "objects at fault" "$dir/bad/index.jsonl" \
    '"index": 0, "type": "bbox_2d", "points": [9, 60, 6, 90], "desc": "turned", ' \
    '"category": "turned", "category_number": 2, "is_bad": true'
holds "none at fault" grep -q '"line": 6, .*"faults": \[\]' "$dir/bad/index.jsonl"

start "conversations and several pictures"
cat >"$dir/o/chat.jsonl" <<END
{"messages": [{"role": "user", "content": [{"type": "image", "image": "p.png"}, \
{"type": "text", "text": "what?"}]}, {"role": "assistant", "content": "that"}]}
{"images": ["p.png", "p.png", "p.png", "p.png", "p.png"], \
"width": 128, "height": 128, "summary": "five"}
END
run vis dataset "$dir/o/chat.jsonl" --output "$dir/chat"
exits 0
holds "four beside each other" test "$(side "$dir/chat/vis_00001.png" 16)" -gt 2048

start "letters"
cat >"$dir/o/zh.jsonl" <<END
{$head, "objects": [{"bbox_2d": [60, 60, 90, 90], "desc": "类别=一,可见性=完整"}, \
{"bbox_2d": [1, 1, 9, 9], "desc": "A/b"}, \
{"bbox_2d": [1, 20, 9, 90], "desc": "类别=一"}], "summary": "一一"}
{$head, "objects": [{"bbox_2d": [60, 60, 90, 90], "desc": "类别=二"}]}
END
run vis dataset "$dir/o/zh.jsonl" --output "$dir/zh"
exits 0
complains "letters are missing"
complains "--font"
holds "it is said once" test "$(grep -c 'letters are missing' "$dir/err")" -eq 1
holds "names in the index" grep -qF '"category": "一", "category_number": 2' \
    "$dir/zh/index.jsonl"
holds "the summary in the index" grep -qF '"summary": "一一"' "$dir/zh/index.jsonl"
if [ "$HAS_FREETYPE" = ON ]; then
    complains "--font FILE draws them"
    letters_of_fonts
    fonts_that_are_none
else
    echo "SKIP letters of font files: this build has no FreeType"
    run vis dataset "$data" --output "$dir/x" --font "$dir/some.ttf"
    fails 2
    complains "some.ttf: found a build without FreeType, expected one with it"
    holds "a folder was made" test ! -e "$dir/x"
fi

start "calls that cannot be"
run vis dataset "$data"
fails 2
complains "--output"
run vis dataset --output "$dir/x"
fails 2
run vis dataset "$data" "$data" --output "$dir/x"
fails 2
for n in 0 -1 1.5 many; do
    run vis dataset "$data" --output "$dir/x" --n=$n
    fails 2
    complains "--n"
done
run vis dataset "$data" --output "$dir/x" --n 3 --all
fails 2
complains "found it beside --all"
run vis dataset "$data" --output "$dir/x" --order size
fails 2
complains "reference_tlbr or center_tlbr"
run vis dataset "$data" --output "$dir/x" --limit 3
fails 2
run vis dataset "$dir/none.jsonl" --output "$dir/x"
fails 3
complains "none.jsonl"
: >"$dir/o/empty.jsonl"
run vis dataset "$dir/o/empty.jsonl" --output "$dir/x"
fails 3
complains "found no record"
holds "a folder was made" test ! -e "$dir/x"
: >"$dir/file"
run vis dataset "$data" --output "$dir/file"
fails 3
complains "$dir/file"
run vis dataset "$data" --output "$dir/file/below"
fails 3

# ---- predictions ----------------------------------------------------------

square='"type": "bbox_2d", "points": [100, 100, 500, 500]'
picture=$dir/o/p.png
row="\"images\": [\"$picture\"], \"width\": 128, \"height\": 64"
cut='{\"object_1\": {\"bbox_2d\": [0, 0, 500, 250], \"desc\": \"red\"}, \"ob'
cat >"$dir/pred.jsonl" <<END
{"model": "a summary of the file"}
{"index": 0, "response": "{}", $row, "pred": [{$square, "desc": "a"}, \
{"type": "line", "points": [1, 2, 3, 4], "desc": "b"}], \
"gt_norm1000": [{$square, "desc": "c"}, \
{"type": "poly", "points": [600, 600, 900, 600, 900, 905], "desc": "a"}]}
{"index": 1, "response": "$cut", "finish_reason": "length", "images": ["$picture"]}

{"index": 2, "response": null, "error": "too large", "images": ["$picture"]}
{"index": 3, "response": "", "images": ["$dir/none.png"], "pred": [], "gt_norm1000": []}
{"index": 4, "images": ["$picture"], "pred": [{"type": "box"}]}
{"index": 5, "pred": []}
no JSON
[1]
{"index": 6, "images": ["$picture"], "pred": [], "width": "wide"}
END

start "predictions"
run vis predictions "$dir/pred.jsonl" --output "$dir/p"
exits 3
says "$dir/p: 2 of 9 rows; objects: 2 true, 3 found, 1 matched"
holds "2 pictures" test "$(n_pngs "$dir/p")" -eq 2
holds "the first row has its number" is_png "$dir/p/vis_00000.png"
holds "JSON" all_json "$dir/p/index.jsonl"
holds "JSON" all_json "$dir/p/gt_vs_pred.jsonl"
complains "pred.jsonl line 5"
complains "no answer (too large)"
complains "none.png"
complains "found no type or no points"
complains "found no picture, expected images or image_path"
complains "line 9"
complains "found list, expected a map"
complains "width: found string"
complains "found 128 x 128 px, expected width and height of the row, 128 x 64"
complains "rows: found 7 that cannot be drawn, expected none"
holds "counts" grep -qF '"n_true": 2, "n_matched": 1, "n_pred": 2' \
    "$dir/p/index.jsonl"
holds_text "the truth in px" "$dir/p/gt_vs_pred.jsonl" \
    "{\"image_path\": \"$picture\", \"width\": 128, \"height\": 64, " \
    '"gt": [{"type": "bbox_2d", "points": [12.8, 6.4, 64, 32], "desc": "c"}, ' \
    '{"type": "poly", "points": [76.8, 38.4, 115.2, 38.4, 115.2, 57.92], ' \
    "\"desc\": \"a\"}], \"gt_norm1000\": [{$square, \"desc\": \"c\"}"
holds "no truth where there is none" \
    sh -c "sed -n 2p '$dir/p/gt_vs_pred.jsonl' | grep -q 'image_path' &&
        ! sed -n 2p '$dir/p/gt_vs_pred.jsonl' | grep -q '\"gt'"
holds_text "what was read from the text" "$dir/p/gt_vs_pred.jsonl" \
    '"pred": [{"type": "bbox_2d", "points": [0, 0, 500, 250], "desc": "red"}], ' \
    '"clean_text": "{\"object_1\"'
# truth and prediction beside each other, and one panel alone
two=$(side "$dir/p/vis_00000.png" 16)
one=$(side "$dir/p/vis_00001.png" 16)
holds "panels: $two and $one px" test "$two" -gt $((one + 400))

start "gt_vs_pred.jsonl is read again"
run vis predictions "$dir/p/gt_vs_pred.jsonl" --output "$dir/q"
exits 0
says "2 of 2 rows; objects: 2 true, 3 found, 1 matched"
holds "it differs" cmp -s "$dir/p/gt_vs_pred.jsonl" "$dir/q/gt_vs_pred.jsonl"
# without the truth of 0 to 1000 it is made from that in px
sed 's/"gt_norm1000": \[.*\], "pred"/"pred"/' "$dir/p/gt_vs_pred.jsonl" \
    >"$dir/px.jsonl"
holds "nothing was cut" sh -c "! grep -q gt_norm1000 '$dir/px.jsonl'"
run vis predictions "$dir/px.jsonl" --output "$dir/r"
exits 0
holds "it differs" cmp -s "$dir/p/gt_vs_pred.jsonl" "$dir/r/gt_vs_pred.jsonl"

start "folders of pictures, samples"
for i in 0 1 2 3 4 5 6 7; do
    echo "{\"images\": [\"p.png\"], \"pred\": [{$square, \"desc\": \"类 $i\"}]}"
done >"$dir/o/eight.jsonl"
run vis predictions "$dir/o/eight.jsonl" --output "$dir/s"
exits 3
complains "p.png"
run vis predictions "$dir/o/eight.jsonl" --output "$dir/s" --image-root "$dir/o"
exits 0
says "8 of 8 rows"
complains "letters are missing"
holds "names in the index" grep -qF '"categories": [{"number": 3, "name": "类 2"}]' \
    "$dir/s/index.jsonl"
font=
[ "$HAS_FREETYPE" != ON ] || font="--font $dir/glyf.font"
# shellcheck disable=SC2086  # two words, or none
run vis predictions "$dir/o/eight.jsonl" --output "$dir/t" --image-root "$dir/o" \
    --n 3 $font
exits 0
says "3 of 8 rows"
holds "3 pictures" test "$(n_pngs "$dir/t")" -eq 3
# shellcheck disable=SC2086
run vis predictions "$dir/o/eight.jsonl" --output "$dir/u" --image-root "$dir/o" \
    --n 3 $font
holds "the same bytes" diff -r "$dir/t" "$dir/u"
(cd "$dir/o" && exec "$QVL" vis predictions eight.jsonl --output ../v) >"$dir/out" \
    2>"$dir/err"
status=$?
exits 0

start "predictions that cannot be drawn"
run vis predictions "$dir/none.jsonl" --output "$dir/x"
fails 3
: >"$dir/empty.jsonl"
run vis predictions "$dir/empty.jsonl" --output "$dir/x"
fails 3
complains "found no row"
run vis predictions "$dir/pred.jsonl"
fails 2
run vis predictions "$dir/pred.jsonl" --output "$dir/x" --n 0
fails 2
run vis predictions "$dir/pred.jsonl" --output "$dir/file"
fails 3
run vis predictions "$dir/pred.jsonl" --output "$dir/x" --all
fails 2

finish
