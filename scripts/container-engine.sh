# shellcheck shell=bash
# Sourced: sets podman up to run containers inside a container too, with everything it keeps in the folder given:
#   . scripts/container-engine.sh FOLDER
# There is no user session, no systemd and no overlay mount in such places. Needs root.
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends podman runc netavark aardvark-dns iptables >/dev/null
cat >"$1/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[network]
network_backend = "netavark"
network_config_dir = "$1/networks"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
printf '[storage]\ndriver = "vfs"\nrunroot = "%s/run"\ngraphroot = "%s/storage"\n' "$1" "$1" >"$1/storage.conf"
export CONTAINERS_CONF=$1/containers.conf CONTAINERS_STORAGE_CONF=$1/storage.conf STORAGE_DRIVER=vfs
