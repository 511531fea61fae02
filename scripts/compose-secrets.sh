#!/usr/bin/env bash
# Makes ./secrets for docker-compose.yml: database password, key-encryption key, TLS, admin key and broker configuration.
# Refuses to overwrite; ./secrets is there when all of it is made, or not at all. The admin's private key and token land in
# ./secrets/admin and are not given to any container.
set -euo pipefail
cd "$(dirname "$0")/.."
claviger=${CLAVIGER:-.build/debug/claviger}

[ ! -e secrets ] || { echo "compose-secrets: ./secrets is there already" >&2; exit 1; }
umask 077
# Beside its place, so that putting it there is one rename.
made=$(mktemp -d "$PWD/.secrets.XXXXXX")
trap 'rm -rf "$made"' EXIT
trap 'exit 130' INT TERM
command=$(command -v "$claviger") || { echo "compose-secrets: there is no $claviger; build it first" >&2; exit 1; }
command=$(realpath "$command")
cd "$made"

openssl rand -hex 24 >database-password
printf 'postgresql://claviger:%s@postgres/claviger' "$(cat database-password)" >database-url
printf '1:%s\n' "$(openssl rand -base64 32)" >kek

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=claviger compose CA" \
    -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca.key -out ca.crt 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=broker" -keyout tls.key -out tls.csr 2>/dev/null
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 90 -out tls.crt 2>/dev/null \
    -extfile <(printf 'subjectAltName=DNS:broker,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n')
rm tls.csr ca.srl

"$command" admin init --out admin >/dev/null
cp admin/admin-key.pub.pem admin.pub

cat >broker.yaml <<'YAML'
listen: ["0.0.0.0:8080"]
keyEncryptionKeyFile: /run/secrets/kek
transport: {certificateFile: /run/secrets/tls.crt, keyFile: /run/secrets/tls.key}
database: {urlFile: /run/secrets/database-url}
# Sample evidence proves nothing: a laptop has no confidential hardware. Never in production.
attestation: {allowSample: true}
admin:
  mode: AuthenticatedAuthorization
  identityProviders:
    - {issuer: claviger-admin, audience: claviger, publicKeyFile: /run/secrets/admin.pub}
  accessList:
    - {role: admin, allowedEndpoints: "^/kbs/.+$"}
    - {role: admin, allowedEndpoints: "^/claviger/.+$"}
YAML
# The containers run as user 65532.
if [ "$(id -u)" -eq 0 ]; then chown 65532:65532 ./*.* kek database-url; chown 999:999 database-password; fi
cd - >/dev/null
# Refuses, unlike a plain move, when somebody else was faster.
mv --no-target-directory --no-clobber "$made" secrets
[ ! -e "$made" ] || { echo "compose-secrets: ./secrets is there by now" >&2; exit 1; }
echo "compose-secrets: ./secrets is made; the admin token is ./secrets/admin/admin-token and is valid for an hour"
