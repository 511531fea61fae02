#!/usr/bin/env bash
# Runs promtool: the installed one, or that of Debian's package prometheus, which is unpacked into .cache/promtool and not installed:
# nothing is started by it.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
program=$checkout/.cache/promtool/promtool

if command -v promtool >/dev/null; then exec promtool "$@"; fi
if [[ ! -x $program ]]; then
    mkdir -p "$checkout/.cache/promtool"
    echo '*' >"$checkout/.cache/.gitignore"
    exec 9>"$checkout/.cache/promtool.lock"
    flock 9
    if [[ ! -x $program ]]; then
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        echo "promtool: fetching Debian's package prometheus" >&2
        # apt checks what it downloads against the archive's signature.
        download() { (cd "$work" && apt-get download -qq prometheus >/dev/null 2>&1); }
        as_root=()
        [[ $(id -u) -eq 0 ]] || as_root=(sudo)
        download || { "${as_root[@]}" apt-get update -qq && download; } ||
            { echo "promtool: Debian's package prometheus cannot be had" >&2; exit 1; }
        dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -xf - -C "$work" ./usr/bin/promtool
        install -m 0755 "$work/usr/bin/promtool" "$program.new"
        mv "$program.new" "$program"
        rm -rf "$work"
        trap - EXIT
    fi
    exec 9>&-
fi
exec "$program" "$@"
