#!/usr/bin/env bash
# Checks alerts and dashboard: the rules with promtool, each alert by a test, and every metric that they name against those that
# the programs have and the documentation lists.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=Charts/claviger/files/monitoring
scripts/promtool.sh check rules "$folder/alerts.yaml" >/dev/null
scripts/promtool.sh test rules "$folder/alerts-test.yaml" >/dev/null
scripts/python.sh scripts/check-monitoring.py "$folder"
