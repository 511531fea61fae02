"""Checks docker-compose.yml as Compose reads it: hardened, without secrets, open to this machine alone.

usage: docker compose config --format json | check-compose.py
"""

import json
import sys

document = json.load(sys.stdin)
failed = False


def require(holds, sentence):
    global failed
    if not holds:
        failed = True
        print(f"check-compose: {sentence}", file=sys.stderr)


for name, service in document["services"].items():
    for variable, value in (service.get("environment") or {}).items():
        require(not ("PASSWORD" in variable and not variable.endswith("_FILE") and value), f"{name} has a password in the file")
    for port in service.get("ports", []):
        require(port.get("host_ip") == "127.0.0.1", f"{name} can be reached from elsewhere")
    require("healthcheck" in service, f"{name} has no health check")
    require(not service.get("privileged"), f"{name} is privileged")
    if name != "postgres":
        require(service.get("read_only") is True, f"{name} has a root file system that can be written")
        require(service.get("cap_drop") == ["ALL"] and not service.get("cap_add"), f"{name} has capabilities")
        require("no-new-privileges:true" in service.get("security_opt", []), f"{name} may gain privileges")
for name, secret in document["secrets"].items():
    require("file" in secret and "content" not in secret, f"the secret {name} does not come from a file")
sys.exit(1 if failed else 0)
