#!/bin/sh
# qvl data fuse: several sets of data as one file.
. "$(dirname "$0")/cli.sh"

# boxes N NAME FOLDER: record i names a picture of its own and has i mod 6 + 1 objects,
# the first of them a polygon of 5 points
boxes() {
    mkdir -p "$3"
    for i in $(seq 0 $(($1 - 1))); do
        objects='{"poly": [1, 1, 30, 2, 31, 40, 5, 38, 3, 20], "poly_points": 5, "desc": "o0"}'
        for k in $(seq 1 $((i % 6))); do
            objects="$objects, {\"bbox_2d\": [1, 2, 30, $((40 + k))], \"desc\": \"o$k\"}"
        done
        echo "{\"images\": [\"$2$i.png\"], \"width\": 64, \"height\": 64," \
            "\"odd key\": $i.50, \"summary\": \"一\", \"objects\": [$objects]}"
    done >"$3/$2.jsonl"
}

boxes 12 t "$dir/in/t"
boxes 40 s "$dir/in/s"
for i in 0 1 2 3 4; do
    echo "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"," \
        "\"image\": \"c$i.png\"}, {\"type\": \"text\", \"text\": \"hi\"}]}," \
        "{\"role\": \"assistant\", \"content\": \"ho\"}]}"
done >"$dir/in/c.jsonl"
cat >"$dir/in/fusion.yaml" <<END
targets:
  - {name: twice, dataset: bbu, train_jsonl: $dir/in/t/t.jsonl,
     template: target_dense_bbu, ratio: 2}
sources:
  - {dataset: lvis, train_jsonl: $dir/in/s/s.jsonl, template: source_dense,
     ratio: 0.5, max_objects_per_image: 3, poly_max_points: 4}
  - {dataset: chat, train_jsonl: $dir/in/c.jsonl, template: chatml, ratio: 0.1}
END
fusion=$dir/in/fusion.yaml
mkdir "$dir/out.d"
out=$dir/out.d/f.jsonl

# lines FILE TEXT: how many have it
lines() {
    grep -cF -e "$2" "$1"
}

# notes SOURCE TEMPLATE DOMAIN MODE: as metadata have them
notes() {
    printf '"_fusion_source": "%s", "_fusion_template": "%s", ' "$1" "$2"
    printf '"_fusion_domain": "%s", "_fusion_mode": "%s"' "$3" "$4"
}

start "quotas"
run data fuse --config "$fusion" --output "$out"
exits 0
says "$out: 38 records"
complains "epoch 0 of $fusion, seed 42: 38 records"
complains "twice  target  12        24        2"
complains "lvis   source  40        12        0.3"
complains "chat   source  5         2         0.4"
holds "lines" test "$(wc -l <"$out")" -eq 38
holds "of the target" test "$(lines "$out" '"_fusion_source": "twice"')" -eq 24
holds "of the source" test "$(lines "$out" '"_fusion_source": "lvis"')" -eq 12
holds "conversations" test "$(lines "$out" '"_fusion_source": "chat"')" -eq 2
for i in $(seq 0 11); do
    holds "target $i" test "$(lines "$out" "\"../in/t/t$i.png\"")" -eq 2
done
holds "pictures in turns" test "$(lines "$out" '"image": "../in/c')" -eq 2
notes="$(notes twice target_dense_bbu target dense)}"
holds "metadata of a target" test "$(lines "$out" "$notes")" -eq 24
notes="$(notes lvis source_dense source dense)}"
holds "metadata of a source" test "$(lines "$out" "$notes")" -eq 12
holds "unknown keys" test "$(lines "$out" '"odd key": 3.50')" -ge 2
while read -r line; do
    echo "$line" | "$IS_JSON" || failed "no JSON: $line"
done <"$out"

start "polygons and objects"
grep -F '"_fusion_source": "lvis"' "$out" >"$dir/lvis"
grep -F '"_fusion_source": "twice"' "$out" >"$dir/twice"
holds "a polygon is left" test "$(lines "$dir/lvis" '"poly"')" -eq 0
holds "points of a polygon are left" test "$(lines "$dir/lvis" 'poly_points')" -eq 0
polygon='"poly": [1, 1, 30, 2, 31, 40, 5, 38, 3, 20], "poly_points": 5'
holds "a polygon is gone" test "$(lines "$dir/twice" "$polygon")" -eq 24
holds "no bounds" test "$(lines "$dir/lvis" '{"bbox_2d": [1, 1, 31, 40], "desc": "o0"}')" -ge 1
# objects a line: as many as its record, 3 at most, in their order
while read -r line; do
    i=$(echo "$line" | sed 's/.*"odd key": \([0-9]*\)\.50.*/\1/')
    found=$(echo "$line" | grep -o '"desc": "o[0-9]' | sed 's/.*o//' | tr -d '\n')
    n=$((i % 6 + 1))
    holds "objects of $i" test "${#found}" -eq $((n < 3 ? n : 3))
    holds "order of $i: $found" test "$found" = \
        "$(echo "$found" | grep -o . | sort -u | tr -d '\n')"
