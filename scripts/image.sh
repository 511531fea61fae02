#!/usr/bin/env bash
# Builds a container image localhost/claviger/PROGRAM for each program with podman or buildah, from the release build or
# the folder that BIN names. BASE names a base image; without one, or where it cannot be pulled, the image holds just the
# program, the shared libraries it links, and the certificates of the system.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${BIN:-.build-release/release}
version=$(git describe --tags --always --dirty 2>/dev/null || echo dev)
base=${BASE:-scratch}

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
    [ -r /etc/ssl/certs/ca-certificates.crt ] && cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    # Policies name time zones.
    if [ "$program" != attestation-agent ] && [ -d /usr/share/zoneinfo ]; then
        mkdir -p "$root/usr/share"
        cp -a /usr/share/zoneinfo "$root/usr/share/"
    fi
    printf 'nonroot:x:65532:65532::/var/lib/claviger:/usr/sbin/nologin\n' >"$root/etc/passwd"
    printf 'nonroot:x:65532:\n' >"$root/etc/group"
}

for program in claviger-broker attestation-agent claviger-controller claviger; do
    assemble "$program"
    tag=localhost/claviger/$program:$version
    "$tool" build --isolation chroot --build-arg BASE="$base" --build-arg PROGRAM="$program" \
        -f Dockerfile -t "$tag" -t "localhost/claviger/$program:latest" "dist/$program" >/dev/null
    echo "image: $tag $(du -sm "dist/$program/rootfs" | cut -f1) MB"
done
