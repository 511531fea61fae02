#!/usr/bin/env bash
# Runs every test of the agent, which `scripts/build.sh tests` built, and says which were skipped and why.
set -euo pipefail
cd "$(dirname "$0")/.."

# Fetched once, before tests that run side by side ask for them.
scripts/skopeo.sh --path >/dev/null
scripts/skopeo.sh --older >/dev/null || echo "agent-check: the older skopeo cannot be had here" >&2
scripts/unit.sh --filter '^(GuestTests|GuestAPITests|OCIEncryptionTests)\.' \
    --filter '^clavigerTests\.(SecretCommandTests|InitDataCommandTests)'
scripts/volume-check.sh
