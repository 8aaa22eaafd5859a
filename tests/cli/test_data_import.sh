#!/bin/sh
# qvl data import: annotations of COCO and LVIS become records.
. "$(dirname "$0")/cli.sh"

mkdir -p "$dir/set/train"
cp "$FIXTURES/image/images/noise_40x56.png" "$dir/set/train/a.png"  # 56 wide
cp "$FIXTURES/image/images/gray_61x47.png" "$dir/set/train/b.png"
notes=$dir/set/notes.json
out=$dir/set/out.jsonl

images='"images": [
 {"id": 4, "width": 56, "height": 40, "file_name": "a.png"},
 {"id": 2, "width": 47, "height": 61, "file_name": "b.png"},
 {"id": 9, "width": 47, "height": 61, "file_name": "nobody needs this.png"}]'
categories='"categories": [{"id": 1, "name": " traffic  light "},
 {"id": 7, "name": "bow_(tie)"}]'
annotations='"annotations": [
 {"id": 1, "image_id": 2, "category_id": 7, "bbox": [1.5, 2, 20, 30.25],
  "iscrowd": 0, "segmentation": [[2, 2, 20, 3, 4, 30], [2, 2, 3, 2, 3, 3]]},
 {"id": 2, "image_id": 4, "category_id": 1, "bbox": [50, 30, 99, 99],
  "iscrowd": 0, "segmentation": [[50, 30, 60, 30, 60, 39, 50, 39]]},
 {"id": 3, "image_id": 4, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1,
  "segmentation": {"counts": [1, 2], "size": [40, 56]}},
 {"id": 4, "image_id": 4, "category_id": 7, "bbox": [0, 0, 9, 0.5],
  "iscrowd": 0, "segmentation": []},
 {"id": 5, "image_id": 4, "category_id": 7, "bbox": [5, 6, 7, 8], "iscrowd": 0,
  "segmentation": {"counts": "ab", "size": [40, 56]}}]'

coco() {
    printf '{"info": {}, %s, %s, %s}\n' "$images" "$annotations" "$categories"
}
coco >"$notes"

# imports ARGUMENT...: a call that should succeed; standard output is empty
imports() {
    run data import coco "$notes" --images "$dir/set/train" --output "$out" "$@"
    exits 0
    holds "standard output is not empty" test ! -s "$dir/out"
}

# holds_record N NAME W H OBJECT...: line N of the records; an object is written
# KIND: NUMBERS: DESC
holds_record() {
    sed -n "$1p" "$out" >"$dir/line"
    printf '{"images": ["train/%s"], "width": %s, "height": %s, "objects": [' \
        "$2" "$3" "$4" >"$dir/wanted"
    number=$1
    shift 4
    for object in "$@"; do
        echo "$object"
    done | sed 's/\(.*\): \(.*\): \(.*\)/{"\1": [\2], "desc": "\3"}, /' |
        tr -d '\n' | sed 's/, $/]}/' >>"$dir/wanted"
    echo >>"$dir/wanted"
    holds "line $number is $(cat "$dir/line")" cmp -s "$dir/line" "$dir/wanted"
}

start "boxes"
imports
holds "records" test "$(wc -l <"$out")" -eq 2
holds_record 1 a.png 56 40 \
    'bbox_2d: 50, 30, 56, 40: traffic light' \
    'bbox_2d: 5, 6, 12, 14: bow_(tie)'
holds_record 2 b.png 47 61 \
    'bbox_2d: 1.5, 2, 21.5, 32.25: bow_(tie)'
complains "out.jsonl: 2 records of 3 pictures; of 5 annotations 3 bbox_2d, 0 poly"
complains "       1  pictures left out: no object"
complains "       1  annotations left out: of crowds"
complains "       1  annotations left out: too small"
complains "       1  categories with other blanks"
holds "a count of 0 is told" sh -c "! grep -q ' 0  ' '$dir/err'"
run data validate "$out" --images
exits 0
says "2 records, 0 of them bad"

start "polygons"
imports --polygons
holds_record 1 a.png 56 40 \
    'poly: 50, 30, 56, 30, 56, 39, 50, 39: traffic light' \
    'bbox_2d: 5, 6, 12, 14: bow_(tie)'
holds_record 2 b.png 47 61 \
    'poly: 2, 2, 20, 3, 4, 30: bow_(tie)'
complains "1 bbox_2d, 2 poly"
complains "       1  boxes for masks (RLE)"
run data validate "$out"
exits 0
imports --polygons --poly-max-points 3
holds_record 1 a.png 56 40 \
    'bbox_2d: 50, 30, 56, 39: traffic light' \
    'bbox_2d: 5, 6, 12, 14: bow_(tie)'
complains "2 bbox_2d, 1 poly"
complains "       1  bounds for polygons of more points"

start "sizes"
imports --min-size 0.5
complains "4 bbox_2d"
imports --min_size=10
holds "records" test "$(wc -l <"$out")" -eq 1
complains "       2  pictures left out: no object"
complains "       3  annotations left out: too small"

start "the same for any number of threads, and on standard output"
imports --threads 1
cp "$out" "$dir/one.jsonl"
imports --threads 5
holds "another file" cmp -s "$out" "$dir/one.jsonl"
(cd "$dir/set" && exec "$QVL" data import coco notes.json --images train \
    --output - >"$dir/piped" 2>"$dir/err")
holds "another text" cmp -s "$dir/piped" "$dir/one.jsonl"
holds "no counts" grep -q '^-: 2 records' "$dir/err"

