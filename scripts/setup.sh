#!/usr/bin/env bash
# Installs the Debian packages that building and testing need; does nothing when all of them are there.
set -euo pipefail

packages=(
    libpq-dev libssl-dev libcurl4-openssl-dev zlib1g-dev   # linked by the programs
    postgresql                                  # the private database of `claviger dev` and of the tests
    python3-venv python3-pip                     # the checks of schemas and chart by engines that are not ours
    busybox-static openssl curl xz-utils        # the demo's image, certificates and requests
    swtpm tpm2-tools                            # the TPM whose quotes the tests verify
    cryptsetup-bin e2fsprogs                    # encrypted volumes
    user-mode-linux                             # a kernel with device mapper, to test volumes where the machine's has none
    docker-registry                             # what skopeo copies encrypted images to
    binutils-gold
)

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
# binutils-gold is part of binutils before Debian 13.
if command -v ld.gold >/dev/null; then
    missing=("${missing[@]/binutils-gold/}")
fi
read -r -a missing <<<"${missing[*]:-}"
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run as root, or install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
