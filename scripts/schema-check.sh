#!/usr/bin/env bash
# Checks CRDs, docs/schemas and Policies with engines that are not ours. The programs are taken from .build/debug, or from
# the folder that BIN names.
set -euo pipefail
cd "$(dirname "$0")/.."
exec scripts/python.sh scripts/check-schemas.py "${BIN:-.build/debug}/claviger" Policies Policies/kubernetes
