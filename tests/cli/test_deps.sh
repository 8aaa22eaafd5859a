#!/bin/sh
# tools/deps.sh with an apt of our own: programs of the same names stand first in
# the path and write down how they were called.
. "$(dirname "$0")/cli.sh"

suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mkdir -p "$dir/bin"
export CALLS="$dir/calls"
export STATE="$dir/state"

# stub NAME: a program from standard input
stub() {
    { echo "#!/bin/sh"; cat; } >"$dir/bin/$1"
    chmod +x "$dir/bin/$1"
}

stub dpkg-query <<'END'
shift 3
for package in "$@"; do
    grep -qx "$package" "$STATE/lacking" || echo "$package installed"
done
grep -q . "$STATE/lacking" && exit 1 || exit 0
END
stub apt-get <<'END'
echo "apt-get $*" >>"$CALLS"
END
stub apt-cache <<'END'
[ -e "$STATE/can" ] || exit 0
for file in "$QVL_APT_DIR"/sources.list.d/*-backports.*; do
    [ ! -e "$file" ] || sed -n 's/.*\( [a-z]*-backports\).*/x | 1 |\1\/main/p' \
        "$file"
done
END
stub id <<'END'
cat "$STATE/user"
END

# machine: nothing lacking, root, backports to be had, no entry at all
machine() {
    rm -rf "$STATE" "$dir/apt" "$CALLS"
    mkdir -p "$STATE" "$dir/apt/sources.list.d"
    : >"$STATE/lacking"
    : >"$CALLS"
    : >"$STATE/can"
    echo 0 >"$STATE/user"
}

# deps OPTION...
deps() {
    called="deps.sh"
    PATH="$dir/bin:$PATH" QVL_APT_DIR="$dir/apt" "$TOOLS/deps.sh" "$@" \
        >"$dir/out" 2>"$dir/err"
    status=$?
    cat "$CALLS" >>"$dir/out"
}

start "nothing is lacking"
machine
deps
exits 0
holds "it says something" test ! -s "$dir/err"
holds "it calls something" test ! -s "$dir/out"

start "something is lacking, and no root"
machine
echo libcjson-dev >"$STATE/lacking"
echo 1000 >"$STATE/user"
deps
exits 1
complains "apt-get install -y libcjson-dev"
holds "apt was called" test ! -s "$CALLS"

start "what fuzzing needs is lacking"
machine
echo libclang-rt-dev >"$STATE/lacking"
deps
exits 0
holds "apt was called" test ! -s "$CALLS"
deps --fuzz
exits 0
says "--no-install-recommends libclang-rt-dev"
deps --fuss
exits 2
complains "found --fuss"

start "an entry in stanzas"
machine
echo libcjson-dev >"$STATE/lacking"
cat >"$dir/apt/sources.list.d/another.sources" <<END
Types: deb
URIs: mirror://another/debian
Suites: $suite
Components: stable
END
cat >"$dir/apt/sources.list.d/debian.sources" <<END
# comment
Enabled: no
Types: deb
URIs: mirror://off/debian
Suites: $suite
Components: main

Types: deb
URIs: mirror://security/debian
Suites: $suite-security
Components: main

Types: deb deb-src
URIs: mirror://here/debian
Suites: $suite $suite-updates
Components: main contrib
Signed-By: some-key.gpg
END
deps
exits 0
says "apt-get install -y -qq --no-install-recommends -t $suite-backports mesa"
says "--no-install-recommends libcjson-dev"
cat >"$dir/want" <<END
Types: deb
Suites: $suite-backports
URIs: mirror://here/debian
Components: main contrib
Signed-By: some-key.gpg
END
holds "the entry differs" diff "$dir/want" \
    "$dir/apt/sources.list.d/$suite-backports.sources"

start "a second call adds nothing"
cp -r "$dir/apt" "$dir/before"
deps
exits 0
says "-t $suite-backports"
holds "the entries changed" diff -r "$dir/before" "$dir/apt"

start "an entry in one line"
for options in "" "[signed-by=some-key.gpg] " "[ arch=amd64 trusted=yes ] "; do
    machine
    echo libcjson-dev >"$STATE/lacking"
    cat >"$dir/apt/sources.list" <<END
# deb mirror://off/debian $suite main
deb mirror://another/debian $suite stable
deb-src ${options}mirror://here/debian $suite main
deb ${options}mirror://security/debian $suite-security main
deb ${options}mirror://here/debian $suite contrib main
END
    deps
    exits 0
    says "-t $suite-backports mesa"
    echo "deb ${options}mirror://here/debian $suite-backports contrib main" \
        >"$dir/want"
    holds "the entry differs" diff "$dir/want" \
        "$dir/apt/sources.list.d/$suite-backports.list"
done

start "backports that cannot be had"
rm "$STATE/can" "$dir/apt/sources.list.d/$suite-backports.list"
deps
exits 0
complains "no backports"
says "--no-install-recommends libcjson-dev"
holds "the entry stayed" test -z "$(ls "$dir/apt/sources.list.d")"

start "no entry to copy"
machine
echo libcjson-dev >"$STATE/lacking"
deps
exits 0
complains "no backports"
says "--no-install-recommends libcjson-dev"

finish
