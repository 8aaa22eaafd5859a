# cli.sh - what the tests of the command line share; sourced, not run
#
#   start NAME          a case begins; it ends where the next one does
#   run ARGUMENT...     call qvl; keeps status, standard output, errors
#   exits N             the last call ended with this status
#   says TEXT           its standard output holds the text
#   complains TEXT      its errors hold the text
#   holds WHAT COMMAND...   the command succeeds; WHAT is printed if not
#   await_file FILE     wait until it is there, 30 s at most
#   finish              end of the file, with the status of the test
#
# Cases are reported in the form of cmocka, so that all tests are counted alike.
# The build gives QVL (the program), FIXTURES, TOOLS (folders) and, where a test
# needs them, more. $dir is a folder of the test's own.
# shellcheck shell=sh

set -u
dir=$(mktemp -d "${TMPDIR:-/tmp}/qvl-cli-XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

# Which device `auto` takes depends on the machine, so the tests say one.
export QVL_DEVICE=cpu
# Nor do they depend on what this user has tuned.
export QVL_TUNE=off

case_name=
case_failed=no
n_failed=0
called=
status=0
: >"$dir/out"
: >"$dir/err"

end_case() {
    [ -n "$case_name" ] || return 0
    if [ "$case_failed" = no ]; then
        echo "[       OK ] $case_name"
    else
        echo "[  FAILED  ] $case_name"
        n_failed=$((n_failed + 1))
    fi
}

start() {
    end_case
    case_name=$1
    case_failed=no
    called="nothing yet"
    echo "[ RUN      ] $1"
}

failed() {
    case_failed=yes
    echo "  $1"
    echo "  called: $called (status $status)"
    for stream in out err; do
        head -c 1000 "$dir/$stream" | tr -cd '\n -~' |
            sed -n "1,12s/^/  $stream: /p"
    done
}

run() {
    called="qvl $*"
    "$QVL" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    status=$?
}

exits() {
    [ "$status" -eq "$1" ] || failed "found status $status, wanted $1"
}

says() {
    grep -qF -e "$1" "$dir/out" || failed "output lacks |$1|"
}

complains() {
    grep -qF -e "$1" "$dir/err" || failed "errors lack |$1|"
}

holds() {
    what=$1
    shift
    "$@" || failed "$what"
}

await_file() {
    for _ in $(seq 300); do
        [ ! -e "$1" ] || return 0
        sleep 0.1
    done
    failed "no file $1 in 30 s"
}

# A failed call says so in one line of the form every error has, and puts
# nothing on standard output.
fails() {
    exits "$1"
    holds "first line is no error of qvl" \
        grep -q '^qvl: error: ' "$dir/err"
    holds "standard output is not empty" test ! -s "$dir/out"
}

finish() {
    end_case
    [ "$n_failed" -eq 0 ]
    exit
}
