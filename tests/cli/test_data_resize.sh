#!/bin/sh
# qvl data resize: pictures at sizes of a model, and records that follow them.
. "$(dirname "$0")/cli.sh"

pictures=$FIXTURES/image/images
in=$dir/in
out=$dir/new
mkdir -p "$in/sub" "$out"
jpg=jpg  # what JPEG becomes
[ "$HAS_JPEG" = ON ] || jpg=png
cp "$pictures/ramp_100x150.png" "$in/sub/ramp.png"     # 150 wide
cp "$pictures/exif6_80x120.jpg" "$in/turned.jpg"       # 80 wide when upright
cp "$pictures/exif3_60x100.jpg" "$in/upside.jpg"       # 100 wide
{
    printf '{"images": ["sub/ramp.png"], "width": 150, "height": 100, "objects": '
    printf '[{"bbox_2d": [0, 0, 150, 100], "desc": "a"}, {"line": [[15, 10], '
    printf '[30, 50.0]], "line_points": 2, "desc": "b"}], "id":  7}\n\n'
    printf '{"images": ["turned.jpg"], "width": 80, "height": 120, "summary": '
    printf '"一×1", "metadata": {"width": 80}}\n'
    printf '{"images": ["sub/ramp.png", "./sub/ramp.png"], "summary": "two"}\n'
    printf '{"messages": [{"role": "user", "content": [{"type": "image", '
    printf '"image": "upside.jpg"}]}, {"role": "assistant", "content": "yes"}]}\n'
} >"$in/r.jsonl"

resizes() {
    run data resize "$@"
    exits 0
    holds "standard output is not empty" test ! -s "$dir/out"
}

# holds_line N TEXT: line N of the new records begins so
holds_line() {
    sed -n "$1p" "$out/r.jsonl" >"$dir/line"
    holds "line $1 is $(cat "$dir/line")" grep -qF -e "$2" "$dir/line"
}

start "records and pictures"
resizes "$in/r.jsonl" "$out/r.jsonl"
complains "r.jsonl: 4 records; 3 pictures: 0 as they were, 3 made anew"
complains ", $([ $jpg = jpg ] && echo 0 || echo 2) of these now PNG"
holds "records" test "$(wc -l <"$out/r.jsonl")" -eq 4
holds_line 1 '{"images": ["sub/ramp.png"], "width": 160, "height": 96, "objects": ['
holds_line 1 '[{"bbox_2d": [0, 0, 160, 96], "desc": "a"}, {"line": [[16, 9.6], [32, 48]]'
holds_line 1 ', "line_points": 2, "desc": "b"}], "id":  7}'
holds_line 2 "[\"turned.$jpg\"], \"width\": 64, \"height\": 128, \"summary\": \"一×1\""
holds_line 2 ', "metadata": {"width": 80}}'
holds_line 3 '{"images": ["sub/ramp.png", "sub/ramp.png"], "summary": "two"}'
holds_line 4 "\"image\": \"upside.$jpg\""
sed 3d "$out/r.jsonl" >"$out/sized.jsonl"  # the third has no size
run data validate "$out/sized.jsonl" --images
exits 0
says "3 records, 0 of them bad"
rm "$out/sized.jsonl"
holds "an orientation is left" sh -c "! grep -aq Exif '$out/turned.$jpg'"
if [ $jpg = jpg ]; then
    holds "no JPEG" sh -c "head -c 10 '$out/turned.jpg' | grep -aq JFIF"
else
    holds "no PNG" sh -c "head -c 4 '$out/turned.png' | grep -aq PNG"
fi

start "the same for any number of threads"
for threads in 1 7; do
    mkdir -p "$dir/t$threads"
    resizes "$in/r.jsonl" "$dir/t$threads/r.jsonl" --threads $threads
    holds "another result" diff -r "$out" "$dir/t$threads"
done

start "a second time"
mkdir "$dir/again"
resizes "$out/r.jsonl" "$dir/again/r.jsonl"
complains "3 pictures: 3 as they were, 0 made anew"
holds "something changed" diff -r "$out" "$dir/again"

start "bounds"
mkdir "$dir/small"
resizes "$in/r.jsonl" "$dir/small/r.jsonl" --max-pixels 4096 --min_pixels=1024
holds "width" grep -q '"width": 64, "height": 32' "$dir/small/r.jsonl"
mkdir "$dir/fine"
resizes "$in/r.jsonl" "$dir/fine/r.jsonl" --factor 4 --quality 20
holds "width" grep -q '"width": 152, "height": 100' "$dir/fine/r.jsonl"
mkdir "$dir/one"
resizes "$in/r.jsonl" "$dir/one/r.jsonl" --factor 1
complains "3 pictures: 1 as they were"
holds "copied" cmp -s "$in/sub/ramp.png" "$dir/one/sub/ramp.png"
holds "the line" sh -c "head -n 1 '$in/r.jsonl' >'$dir/line' &&
    head -n 1 '$dir/one/r.jsonl' | cmp -s - '$dir/line'"
