"""Where the values name every peer, no rule of a NetworkPolicy is open to everybody.

usage: check-peers.py MANIFESTS
"""

import sys

import yaml

from chartchecks.access import open_rules
from structural import TextLoader


def main(path):
    with open(path, encoding="utf-8") as file:
        objects = [item for item in yaml.load_all(file, TextLoader) if item]
    rules = sum(len(i["spec"].get(way, [])) for i in objects if i["kind"] == "NetworkPolicy" for way in ("ingress", "egress"))
    found = list(open_rules(objects))
    for name, way, ports in found:
        print(f"check-peers: {name}: {way} on {ports} is open to everybody", file=sys.stderr)
    return 1 if found or rules < 5 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
