#!/bin/sh
# qvl inspect image: pictures as the model receives them.
. "$(dirname "$0")/cli.sh"

pictures=$FIXTURES/image/images
mkdir "$dir/model"
cat >"$dir/model/preprocessor_config.json" <<'END'
{"size": {"shortest_edge": 4096, "longest_edge": 262144}, "patch_size": 16,
 "temporal_patch_size": 2, "merge_size": 2, "image_mean": [0.5, 0.5, 0.5],
 "image_std": [0.5, 0.5, 0.5]}
END
out=$dir/out.safetensors


start "two pictures"
run inspect image --model "$dir/model" --output "$out" \
    "$pictures/noise_40x56.png" "$pictures/exif6_80x120.jpg"
exits 0
says "noise_40x56.png: 40 x 56 -> 64 x 96, grid 1 x 4 x 6, 6 tokens"
says "exif6_80x120.jpg: 120 x 80 -> 128 x 64, grid 1 x 8 x 4, 8 tokens"
holds "pixel_values" sh -c 'head -c 2000 "$1" | grep -aq "56,1536"' - "$out"
for name in pixel_values image_grid_thw resized.0 resized.1 pillow; do
    holds "$name is missing" sh -c \
        'head -c 2000 "$1" | grep -aqF "\"$2\""' - "$out" "$name"
done

start "bounds and profiles"
run inspect image --model "$dir/model" --output "$out" --min_pixels 65536 \
    --max_pixels=16777216 --profile torchvision "$pictures/noise_40x56.png"
exits 0
says "-> 224 x 320, grid 1 x 14 x 20, 70 tokens"
holds "the profile is not recorded" sh -c \
    'head -c 2000 "$1" | grep -aqF "\"torchvision\""' - "$out"
run inspect image --model "$dir/model" --output "$out" --profile utility \
    "$pictures/exif6_80x120.jpg"
exits 0
says "80 x 120 ->"

start "wrong use"
rm -f "$out"
run inspect image --model "$dir/model" "$pictures/noise_40x56.png"
fails 2
complains "--output"
run inspect image --output "$out" "$pictures/noise_40x56.png"
fails 2
complains "--model"
run inspect image --model "$dir/model" --output "$out"
fails 2
run inspect image --model "$dir/model" --output "$out" --profile nearest \
    "$pictures/noise_40x56.png"
fails 2
complains "torchvision"
run inspect image --model "$dir/model" --output "$out" --min-pixels 500000 \
    "$pictures/noise_40x56.png"
fails 2

start "wrong files"
run inspect image --model "$dir" --output "$out" "$pictures/noise_40x56.png"
fails 4
complains "preprocessor_config.json"
run inspect image --model "$dir/model" --output "$out" \
    "$pictures/noise_40x56.png" "$dir/nothing.png"
fails 3
complains "nothing.png"
run inspect image --model "$dir/model" --output "$out" "$0"
fails 3
complains "test_inspect_image.sh"
holds "a file is left behind" test ! -e "$out"

finish
