#!/bin/sh
# Compile the shaders listed in DIR/forms.txt to DIR/*.spv, those that changed.
# usage: spirv.sh GLSLANG SPIRV_OPT|- SHADERS DIR
set -eu
glslang=$1 opt=$2 shaders=$3 dir=$4
export glslang opt shaders dir

compile() {
    comp=$dir/$1.comp spv=$dir/$1.spv
    newest=$(ls -t "$comp" "$shaders"/dialect/* "$spv" 2>/dev/null | head -n 1)
    [ "$newest" != "$spv" ] || return 0
    "$glslang" --target-env vulkan1.2 -V --quiet -I"$shaders" -o "$spv.part" \
        "$comp" || { rm -f "$spv.part"; return 1; }
    [ "$opt" = - ] || "$opt" -O "$spv.part" -o "$spv.part"
    mv "$spv.part" "$spv"
}

if [ $# -eq 5 ]; then
    compile "$5"
    exit
fi
xargs -P 2 -n 1 "$0" "$1" "$2" "$3" "$4" <"$dir/forms.txt"
