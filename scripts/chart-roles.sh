#!/usr/bin/env bash
# Prints the roles of the chart's controller as Helm renders them; the controller's tests run by them:
#   scripts/chart-roles.sh >Tests/ControllerTests/Policies/chart-roles.yaml
set -euo pipefail
cd "$(dirname "$0")/.."
echo '# Made by scripts/chart-roles.sh.'
scripts/helm.sh 4 template claviger Charts/claviger --namespace claviger --kube-version 1.36.0 \
    --values Charts/claviger/ci/minimal-values.yaml --show-only templates/controller-rbac.yaml |
    grep -vE '^ *(app\.kubernetes\.io|helm\.sh)/|^ *labels:$|^# Source:' | sed -e '${/^$/d}'