start "progress, and a folder of pictures that the environment names"
imports --progress json
complains '{"what": "import", "done": 3, "total": 3'
ROOT_IMAGE_DIR=$dir/set
export ROOT_IMAGE_DIR
imports --progress off
unset ROOT_IMAGE_DIR
complains "named relative to its own folder, not to ROOT_IMAGE_DIR"
holds "progress is told" sh -c "! grep -q 'import' '$dir/err'"

start "names seen from the folder of the records"
mkdir -p "$dir/set/records/deep"
run data import coco "$notes" --images "$dir/set/train" \
    --output "$dir/set/records/deep/o.jsonl"
exits 0
holds "the name" grep -qF '["../../train/a.png"]' "$dir/set/records/deep/o.jsonl"
run data validate "$dir/set/records/deep/o.jsonl" --images
exits 0
run data import coco "$notes" --images "$dir/set/train/." \
    --output "$dir/set/train/o.jsonl"
exits 0
holds "the name" grep -qF '["a.png"]' "$dir/set/train/o.jsonl"

start "LVIS"
mkdir -p "$dir/set/lv/val"
cp "$dir/set/train/a.png" "$dir/set/lv/val/a.png"
cp "$dir/set/train/b.png" "$dir/set/lv/b.png"
coco | sed 's|"file_name": "a.png"|"coco_url": "http://localhost/val/a.png"|
s|"file_name": "b.png"|"coco_url": "http://localhost/val/b.png"|' >"$dir/lvis.json"
run data import lvis "$dir/lvis.json" --images "$dir/set/lv" --output "$out"
exits 0
holds "two parts" grep -qF '["lv/val/a.png"]' "$out"
holds "one part" grep -qF '["lv/b.png"]' "$out"
run data import coco "$dir/lvis.json" --images "$dir/set/lv" --output "$dir/no"
fails 3
complains "lvis.json:2:2: images[0].file_name: found nothing"

start "wrong use"
rm -f "$dir/no"
for words in "" "$notes" "voc $notes" "coco" "coco $notes $notes"; do
    # shellcheck disable=SC2086  # several words
    run data import $words --images "$dir/set/train" --output "$dir/no"
    fails 2
done
complains "found 2 files, expected one"
for flags in "--min-size -1" "--min-size x" "--min-size .inf" \
    "--poly-max-points 5" "--polygons --poly-max-points 2" \
    "--polygons --poly-max-points x" "--progress often" "--crowd"; do
    # shellcheck disable=SC2086  # several words
    run data import coco "$notes" --images "$dir/set/train" --output "$dir/no" \
        $flags
    fails 2
done
run data import coco "$notes" --output "$dir/no"
fails 2
complains "--images"
run data import coco "$notes" --images "$dir/set/train"
fails 2
complains "--output"
run data import coco "$notes" --images "$dir/set/train" --output "$notes"
fails 2
complains "found the file that is read"
coco | cmp -s - "$notes" || failed "the annotations changed"

# bad TEXT WHAT: a call that fails for this file, and leaves nothing
bad() {
    printf '%s' "$1" >"$dir/bad.json"
    run data import coco "$dir/bad.json" --images "$dir/set/train" \
        --output "$dir/no" --polygons --progress off
    fails 3
    complains "bad.json"
    complains "$2"
    holds "more than one line" test "$(wc -l <"$dir/err")" -eq 1
    holds "a file is left" sh -c "! ls '$dir'/no* 2>/dev/null"
}

start "wrong files"
bad "" "bad.json:1:1: JSON: found the end of the text"
whole=$(coco)
for n in 10 100 300 600 900; do
    bad "$(printf '%s' "$whole" | head -c "$n")" "JSON: found the end of the text"
done
bad "[]" "expected a map"
bad "{$images, $categories}" "found no list annotations"
bad "{$images, $categories, \"annotations\": {}}" "annotations: found no list"
bad "{$images, $categories, \"annotations\": []}" "found no object to keep"
note() {
    bad "{$images, $categories, \"annotations\": [
$1]}" "bad.json:6:$2"
}
note '{"image_id": 5}' "1: annotations[0].image_id: found 5, expected the id"
note '{"id": 5}' "1: annotations[0].image_id: found nothing"
note '{"image_id": 4, "category_id": 3}' \
    "32: annotations[0].category_id: found 3, expected the id"
note '{"image_id": 4, "category_id": 1}' "1: annotations[0].bbox: found nothing"
note '{"image_id": 4, "category_id": 1, "bbox": [1, 2, 3, true]}' \
    "43: annotations[0].bbox: found another list"
note '{"image_id": 4, "category_id": 1, "bbox": [1, 2, 3, 4], "segmentation": 5}' \
    "73: annotations[0].segmentation: found integer"
bad "{$images, $categories, \"annotations\": [{\"image_id\": 9, \"category_id\": 1,
\"bbox\": [1, 2, 3, 4]}]}" \
    "bad.json:4:2: picture: found no file nobody needs this.png"

start "wrong folders"
run data import coco "$dir/none.json" --images "$dir/set/train" --output "$dir/no"
fails 3
complains "none.json"
run data import coco "$notes" --images "$dir/none" --output "$dir/no"
fails 3
complains "$dir/none"
run data import coco "$notes" --images "$dir/set/train" --output "$dir/none/o"
fails 3
complains "none/o"
run data import coco "$notes" --images "$dir/set/train" --output "$dir/set"
fails 3
complains "found a folder"
if [ -w /dev/full ]; then
    "$QVL" data import coco "$notes" --images "$dir/set/train" --output - \
        >/dev/full 2>"$dir/err"
    status=$?
    exits 3
    complains "standard output"
    run data import coco "$notes" --images "$dir/set/train" --output /dev/full
    fails 3
    complains "found a device"
fi

finish
