"""The policy that the chart renders is the one that the controller would print for the same settings.

usage: check-injection-policy.py CONTROLLER VALUES MANIFESTS
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import yaml


def expected(controller, values, name):
    injection, image = values["injection"], values["image"]
    with tempfile.TemporaryDirectory() as folder:
        authority = pathlib.Path(folder) / "ca.crt"
        authority.write_text(injection["caBundle"], "utf-8")
        arguments = ["--name", name, "--agent-image"]
        arguments.append(f"{image['registry']}/attestation-agent:0.1.0@{injection['image']['digest']}")
        arguments += ["--agent-pull-policy", image["pullPolicy"], "--agent-ca", str(authority), "--agent-user", str(injection["user"])]
        for url in injection["brokerURLs"]:
            arguments += ["--agent-broker-url", url]
        for option in ("requests", "limits"):
            arguments += [f"--agent-{option}", ",".join(f"{key}={value}" for key, value in sorted(injection[option].items()))]
        text = subprocess.run([controller, "admission-policy", *arguments, "--excluded-namespace", "keys"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
    return list(yaml.safe_load_all(text))


def comparable(item):
    item["metadata"].pop("labels", None)
    for expression in (item["spec"].get("matchConstraints", {}).get("namespaceSelector", {}).get("matchExpressions", [])):
        expression["values"].sort()
    return item


def main(controller, values, manifests):
    with open(values, encoding="utf-8") as file:
        values = yaml.safe_load(file)
    with open(manifests, encoding="utf-8") as file:
        rendered = [i for i in yaml.safe_load_all(file) if i and re.search(r"-injection(-guard|-keep-agents)?$", i["metadata"]["name"])]
    name = min(item["metadata"]["name"] for item in rendered)
    wanted = {(i["kind"], i["metadata"]["name"]): comparable(i) for i in expected(controller, values, name)}
    found = {(i["kind"], i["metadata"]["name"]): comparable(i) for i in rendered}
    if wanted != found:
        for key in sorted(set(wanted) | set(found)):
            if wanted.get(key) != found.get(key):
                print(f"check-injection-policy: {key} is\n{found.get(key)}\nand should be\n{wanted.get(key)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
