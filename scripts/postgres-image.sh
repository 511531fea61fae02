#!/usr/bin/env bash
# Builds localhost/claviger/postgres:VERSION with podman from the PostgreSQL that Debian installed on this machine, for
# trying docker-compose.yml where the official image cannot be pulled. It understands the settings that the file uses:
# POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD_FILE. Development only.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
version=$(basename "$(dirname "$programs")")
root=dist/postgres/rootfs
rm -rf dist/postgres
mkdir -p $root/{usr/bin,usr/lib,usr/lib64,etc,tmp,run,var/lib/postgresql/data}
ln -s usr/bin usr/lib usr/lib64 $root/
chmod 1777 $root/tmp

# Just-in-time compilation would bring in LLVM.
files=("/usr/lib/postgresql/$version" "/usr/share/postgresql/$version" /usr/share/zoneinfo)
tar -cf - -C / --exclude='llvmjit*' --exclude='bitcode' "${files[@]#/}" | tar -xf - -C $root
install -m 0755 /bin/busybox $root/usr/bin/busybox
for name in sh cat id mkdir rm; do ln -s busybox "$root/usr/bin/$name"; done
for name in "$programs"/*; do ln -sf "../lib/postgresql/$version/bin/$(basename "$name")" $root/usr/bin/; done
# ldd fails for what is not dynamic.
{ find "$root/usr/lib/postgresql" -type f \( -perm /111 -o -name '*.so' \) -exec ldd {} + 2>/dev/null || true; } |
    grep -oE '/[^ )]+' | grep -v ':$' | sort -u | while read -r library; do
    library=$(readlink -f "$(dirname "$library")")/$(basename "$library")
    [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"; }
done
printf 'root:x:0:0::/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n' >$root/etc/passwd
printf 'root:x:0:\npostgres:x:999:\n' >$root/etc/group

cat >$root/entrypoint <<'SH'
#!/bin/sh
set -eu
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
    initdb --no-sync --pgdata "$data" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" --auth-host scram-sha-256 \
        --auth-local trust --encoding UTF8 --locale C
    echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
    postgres --single -D "$data" postgres <<SQL
CREATE DATABASE "$POSTGRES_DB";
SQL
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
SH
chmod 0755 $root/entrypoint

cat >dist/postgres/Dockerfile <<'DOCKERFILE'
FROM scratch
COPY rootfs/ /
COPY --chown=999:999 rootfs/var/lib/postgresql/ /var/lib/postgresql/
USER 999:999
ENV PATH=/usr/bin PGHOST=/tmp
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["/entrypoint"]
DOCKERFILE
podman build -q --isolation chroot -t "localhost/claviger/postgres:$version" dist/postgres >/dev/null
echo "localhost/claviger/postgres:$version"
