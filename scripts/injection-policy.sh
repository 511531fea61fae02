#!/usr/bin/env bash
# Prints the chart's file of the injection by the API server, as the controller makes it, with settings that the chart's template
# replaces by those of the values:
#   scripts/injection-policy.sh >Charts/claviger/files/injection-policy.yaml
set -euo pipefail
cd "$(dirname "$0")/.."
authority=$(mktemp)
trap 'rm -f "$authority"' EXIT
printf '%s\n' '-----BEGIN CERTIFICATE-----' placeholder '-----END CERTIFICATE-----' >"$authority"
echo '# Made by scripts/injection-policy.sh; templates/injection-policy.yaml puts the values in the places of these.'
"${BIN:-.build/debug}/claviger-controller" admission-policy --name placeholder --agent-image image.placeholder \
    --agent-pull-policy Never --agent-broker-url https://broker.placeholder --agent-ca "$authority" \
    --agent-requests cpu=101m,memory=102Mi --agent-limits cpu=103m,memory=104Mi --agent-user 424242 --excluded-namespace placeholder
