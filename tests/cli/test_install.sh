#!/bin/sh
# cmake --install: what it puts where, and that a program of somebody else is built
# and runs with it, by pkg-config, with either library. BUILD is the folder of the
# build, CMAKE and CC are programs.
. "$(dirname "$0")/cli.sh"

start "files"
called="cmake --install"
"$CMAKE" --install "$BUILD" --prefix "$dir/own" >"$dir/out" 2>"$dir/err" ||
    failed "it fails"
pc=$(find "$dir/own" -name qvl.pc)
lib=$(dirname "$(dirname "$pc")")
for file in "$dir/own/bin/qvl" "$dir/own/include/qvl.h" \
    "$dir/own/include/qvl_train.h" "$lib/libqvl.a" "$lib/libqvl.so"; do
    holds "no $file" test -s "$file"
done
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
cat >"$dir/user.c" <<'END'
#include <qvl.h>
#include <qvl_train.h>
#include <stdio.h>

int main(void)
{
    qvl *model;
    qvl_error error;
    qvl_train_options options;
    qvl_train_defaults(&options);
    int rc = qvl_open(&model, "/none", &(qvl_options){ .device = "cpu" }, &error);
    printf("%s, %s\n", qvl_version(), error.message);
    return rc != 0 && error.exit_code == 4 ? 0 : 1;
}
END

# user FLAGS...: build the program with them and run it
user() {
    called="cc user.c $*"
    "$CC" "$dir/user.c" "$@" -o "$dir/user" >"$dir/out" 2>"$dir/err" ||
        failed "it cannot be built"
    LD_LIBRARY_PATH=$lib "$dir/user" >"$dir/out" 2>"$dir/err" ||
        failed "it cannot be run"
    says /none
}

start "a program with the shared library"
# shellcheck disable=SC2046  # words of a list
user $(pkg-config --cflags --libs qvl)
holds "the library is not shared" sh -c 'ldd "$1" | grep -q libqvl' x "$dir/user"

start "a program with the archive"
rm "$lib/"libqvl.so*
# shellcheck disable=SC2046
user $(pkg-config --cflags --static --libs qvl)
holds "the library is shared" sh -c '! ldd "$1" | grep -q libqvl' x "$dir/user"

finish
