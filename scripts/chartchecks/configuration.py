"""The broker's configuration as the chart writes it."""

import hashlib

import yaml

from chartchecks.findings import pod_of, title


def check_configuration(objects, findings):
    for item in objects:
        if item["kind"] != "ConfigMap" or not item["metadata"]["name"].endswith("-broker"):
            continue
        text = item["data"]["broker.yaml"]
        settings = yaml.safe_load(text)
        transport = settings["transport"]
        findings.require(
            set(transport) == {"certificateFile", "keyFile"}, "the broker serves without TLS (peer: TLS is off by default)")
        check_checksum(item, objects, findings)
        if item["metadata"]["labels"].get("claviger.dev/profile") != "development":
            findings.require(
                not settings.get("attestation", {}).get("allowSample"), "sample evidence is accepted in production (A45)")
            findings.require(not settings.get("protocol", {}).get("legacy"), "old protocols are served in production (A45)")
        for rule in settings["admin"].get("accessList", []):
            if rule["role"].startswith("controller-of-"):
                reaches = ("/claviger/v1/sources/", "/claviger/v1/policies")
                findings.require(
                    rule["allowedEndpoints"].startswith(tuple("^" + path for path in reaches)) and rule["methods"],
                    "the controller may do more at the broker than docs/controller.md says")


def check_checksum(configuration, objects, findings):
    """The pods are replaced when the configuration changes (peer: a changed profile did nothing)."""
    name = configuration["metadata"]["name"]
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"] == name:
            annotations = item["spec"]["template"]["metadata"]["annotations"]
            digest = hashlib.sha256(configuration["data"]["broker.yaml"].rstrip("\n").encode()).hexdigest()
            findings.require(
                annotations["checksum/configuration"] == digest,
                f"{title(item)} goes on when its configuration changes (peer: a changed profile does nothing)")
            pod, _ = pod_of(item)
            findings.require(len(pod["containers"]) == 1, f"{title(item)} has containers beside the broker")
