#!/bin/sh
# qvl infer with pictures by URL. SERVE is a program that serves one file and
# says where (tests/data/loopback.h); HAS_CURL is ON or OFF. How downloads end
# tests/data/test_fetch.c holds.
. "$(dirname "$0")/cli.sh"

cd "$dir" || exit 1
picture=$FIXTURES/image/images/rgba_70x50.png
export no_proxy='*'

infer() {
    run infer --model model --max-new-tokens 6 "$@"
}

start "a model"
run init --size demo --tokenizer "$FIXTURES/text/cut" --output model --seed 5
exits 0

"$SERVE" "$picture" >url &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
until [ -s url ]; do
    kill -0 "$server" || exit 1
    sleep 0.1
done
at=$(cat url)

if [ "$HAS_CURL" != ON ]; then
    echo "SKIP pictures by URL: this build has no libcurl"
    start "a build without libcurl"
    infer --image "$at/ok.png" --prompt what
    fails 2
    complains "QVL_CURL"
    finish
fi

start "one prompt"
infer --image "$picture" --prompt what --overlay from_file
exits 0
cp out from_path
infer --image "$at/ok/pic.png?size=2" --prompt what --overlay from_url
exits 0
holds "another text than for the file" cmp out from_path
holds "no picture of its name" test -s from_url/pic.png
holds "another picture" cmp from_url/pic.png from_file/rgba_70x50.png
infer --image "$at/hops/2"
exits 0

start "a file of records"
part="{\"type\": \"image_url\", \"image_url\": {\"url\": \"$at/ok\"}}"
cat >records.jsonl <<END
{"images": ["$picture"], "width": 50, "height": 70}
{"images": ["$at/ok.png"], "width": 50, "height": 70}
{"images": ["$at/missing.png"], "width": 50, "height": 70}
{"messages": [{"role": "user", "content": [$part, {"type": "text", "text": "what"}]}]}
{"images": ["$at/ok.png"], "width": 51, "height": 70}
END
infer --jsonl records.jsonl --output replies.jsonl --overlay pictures
exits 3
complains "2 of 5 records failed"
response() {
    sed -n "$1s/.*\"response\": \(\"[^\"]*\"\|null\).*/\1/p" replies.jsonl
}
holds "another reply than for the file" \
    test "$(response 1)" = "$(response 2)"
holds "no error for what is not there" test "$(response 3)" = null
grep -q '"error": ".*found status 404' replies.jsonl ||
    failed "no status in the error"
holds "a message is not answered" test -n "$(response 4)"
holds "another size is not noticed" test "$(response 5)" = null
# The URL, not what it gave, stands in the output.
holds "the output has no URL" \
    test "$(grep -c "\"images\": \[\"$at/ok.png\"\]" replies.jsonl)" = 2
holds "the output has a data: URL" test "$(grep -c 'base64' replies.jsonl)" = 0
holds "no picture" test -s pictures/ok.png

start "the replies as pictures"
run vis predictions replies.jsonl --output vis
exits 3
says "vis: 3 of 5 rows"
complains "found status 404"
complains "rows: found 2 that cannot be drawn"
for i in 0 1 3; do
    holds "no picture of row $i" test -s vis/vis_0000$i.png
done
holds "another name than in the output" \
    test "$(grep -c "{\"image_path\": \"$at/ok.png\", " vis/gt_vs_pred.jsonl)" = 1
holds "not three texts as they came" \
    test "$(grep -c '"raw_text": "' vis/gt_vs_pred.jsonl)" = 3

start "a signal among records that cannot be had"
for _ in 1 2 3 4; do
    echo "{\"images\": [\"$at/busy/999\"], \"width\": 9, \"height\": 9}"
done >busy.jsonl
called="qvl infer --jsonl busy.jsonl, and SIGTERM"
"$QVL" infer --model model --jsonl busy.jsonl --output stopped.jsonl \
    --max-batch-size 4 >out 2>err &
worker=$!
await_file stopped.jsonl.part
kill -TERM $worker
wait $worker
status=$?
fails 130
holds "records behind the signal were asked for" \
    sh -c "! grep -q 'record [123]: ' err"
rm stopped.jsonl.part

start "a conversation"
printf 'what <image>\n%s\nand now\n' "$at/ok" >in
"$QVL" infer --model model --max-new-tokens 6 <in >out 2>err
status=$?
called="a conversation"
exits 0
holds "found not two replies" test "$(grep -c '' out)" -ge 2
holds "an error" sh -c "! grep -q 'qvl: error' err"

start "what is not there, too large, or no picture of ours"
infer --image "$at/missing" --prompt what
fails 3
complains "picture ($at/missing): found status 404, expected 200"
infer --image "$at/ok" --prompt what --max-image-bytes 100
fails 3
complains "found more than 100 bytes"
infer --image "$at/ok" --prompt what --max-image-bytes 0
fails 2
complains "--max_image_bytes"
infer --image "file://$picture" --prompt what
fails 3
infer --image "ftp${at#http}/ok" --prompt what
fails 3
holds "files were left" test "$(ls | grep -c 'part\|tmp')" = 0

finish