done <"$dir/lvis"

start "the same again; seeds, epochs, order"
run data fuse --config "$fusion" --output "$dir/out.d/again.jsonl"
exits 0
holds "another call" cmp -s "$out" "$dir/out.d/again.jsonl"
run data fuse --config "$fusion" --output "$dir/out.d/seed.jsonl" --seed 43
holds "another seed" sh -c "! cmp -s '$out' '$dir/out.d/seed.jsonl'"
run data fuse --config "$fusion" --output "$dir/out.d/epoch.jsonl" --epoch 1
exits 0
complains "epoch 1 of"
holds "another epoch" sh -c "! cmp -s '$out' '$dir/out.d/epoch.jsonl'"
# 12 of 40 an epoch: epochs 0 to 2 have no record in common
run data fuse --config "$fusion" --output "$dir/out.d/epoch2.jsonl" --epoch 2
holds "other parts" test "$(cat "$out" "$dir/out.d/epoch.jsonl" \
    "$dir/out.d/epoch2.jsonl" | grep -o '/s[0-9]*\.png' | sort -u | wc -l)" -eq 36
run data fuse --config "$fusion" --output "$dir/out.d/plain.jsonl" --no-shuffle
exits 0
head -n 24 "$dir/out.d/plain.jsonl" >"$dir/head"
holds "targets come first" test "$(lines "$dir/head" '"twice"')" -eq 24
holds "in order of their file" sh -c "head -n 12 '$dir/head' |
    grep -o '/t[0-9]*' | tr -d '/t\n' | grep -qx 01234567891011"
# the two differ in the order alone, but for objects drawn by occurrence
grep -o '[a-z][0-9]*\.png' "$dir/out.d/plain.jsonl" | sort >"$dir/a"
grep -o '[a-z][0-9]*\.png' "$out" | sort >"$dir/b"
holds "other records" cmp -s "$dir/a" "$dir/b"

start "pictures from elsewhere"
run data fuse --config "$fusion" --output "$dir/in/t/beside.jsonl" --no-shuffle
exits 0
holds "in the folder itself" grep -qF '"images": ["t0.png"]' "$dir/in/t/beside.jsonl"
holds "beside it" grep -qF '"images": ["../s/s' "$dir/in/t/beside.jsonl"
real=$(cd "$dir" && pwd -P)
run data fuse --config "$fusion" --output -
exits 0
says "\"$real/in/t/t0.png\""
holds "standard output" test "$(wc -l <"$dir/out")" -eq 38
(cd "$dir/in" && ROOT_IMAGE_DIR=t exec "$QVL" data fuse --config fusion.yaml \
    --output ../out.d/root.jsonl >"$dir/out" 2>"$dir/err")
holds "ROOT_IMAGE_DIR" grep -qF "\"$real/in/t/s" "$dir/out.d/root.jsonl"
ln -s "$dir/in" "$dir/out.d/link"
run data fuse --config "$fusion" --output "$dir/out.d/link/x.jsonl"
holds "through a link" grep -qF '"images": ["t/t0.png"]' "$dir/in/x.jsonl"
sed "s|\"t\([0-9]\)|\"/abs/t\1|" "$dir/in/t/t.jsonl" >"$dir/in/t/abs.jsonl"
cat >"$dir/in/abs.json" <<END
{"targets": [{"dataset": "jsonl", "train_jsonl": "$dir/in/t/abs.jsonl",
  "template": "target_summary", "mode": "summary", "assert_answer": "一"}]}
END
run data fuse --config "$dir/in/abs.json" --output -
exits 0
says '"images": ["/abs/t11.png"]'
says "$(notes jsonl target_summary target summary)"

