"""Checks what Helm rendered, object by object; names what peers' charts and operators get wrong where that is looked for.

usage: check-chart.py KUBERNETES_VERSION NAMESPACE PROGRAMS FOLDER < manifests, with the folder of the programs

Writes the broker's configuration to FOLDER/broker.yaml and the policies to FOLDER/policies, for the programs to judge.
"""

import pathlib
import sys

import yaml

from chartchecks.access import check_access, check_documented
from chartchecks.admission import check_admission
from chartchecks.arguments import check_arguments
from chartchecks.configuration import check_configuration
from chartchecks.findings import Findings
from chartchecks.objects import check_objects
from chartchecks.pods import check_availability, check_pods
from structural import TextLoader


def write_files(objects, folder):
    """The text of each ConfigMap for our programs, as they will find it."""
    for item in objects:
        name = item["metadata"]["name"]
        if item["kind"] == "ConfigMap" and name.endswith(("-broker", "-policies")):
            target = folder / "policies" if name.endswith("-policies") else folder
            target.mkdir(exist_ok=True)
            for file, text in item["data"].items():
                (target / file).write_text(text, "utf-8")


def main(version, namespace, programs, folder):
    objects = [item for item in yaml.load_all(sys.stdin, TextLoader) if item]
    findings = Findings()
    write_files(objects, pathlib.Path(folder))
    check_pods(objects, findings)
    check_availability(objects, findings)
    check_arguments(objects, programs, findings)
    check_access(objects, findings)
    check_admission(objects, namespace, findings)
    check_configuration(objects, findings)
    controllers = [i for i in objects if i["kind"] == "ClusterRole" and i["metadata"]["name"].endswith("-controller")]
    if controllers and not any(i["kind"] == "Role" and i["metadata"]["namespace"] != namespace for i in objects):
        check_documented(objects, findings)
    check_objects(objects, version, findings)
    return 1 if findings.sentences else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
