#!/bin/sh
# Write the dumps of tiny.yaml anew, from the root of the tree:
#   tests/gen/update.sh build/gen
# and read the difference before it goes in.
set -eu
gen=$1
for pass in lower grad simplify fuse size; do
    "$gen" --dump $pass --phase train --shaders shaders \
        --arch tests/gen/tiny.yaml >tests/gen/tiny.$pass.txt
done
for phase in infer decode; do
    "$gen" --dump size --phase $phase --shaders shaders \
        --arch tests/gen/tiny.yaml >tests/gen/tiny.$phase.txt
done
