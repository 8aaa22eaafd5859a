#!/bin/sh
# Compile the shaders listed in DIR/forms.txt to DIR/*.spv, those that changed.
# usage: spirv.sh GLSLANG SPIRV_OPT|- SHADERS DIR
# GLSLANG is the program made of gen/glslang.c, or glslangValidator.
set -eu
glslang=$1 opt=$2 shaders=$3 dir=$4
shift 4

# Has the shader, or what it includes, changed since it was compiled?
is_old() {
    newest=$(ls -t "$dir/$1.comp" "$shaders"/dialect/* "$dir/$1.spv" \
        2>/dev/null | head -n 1)
    [ "$newest" != "$dir/$1.spv" ]
}

compile() {
    case $glslang in
    *glslangValidator)
        for form; do
            "$glslang" --target-env vulkan1.2 -V --quiet -I"$shaders" \
                -o "$dir/$form.spv.part" "$dir/$form.comp" || return
        done ;;
    *) "$glslang" "$shaders" "$dir" "$@" ;;
    esac
}

if [ $# -gt 0 ]; then
    for form; do
        shift
        if is_old "$form"; then
            set -- "$@" "$form"
        fi
    done
    [ $# -gt 0 ] || exit 0
    compile "$@"
    for form; do
        part=$dir/$form.spv.part
        [ "$opt" = - ] || "$opt" -O "$part" -o "$part"
        mv "$part" "$dir/$form.spv"
    done
    exit
fi
xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 48 "$0" "$glslang" "$opt" \
    "$shaders" "$dir" <"$dir/forms.txt"
