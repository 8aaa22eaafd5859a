#!/bin/sh
# deps.sh - install what build and tests need, by apt (Debian 12)
#
#   tools/deps.sh [--fuzz]   with what tests/fuzz/run.sh needs beside it
#
# Says and does nothing when all packages are there. Without root it prints the
# command to run and exits 1.
#
# Mesa of the backports runs Vulkan on a processor some five times faster than
# that of the release. The entry for it is a copy of the machine's own Debian
# entry with the suite's name changed; when it cannot be had, Mesa of the release
# does.
#
# QVL_APT_DIR stands for the folder with sources.list, for the test of this file.
# shellcheck disable=SC2086  # names of packages are words of a list
set -eu

packages="cmake ninja-build gcc libc6-dev pkg-config
libvulkan-dev glslang-tools glslang-dev spirv-tools libstdc++-12-dev vulkan-validationlayers
mesa-vulkan-drivers ocl-icd-opencl-dev opencl-headers pocl-opencl-icd
libdnnl-dev libcjson-dev libyaml-dev libstb-dev libjpeg62-turbo-dev
libpcre2-dev libutf8proc-dev libcmocka-dev zlib1g-dev
libcurl4-openssl-dev libfreetype-dev"
fuzz_packages="clang llvm libclang-rt-dev libomp-dev"
backport=mesa-vulkan-drivers
apt=${QVL_APT_DIR:-/etc/apt}
case ${1:-} in
"") ;;
--fuzz) packages="$packages $fuzz_packages" ;;
*)
    echo "deps: found $1, expected nothing or --fuzz" >&2
    exit 2
    ;;
esac

# Version codename of this Debian, "bookworm".
codename() {
    sed -n 's/^VERSION_CODENAME=//p' /etc/os-release
}

# Names of the packages that are not installed.
missing() {
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' $packages 2>/dev/null |
        awk -v want="$packages" '
            $2 == "installed" { have[$1] = 1 }
            END {
                n = split(want, name)
                for (i = 1; i <= n; i++)
                    if (!(name[i] in have))
                        print name[i]
            }'
}

# ---- the entry of backports ----

# First stanza of a .sources file that offers `main` of the suite, for the
# backports of that suite.
entry_of_sources() {
    awk -v suite="$2" '
        function has(list, word,    part, n, i) {
            n = split(list, part)
            for (i = 1; i <= n; i++)
                if (part[i] == word)
                    return 1
            return 0
        }
        function finish() {
            if (n > 0 && !off && has(types, "deb") && has(suites, suite) \
                && has(components, "main")) {
                for (i = 1; i <= n; i++)
                    print line[i]
                found = 1
                exit
            }
            n = off = 0
            key = types = suites = components = ""
        }
        /^#/ { next }
        /^[ \t]*$/ { finish(); next }
        {
            value = $0
            if ($0 !~ /^[ \t]/) {
                key = tolower($1)
                sub(/^[^:]*:/, "", value)
                sub(/:.*/, ":", key)
            }
            if (key == "types:") {
                types = types " " value
                next
            }
            if (key == "suites:") {
                suites = suites " " value
                next
            }
            if (key == "components:")
                components = components " " value
            if (key == "enabled:" && value ~ /no/)
                off = 1
            if (n == 0) {
                line[++n] = "Types: deb"
                line[++n] = "Suites: " suite "-backports"
            }
            line[++n] = $0
        }
        END { if (!found) finish() }' "$1"
}

# The same of a .list file, which has one entry a line.
entry_of_list() {
    awk -v suite="$2" '
        $1 == "deb" {
            at = 3
            if ($2 ~ /^\[/)
                for (at = 2; $at !~ /\]$/ && at < NF; at++)
                    ;
            if ($2 ~ /^\[/)
                at += 2
            if ($at != suite || index($0 " ", " main ") == 0)
                next
            $at = suite "-backports"
            print
            exit
        }' "$1"
}

# print_entry DIR SUITE: the entry, first its kind on a line of its own.
print_entry() {
    for file in "$1/sources.list" "$1/sources.list.d/debian.sources" \
        "$1"/sources.list.d/*.sources "$1"/sources.list.d/*.list; do
        [ -r "$file" ] || continue
        case $file in
        *.sources) kind=sources ;;
        *) kind=list ;;
        esac
        text=$(entry_of_$kind "$file" "$2")
        [ -n "$text" ] || continue
        printf '%s\n%s\n' "$kind" "$text"
        return 0
    done
    return 1
}

# ---- installing ----

knows_backport() {
    apt-cache madison "$backport" | grep -q -- "$1-backports"
}

# Make the backports known; takes the entry back when they cannot be had.
add_backports() {
    suite=$(codename)
    knows_backport "$suite" && return 0
    entry=$(print_entry "$apt" "$suite") || return 1
    kind=$(printf '%s\n' "$entry" | head -n 1)
    file=$apt/sources.list.d/$suite-backports.$kind
    [ ! -e "$file" ] || return 1
    printf '%s\n' "$entry" | tail -n +2 >"$file"
    apt-get update -qq -o Dir::Etc::sourcelist="$file" \
        -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 \
        >/dev/null 2>&1 || true
    knows_backport "$suite" && return 0
    rm -f "$file"
    return 1
}

# Install the packages named, Mesa from the backports where they have it.
install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    if add_backports; then
        apt-get install -y -qq --no-install-recommends \
            -t "$(codename)-backports" "$backport"
    else
        echo "deps: no backports here; Vulkan on the processor will be slow" >&2
    fi
    apt-get install -y -qq --no-install-recommends "$@"
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "deps: no apt here; the packages are called in Debian 12:" \
        $packages >&2
    exit 0
fi
lacking=$(missing)
[ -n "$lacking" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "deps: some packages are missing; run as root: apt-get install -y" \
        $lacking >&2
    exit 1
fi
echo "deps: installing" $lacking >&2
install_packages $lacking
