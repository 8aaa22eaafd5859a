#!/bin/sh
# What the library offers to a linker. LIBRARY is the archive.
. "$(dirname "$0")/cli.sh"

start "every name begins with qvl_"
nm -g --defined-only "$LIBRARY" 2>/dev/null |
    awk 'NF == 3 && $3 !~ /^qvl_/ { print $3 }' | sort -u >"$dir/out"
called="nm -g $LIBRARY"
holds "names without it" test ! -s "$dir/out"

start "the public functions are there"
nm -g --defined-only "$LIBRARY" 2>/dev/null | awk 'NF == 3 { print $3 }' |
    sort -u >"$dir/out"
for name in qvl_open qvl_close qvl_forward qvl_read qvl_version; do
    holds "$name is not" grep -qx "$name" "$dir/out"
done

finish