holds "turned" grep -qF "\"turned.$jpg\"], \"width\": 80, \"height\": 120" \
    "$dir/one/r.jsonl"

start "progress, and a folder of pictures that the environment names"
mkdir "$dir/p"
resizes "$in/r.jsonl" "$dir/p/r.jsonl" --progress json
complains '"what": "resize"'
resizes "$in/r.jsonl" "$dir/p/r.jsonl" --progress off
holds "progress is told" test "$(wc -l <"$dir/err")" -eq 1
mkdir "$dir/away"
cp "$in/r.jsonl" "$dir/away/r.jsonl"
ROOT_IMAGE_DIR=$in
export ROOT_IMAGE_DIR
resizes "$dir/away/r.jsonl" "$dir/p/r.jsonl"
unset ROOT_IMAGE_DIR
complains "named relative to its own folder, not to ROOT_IMAGE_DIR"
holds "another result" diff -r "$out" "$dir/p"

start "wrong use"
mkdir "$dir/no"
run data resize
fails 2
run data resize "$in/r.jsonl"
fails 2
complains "found 1 files, expected two"
run data resize "$in/r.jsonl" "$dir/no/r.jsonl" x
fails 2
while IFS='|' read -r flags text; do
    # shellcheck disable=SC2086  # several words
    run data resize "$in/r.jsonl" "$dir/no/r.jsonl" $flags
    fails 2
    complains "$text"
done <<'END'
--factor 0|flag --factor: found 0
--factor 4097|flag --factor: found 4097
--factor x|flag --factor: found x
--max-pixels 1023|flag --min-pixels: found 4096
--max-pixels 1023 --min-pixels 1|flag --max-pixels: found 1023
--min-pixels 0|flag --min-pixels: found 0
--quality 0|flag --quality: found 0
--quality 101|flag --quality: found 101
--progress often|flag --progress: found often
--height 5|found --height
END
holds "something was written" test -z "$(ls "$dir/no")"

# unwritten CODE TEXT: a call for $dir/in/bad.jsonl fails, and there are no records
unwritten() {
    run data resize "$in/bad.jsonl" "$dir/no/r.jsonl" --progress off
    fails "$1"
    complains "$2"
    holds "records were written" sh -c "! ls '$dir'/no/r.jsonl* 2>/dev/null"
}

start "what is read is not written over"
cp -r "$in" "$dir/before"
run data resize "$in/r.jsonl" "$in/r.jsonl"
fails 2
complains "found the file that is read"
run data resize "$in/r.jsonl" "$in/other.jsonl"
fails 2
complains "found a file that is read"
ln -s "$in/sub" "$dir/no/sub"
cp "$in/r.jsonl" "$in/bad.jsonl"
unwritten 2 "no/sub/ramp.png): found a file that is read"
rm "$in/bad.jsonl" "$dir/no/sub"
holds "something changed" diff -r "$in" "$dir/before"

start "wrong records and pictures"
bad() {
    printf '%s\n' "$1" >"$in/bad.jsonl"
    unwritten 3 "$2"
}
good='{"images": ["turned.jpg"], "width": 80, "height": 120, "summary": "a"}'
bad "" "found no record"
bad "$good
{\"images\": [" "bad.jsonl:2:13:"
bad "$good
{\"images\": [\"nothing.png\"], \"summary\": \"a\"}" "bad.jsonl:2:13: picture: found no file"
bad '{"width": 1}' "bad.jsonl:1:1: height: found nothing"
bad '{"images": ["turned.jpg"], "width": 120, "height": 80, "summary": "a"}' \
    "found 80 x 120 px, expected width and height of the record, 120 x 80"
bad '{"images": ["r.jsonl"], "summary": "a"}' "expected a JPEG, PNG or BMP"
head -c 2000 "$in/turned.jpg" >"$in/cut.jpg"
bad '{"images": ["cut.jpg"], "summary": "a"}' "cut.jpg"
cp "$in/turned.jpg" "$dir/turned.jpg"
bad "$good
{\"images\": [\"../turned.jpg\"], \"summary\": \"a\"}" \
    "no/turned.$jpg): found two pictures for it"

start "wrong folders"
run data resize "$in/none.jsonl" "$dir/no/r.jsonl"
fails 3
complains "none.jsonl"
run data resize "$in/r.jsonl" "$dir/none/r.jsonl"
fails 3
complains "none/r.jsonl"
mkdir -p "$dir/no/turned.$jpg"
run data resize "$in/r.jsonl" "$dir/no/r.jsonl" --progress off
fails 3
complains "found a folder"
holds "records were written" test ! -e "$dir/no/r.jsonl"

finish
