#!/usr/bin/env bash
# Builds a container image localhost/claviger/PROGRAM for each program with podman or buildah, from the release build or
# the folder that BIN names. BASE names a base image; without one, or where it cannot be pulled, the image holds just the
# program, the shared libraries it links, and the certificates of the system.
#
# The same programs on the same Debian give the same image, bit by bit: dates are that of the commit (SOURCE_DATE_EPOCH), and
# dist/PROGRAM/digest is what to compare. dist/PROGRAM/sbom.spdx.json, also in the image, says what it was made of.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${BIN:-.build-release/release}
version=$(git describe --tags --always --dirty 2>/dev/null || echo dev)
base=${BASE:-scratch}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
umask 022

tool=$(command -v podman || command -v buildah || true)
if [ -z "$tool" ]; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends buildah >/dev/null
    tool=$(command -v buildah)
fi
# Nested containers have no overlay mounts; plain directories work everywhere.
[ -n "${STORAGE_DRIVER:-}" ] || export STORAGE_DRIVER=vfs
if [ "$base" != scratch ] && ! "$tool" pull -q "$base" >/dev/null 2>&1; then
    echo "image: $base cannot be pulled, building on the empty image"
    base=scratch
fi

assemble() { # assemble PROGRAM: dist/PROGRAM/rootfs
    local program=$1 root=dist/$1/rootfs
    rm -rf "dist/$1"
    mkdir -p "$root"/{usr/bin,etc/ssl/certs,tmp,run/claviger,var/lib/claviger}
    chmod 1777 "$root/tmp"
    chmod 0777 "$root/run/claviger" "$root/var/lib/claviger"
    install -m 0755 "$bin/$program" "$root/usr/bin/$program"
    strip "$root/usr/bin/$program"
    ln -s "usr/bin/$program" "$root/entrypoint"
    ldd "$root/usr/bin/$program" | grep -oE '/[^ ]+' | while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp -L "$library" "$root$library"
    done
    if [ -r /etc/ssl/certs/ca-certificates.crt ]; then
        cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    fi
    # Policies name time zones.
    if [ "$program" != attestation-agent ] && [ -d /usr/share/zoneinfo ]; then
        mkdir -p "$root/usr/share"
        cp -a /usr/share/zoneinfo "$root/usr/share/"
    fi
    printf 'nonroot:x:65532:65532::/var/lib/claviger:/usr/sbin/nologin\n' >"$root/etc/passwd"
    printf 'nonroot:x:65532:\n' >"$root/etc/group"
    python3 scripts/sbom.py "$program" "$version" "$root" Package.resolved >"dist/$program/sbom.spdx.json"
    install -D -m 0644 "dist/$program/sbom.spdx.json" "$root/usr/share/sbom/$program.spdx.json"
    find "$root" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
}

for program in claviger-broker attestation-agent claviger-controller claviger; do
    assemble "$program"
    tag=localhost/claviger/$program:$version
    "$tool" build --isolation chroot --timestamp "$SOURCE_DATE_EPOCH" --no-cache \
        --build-arg BASE="$base" --build-arg PROGRAM="$program" \
        -f Dockerfile -t "$tag" -t "localhost/claviger/$program:latest" "dist/$program" >/dev/null
    "$tool" inspect --type image --format '{{.Digest}}' "$tag" >"dist/$program/digest" 2>/dev/null ||
        "$tool" inspect --type image --format '{{.FromImageDigest}}' "$tag" >"dist/$program/digest"
    echo "image: $tag $(du -sm --apparent-size "dist/$program/rootfs" | cut -f1) MB $(<"dist/$program/digest")"
done
