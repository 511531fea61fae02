#!/usr/bin/env bash
# Checks Dockerfile and docker-compose.yml without building or starting anything: hadolint, and Compose's own reading of its file.
set -euo pipefail
cd "$(dirname "$0")/.."
hadolint() { "$(dirname "$(scripts/python.sh -c 'import sys; print(sys.executable)')")/hadolint" "$@"; }

mapfile -t dockerfiles < <(git ls-files --cached --others --exclude-standard '*Dockerfile*')
hadolint --failure-threshold info --ignore DL3006 "${dockerfiles[@]}"

# The files in ./secrets need not be there to read what names them; what services are and need does.
services=$(scripts/compose.sh --file docker-compose.yml config --services | sort | tr '\n' ' ')
[[ $services == 'agent broker postgres ' ]] || { echo "container-check: docker-compose.yml has the services $services" >&2; exit 1; }
scripts/compose.sh --file docker-compose.yml config --format json | scripts/python.sh scripts/check-compose.py
