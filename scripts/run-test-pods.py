"""Runs what a container of rendered test pods runs, with another broker.

usage: run-test-pods.py MANIFESTS PROGRAMS READY_FILE [NUMBER]
"""

import json
import os
import pathlib
import sys

import yaml


def main(manifests, programs, ready, number=None):
    with open(manifests, encoding="utf-8") as file:
        pods = [item["spec"] for item in yaml.safe_load_all(file) if item]
    containers = [container for pod in pods for container in pod["initContainers"] + pod["containers"]]
    if number is None:
        print(len(containers))
        return
    container = containers[int(number)]
    with open(ready, encoding="utf-8") as file:
        broker = json.load(file)
    program = container["image"].rpartition("/")[2].partition(":")[0]
    arguments = [argument.replace("https://demo-claviger-broker.keys.svc:8080", broker["url"])
                 .replace("/etc/claviger/ca/ca.crt", broker["caFile"]) for argument in container["args"]]
    path = str(pathlib.Path(programs).resolve() / program)
    os.execv(path, [path, *arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
