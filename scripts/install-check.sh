#!/usr/bin/env bash
# Walks docs/install.md as somebody does who copies its commands: the Secrets are made with a shell that traces everything, in which
# no secret may show (A46); the chart finds in them what it mounts; the broker takes its configuration; the certificate has the
# Service's name. kubectl is played by a function that keeps Secrets in folders.
#
# The programs are taken from .build/debug, or from the folder that BIN names.
set -euo pipefail
cd "$(dirname "$0")/.."
checkout=$PWD
bin=$(realpath "${BIN:-.build/debug}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/secrets" "$work/here"
ln -s "$bin/claviger" "$work/bin/claviger"
cat >"$work/bin/kubectl" <<'KUBECTL'
#!/usr/bin/env bash
# Keeps what is given to `create secret generic`; says yes to everything else.
[[ " $* " == *" create secret generic "* ]] || exit 0
name=$(sed 's/.* create secret generic \([^ ]*\).*/\1/' <<<"$*")
mkdir "$SECRETS/$name"
for argument in "$@"; do
    [[ $argument != --from-file=* ]] || cp "${argument#--from-file=}" "$SECRETS/$name/"
done
KUBECTL
chmod +x "$work/bin/kubectl"

fail() {
    echo "install-check: $*" >&2
    exit 1
}

# block HEADING LANGUAGE: the first block of that language below a heading of docs/install.md.
block() { awk -v heading="## $1" -v fence="\`\`\`$2" '$0 == heading { on = 1 } on && $0 == "```" && copy { exit } copy { print } on && $0 == fence { copy = 1 }' docs/install.md; }

block 'Four Secrets' sh >"$work/commands.sh"
[[ -s $work/commands.sh ]] || fail "docs/install.md has no commands for the Secrets"
(
    cd "$work/here"
    printf 'postgresql://claviger:canary-of-the-password@postgres.example/claviger' |
        env PATH="$work/bin:$PATH" SECRETS="$work/secrets" bash -eux "$work/commands.sh" >"$work/trace" 2>&1
) || fail "the commands for the Secrets fail: $(<"$work/trace")"

# A46: what was made is in files, and nowhere in what was shown. Keys are looked for line by line.
for secret in kek url ca.key tls.key admin/admin-key.pem admin/admin-token; do
    [[ -s $work/here/$secret ]] || fail "the commands do not make $secret"
    [[ $(stat -c %a "$work/here/$secret") == 600 ]] || fail "A46: others can read $secret"
    while read -r line; do
        [[ $line == -----* || ${#line} -lt 20 ]] || ! grep -qF -- "${line#1:}" "$work/trace" || fail "A46: $secret is shown"
    done <"$work/here/$secret"
done
! grep -q canary "$work/trace" || fail "A46: the password is shown"
grep -rqE 'admin-token|admin-key.pem$' <(find "$work/secrets" -type f) && fail "A46: an administrator's credential goes into the cluster"
grep -q '"claviger_use":"once"' <(cut -d. -f2 "$work/here/admin/admin-token" | tr '_-' '/+' | base64 --decode 2>/dev/null) ||
    fail "A46: the first token can be used again and again"
lifetime=$(cut -d. -f2 "$work/here/admin/admin-token" | "$checkout/scripts/python.sh" -c \
    'import base64, json, sys, time; text = sys.stdin.read().strip(); print(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["exp"] - int(time.time()))')
((lifetime <= 3600)) || fail "A46: the first token holds for $lifetime seconds"

block Install yaml >"$work/values.yaml"
scripts/helm.sh 4 template claviger Charts/claviger --namespace claviger --kube-version 1.36.0 --values "$work/values.yaml" >"$work/manifests.yaml"
scripts/python.sh scripts/mount-secrets.py "$work/secrets" "$work/manifests.yaml" "$work/etc"
"$bin/claviger-broker" --config "$work/etc/broker.yaml" --check || fail "the broker refuses what docs/install.md makes"
openssl verify -CAfile "$work/secrets/claviger-tls/ca.crt" -verify_hostname claviger-broker.claviger.svc -purpose sslserver \
    "$work/secrets/claviger-tls/tls.crt" >/dev/null || fail "the certificate is not one of the Service"
echo "install-check: docs/install.md holds"
