"""Several releases side by side own nothing twice (peers: a ConfigMap with a constant name; a second instance overwrites the first).

usage: check-releases.py MANIFESTS…
"""

import sys

import yaml

from structural import TextLoader


def main(paths):
    owners, failed = {}, False
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for item in filter(None, yaml.load_all(file, TextLoader)):
                name = (item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"])
                if owners.setdefault(name, path) != path and item["kind"] != "CustomResourceDefinition":
                    print(f"check-releases: {name} is in {owners[name]} and in {path}", file=sys.stderr)
                    failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
