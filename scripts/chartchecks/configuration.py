"""The broker's configuration as the chart writes it."""

import hashlib
import pathlib
import re

import yaml

from chartchecks.findings import pod_of, title

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


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
        check_controllers(settings["admin"].get("accessList", []), findings)


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


def check_controllers(rules, findings):
    """What each cluster's controller may do is what docs/controller.md says, for its own source."""
    text = (ROOT / "docs/controller.md").read_text("utf-8")
    block = next(b for b in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "allowedEndpoints" in b)
    documented = {(rule["allowedEndpoints"], *rule["methods"]) for rule in yaml.safe_load(block)}
    bundles = {("^/claviger/v1/policies$", "POST")}
    for role in {rule["role"] for rule in rules if rule["role"].startswith("controller-of-")}:
        source = re.escape(role.removeprefix("controller-of-")).replace("\\-", "-")
        wanted = {(path.replace("/production/", f"/{source}/"), *methods) for path, *methods in documented}
        found = {(rule["allowedEndpoints"], *rule.get("methods", [])) for rule in rules if rule["role"] == role}
        findings.require(
            found | bundles == wanted, f"{role} may do other things at the broker than docs/controller.md says")
