#!/usr/bin/env bash
# Runs the tests of encrypted volumes on devices, where need be in a kernel of their own (user-mode Linux), which takes a
# processor for itself and is therefore not part of the run of all tests.
set -euo pipefail
cd "$(dirname "$0")/.."
CLAVIGER_VOLUME_KERNEL=1 scripts/unit.sh --filter '^GuestTests\.Volume(Kernel|Device)Tests'
