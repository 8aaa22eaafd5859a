#!/bin/sh
# tools/lint over a small tree with one fault at a time.
. "$(dirname "$0")/cli.sh"

# raw PATH: a file of the tree from standard input
raw() {
    mkdir -p "$dir/tree/$(dirname "$1")"
    cat >"$dir/tree/$1"
}

# put PATH: the same, with a head where there has to be one: then line 1 of the input
# is line 2
put() {
    case $1 in
    *.[chk]) { echo "/* ${1##*/} - what it is */" && cat; } | raw "$1" ;;
    *) raw "$1" ;;
    esac
}

# A tree without a fault, which holds one of each right thing.
tree() {
    rm -rf "$dir/tree"
    put src/base/err.h <<'END'
#include <stddef.h>
END
    put src/base/json.c <<'END'
#include <cjson/cJSON.h>
#include "base/err.h"
END
    put src/backend/kernel.h <<'END'
#include "base/err.h"
END
    put src/graph/plan.h <<'END'
#include "backend/kernel.h"
END
    put src/model/model.c <<'END'
#include "graph/plan.h"
END
    put gen/pass/pass.h <<'END'
#include "backend/kernel.h"
END
    put include/qvl.h <<'END'
#include <stdint.h>
END
}

lint() {
    called="lint"
    "$TOOLS/lint" "$dir/tree" >"$dir/out" 2>"$dir/err"
    status=$?
}

# finds PLACE TEXT: exactly one finding, this one
finds() {
    lint
    exits 1
    says "$1: $2"
    says "lint: findings: 1, files: "
}

start "no fault"
tree
lint
exits 0
holds "it says something" test ! -s "$dir/out"

start "lower may not include higher"
for pair in "src/base/low.c graph/plan.h" "src/backend/low.c graph/plan.h" \
    "src/graph/low.c model/up.h" "gen/pass/low.c graph/plan.h" \
    "src/backend/cl/low.c backend/vk/up.h"; do
    from=${pair% *}
    to=${pair#* }
    tree
    put "src/model/up.h" </dev/null
    put "src/backend/vk/up.h" </dev/null
    echo "#include \"$to\"" | put "$from"
    finds "$from:2" "$(dirname "$from") may not include src/$to"
done

start "header that the build makes"
tree
echo '#include "calls.h"' | put src/model/a.c
lint
exits 0
echo '#include "calls.h"' | put src/backend/a.c
finds src/backend/a.c:2 "src/backend may not include src/graph/calls.h"
echo '#include "signatures.h"' | put src/backend/a.c
lint
exits 0
echo '#include "signatures.h"' | put src/tensor/a.c
finds src/tensor/a.c:2 "src/tensor may not include src/backend/signatures.h"

start "folder that is not in the table"
tree
echo '#include "base/err.h"' | put src/newcomer/a.c
finds src/newcomer/a.c:2 "this folder has no row"

start "header that is not there"
tree
echo '#include "base/gone.h"' | put src/model/a.c
finds src/model/a.c:2 'include of "base/gone.h"'

start "library at home in another place"
for line in "src/model/a.c cjson/cJSON.h" "src/graph/a.c utf8proc.h" \
    "src/backend/vk/a.c CL/cl.h" "gen/pass/a.c yaml.h" \
    "src/backend/a.c dnnl.h" "src/base/a.c omp.h" "src/data/a.c curl/curl.h"; do
    tree
    echo "#include <${line#* }>" | put "${line% *}"
    finds "${line% *}:2" "<${line#* }> belongs to"
done
tree
echo "#include <archive.h>" | put src/base/a.c
finds src/base/a.c:2 "<archive.h> is no library"

start "words of a model"
for place in gen/pass/a.c src/backend/a.c src/graph/a.c shaders/a.k; do
    tree
    echo "/* as Q""wen has it */" | put $place
    finds $place:2 "a word of a model"
done
tree
echo "/* as Q""wen has it */" | put src/model/a.c
lint
exits 0

start "a back end by name"
tree
echo "/* Vulkan does */" | put src/graph/a.c
finds src/graph/a.c:2 "a back end by name"
tree
echo "int n = vk_count();" | put src/model/a.c
finds src/model/a.c:2 "a back end by name"
tree
echo "/* Vulkan does */" | put src/backend/a.c
lint
exits 0

start "names in two headers"
tree
printf 'typedef struct {\n    int n;\n} qvl_thing;\n' | put src/base/a.h
printf 'typedef enum {\n    A\n} qvl_thing;\n' | put src/model/b.h
finds src/model/b.h:4 "the type qvl_thing stands in src/base/a.h already"
tree
printf '#define QVL_N 3\n' | put include/a.h
printf '\n#define QVL_N 3\n' | put src/model/b.h
finds src/model/b.h:3 "the macro QVL_N stands in include/a.h already"
tree
printf '#define QVL_N 3\n#undef QVL_N\n' | put include/a.h
printf '#define QVL_N 3\n' | put src/model/b.h
lint
exits 0

start "heads"
tree
echo 'int n;' | raw src/base/a.c
finds src/base/a.c:1 "no head \"a.c - \""
tree
echo '/* b.h - of another one */' | raw src/base/a.h
finds src/base/a.h:1 "no head \"a.h - \""

start "lengths and tabs"
tree
printf '/* %0100d */\n' 0 | put src/base/a.c
finds src/base/a.c:2 "a line of 106 columns"
tree
printf '\tint n;\n' | put src/base/a.c
finds src/base/a.c:2 "a tab"
tree
yes "/* */" | head -n 800 | put src/base/a.c
finds src/base/a.c:801 "a file of 801 lines"

start "what nobody should find"
for text in "/* TO""DO: more */" "/* FIX""ME */" "/* XX""X */" "/* HA""CK */"; do
    tree
    echo "$text" | put src/base/a.c
    finds src/base/a.c:2 "a placeholder"
done
for text in '"/ho""me/me/x"' '"/us""r/share/x"' ' /ro""ot/x'; do
    tree
    echo "$text" | sed 's/""//' | put tests/a.sh
    finds tests/a.sh:1 "a path of one machine"
done
tree
printf '#!/u''sr/bin/env bash\n"/tmp/x" "$dir/etc/x" a/usr/b\n' | put tests/a.sh
lint
exits 0

finish
