#!/usr/bin/env bash
# Runs Python with the packages of scripts/python-requirements.txt, which are installed once into .cache/python:
#   scripts/python.sh scripts/check-schemas.py …
#   scripts/python.sh -m yamllint …
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
requirements=$checkout/scripts/python-requirements.txt
venv=$checkout/.cache/python

if ! cmp -s "$requirements" "$venv/installed.txt"; then
    mkdir -p "$checkout/.cache"
    echo '*' >"$checkout/.cache/.gitignore"
    exec 9>"$checkout/.cache/python.lock"
    flock 9
    if ! cmp -s "$requirements" "$venv/installed.txt"; then
        echo "python: installing the packages of scripts/python-requirements.txt" >&2
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2
        cp "$requirements" "$venv/installed.txt"
    fi
    exec 9>&-
fi
exec "$venv/bin/python" "$@"