start "the new file is one of records"
for i in $(seq 0 11); do : >"$dir/in/t/t$i.png"; done
cat >"$dir/in/one.yaml" <<END
targets: [{dataset: bbu, train_jsonl: $dir/in/t/t.jsonl, template: target_dense}]
END
run data fuse --config "$dir/in/one.yaml" --output "$dir/out.d/one.jsonl"
exits 0
run data validate "$dir/out.d/one.jsonl"
exits 0
cat >"$dir/in/two.yaml" <<END
targets: [{dataset: bbu, train_jsonl: $dir/out.d/one.jsonl, template: target_dense}]
END
run data fuse --config "$dir/in/two.yaml" --output "$dir/out.d/two.jsonl"
fails 3
complains "one.jsonl:1: metadata: found _fusion_source, expected a record that is not of"

# one KEY... with an entry that has these keys beside dataset and train_jsonl
one() {
    echo "targets: [{dataset: bbu, train_jsonl: $1, $2}]" >"$dir/in/bad.yaml"
    run data fuse --config "$dir/in/bad.yaml" --output "$dir/out.d/bad.jsonl"
}

start "what is wrong"
one "$dir/in/t/t.jsonl" "template: target_dense, rato: 1"
fails 2
complains "bad.yaml:1: targets[0].rato: unknown key, the nearest is targets[0].ratio"
one "$dir/in/t/t.jsonl" "template: target_dense, ratio: -1, mode: summary"
fails 2
complains "targets[0].ratio: found -1"
complains "targets[0].mode: found summary, expected dense"
one "$dir/in/t/t.jsonl" "template: target_dense, ratio: 0.01"
fails 2
complains "found ratios by which an epoch has no records"
one "$dir/in/nothing.jsonl" "template: target_dense"
fails 3
complains "nothing.jsonl"
: >"$dir/in/empty.jsonl"
one "$dir/in/empty.jsonl" "template: target_dense"
fails 3
complains "found no record"
one "$dir/in/t/t.jsonl" "template: target_summary, assert_answer: 二"
fails 3
complains "t.jsonl:1: summary: found 一, expected 二, which assert_answer of bbu"
cp "$dir/in/t/t.jsonl" "$dir/in/t/bad.jsonl"
echo '{"images": ["a.png"], "width": 1, "height": 1, "summary": "x"}' >>"$dir/in/t/bad.jsonl"
one "$dir/in/t/bad.jsonl" "template: target_dense"
fails 3
complains "bad.jsonl:13:1: objects: found none"
complains "qvl data validate"
one "$dir/in/t/bad.jsonl" "template: target_summary"
exits 0
rm "$dir/out.d/bad.jsonl"
echo '{"images": ["http://localhost/y.png"], "width": 1, "height": 1, "summary": "x"}' \
    >"$dir/in/url.jsonl"
one "$dir/in/url.jsonl" "template: target_summary"
fails 3
complains "nothing is downloaded"
echo "targets: [{dataset: chat, train_jsonl: $dir/in/t/t.jsonl, template: chatml}]" \
    >"$dir/in/chat.yaml"
run data fuse --config "$dir/in/chat.yaml" --output "$dir/out.d/bad.jsonl"
fails 3
complains "t.jsonl:1: messages: found nothing, expected a conversation"
holds "a file was written" test ! -e "$dir/out.d/bad.jsonl"
echo "target: {dataset: bbu}" >"$dir/in/old.yaml"
run data fuse --config "$dir/in/old.yaml" --output "$out"
fails 2
complains "old.yaml:1: target: unknown key, expected targets, a list of entries"
holds "the old file is gone" cmp -s "$out" "$dir/out.d/again.jsonl"
printf 'targets: [\n' >"$dir/in/yaml.yaml"
run data fuse --config "$dir/in/yaml.yaml" --output "$out"
fails 2
run data fuse --config "$dir/in/none.yaml" --output "$out"
fails 3

start "wrong calls"
run data fuse --config "$fusion"
fails 2
complains "--output"
run data fuse --output "$out"
fails 2
complains "--config"
run data fuse --config "$fusion" --output "$out" x
fails 2
run data fuse --config "$fusion" --output "$out" --seed -1
fails 2
for target in "$fusion" "$dir/in/t/t.jsonl" "$dir/in/t/../c.jsonl"; do
    cp "$target" "$dir/copy"
    run data fuse --config "$fusion" --output "$target"
    fails 2
    complains "found a file that is read, expected another"
    holds "$target changed" cmp -s "$target" "$dir/copy"
done
run data fuse --config "$fusion" --output "$dir/no/where.jsonl"
fails 3
mkdir "$dir/folder.jsonl"
run data fuse --config "$fusion" --output "$dir/folder.jsonl"
fails 3
run data fuse --help
exits 0
says "--no-shuffle"

finish
