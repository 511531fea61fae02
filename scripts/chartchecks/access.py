"""Who may do what: roles, tokens, secrets, the network."""

import pathlib
import re

import yaml

from chartchecks.findings import pod_of, title

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ROLES = ("Role", "ClusterRole")


def check_access(objects, findings):
    check_secrets(objects, findings)
    check_roles(objects, findings)
    check_tokens(objects, findings)
    check_network(objects, findings)


def check_secrets(objects, findings):
    for item in objects:
        if item["kind"] == "Secret":
            findings.require(
                not item.get("data") and not item.get("stringData"),
                f"{title(item)}: the chart has a secret of its own (A30; peer: trustee/trustee, admin tokens for 10 years)")
        hook = item["metadata"].get("annotations", {}).get("helm.sh/hook")
        findings.require(hook in (None, "test"), f"{title(item)} is a hook (peer: a Job with kubectl makes keys)")
        findings.require(
            item["kind"] != "Namespace", f"{title(item)}: the chart changes namespaces (peer: makes its own privileged)")
        for text in strings(item):
            findings.require(
                not re.search(r"<[a-z]+[._-][a-z]+>|CHANGE.?ME|REPLACE.?ME", text),
                f"{title(item)} has something to be filled in by hand (peer: <se.tag>)")
            findings.require("PRIVATE KEY" not in text, f"{title(item)} has a private key")


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def check_roles(objects, findings):
    for role in (item for item in objects if item["kind"] in ROLES):
        aggregated = any("aggregate-to-" in label for label in role["metadata"]["labels"])
        for rule in role["rules"]:
            name = title(role)
            words = rule["apiGroups"] + rule["resources"] + rule["verbs"]
            findings.require("*" not in words, f"{name} may do everything with something (peer: so it was)")
            findings.require(
                "secrets" not in rule["resources"] or role["kind"] == "Role" and rule.get("resourceNames"),
                f"{name} may read Secrets that it does not name (peer: all Secrets of the cluster)")
            own = {"claviger.dev", "events.k8s.io", "coordination.k8s.io", "admissionregistration.k8s.io"}
            findings.require(
                set(rule["apiGroups"]) <= own or rule["resources"] == ["secrets"], f"{name} is about foreign objects")
            if "admissionregistration.k8s.io" in rule["apiGroups"]:
                findings.require(bool(rule.get("resourceNames")), f"{name} may change anybody's webhooks")
            if "leases" in rule["resources"] and "update" in rule["verbs"]:
                findings.require(bool(rule.get("resourceNames")), f"{name} may change anybody's Lease")
            findings.require(
                aggregated or not {"delete", "deletecollection", "escalate", "bind"} & set(rule["verbs"]),
                f"{name} may delete")
    bound = [s for item in objects if item["kind"].endswith("RoleBinding") for s in item["subjects"]]
    accounts = {(i["metadata"]["namespace"], i["metadata"]["name"]) for i in objects if i["kind"] == "ServiceAccount"}
    for subject in bound:
        findings.require(subject["kind"] == "ServiceAccount", "a role is bound to people or groups")
        findings.require((subject["namespace"], subject["name"]) in accounts, f"a role is bound to nobody: {subject['name']}")
        findings.require(not subject["name"].endswith("-broker"), "the broker has rights in the cluster")


def documented_roles():
    """The roles of docs/controller.md by their kind: (group, resource, name, verb)."""
    text = (ROOT / "docs/controller.md").read_text("utf-8")
    roles = {}
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        for document in yaml.safe_load_all(block):
            if isinstance(document, dict) and document.get("kind") in ROLES:
                if document["metadata"]["name"] == "claviger-controller":
                    roles[document["kind"]] = granted(document)
    return roles


def granted(role):
    """What a role allows; the controller's own Lease has the release's name."""
    own = role["metadata"]["name"]
    return {(group, resource, name == own, verb) for rule in role["rules"] for group in rule["apiGroups"]
            for resource in rule["resources"] for name in rule.get("resourceNames", [None]) for verb in rule["verbs"]}


def check_documented(objects, findings):
    """For a controller of the whole cluster: just what its documentation says, and the Secret of its certificate."""
    documented = documented_roles()
    for kind in ROLES:
        roles = [i for i in objects if i["kind"] == kind and i["metadata"]["name"].endswith("-controller")]
        rules = [{rule for rule in granted(role) if kind == "ClusterRole" or rule[1] != "secrets"} for role in roles]
        findings.require(rules == [documented[kind]], f"the controller's {kind} is not the one of docs/controller.md")


def check_tokens(objects, findings):
    for item in objects:
        found = pod_of(item)
        if not found:
            continue
        pod, labels = found
        component = labels["app.kubernetes.io/component"]
        tokens = [source["serviceAccountToken"] for volume in pod["volumes"]
                  for source in volume.get("projected", {}).get("sources", []) if "serviceAccountToken" in source]
        findings.require(
            not tokens or component in ("broker", "controller"), f"{title(item)} has a token and nothing to do with it")
        findings.require(not tokens or "serviceAccountName" in pod, f"{title(item)} runs under the default account")
        for token in tokens:
            findings.require(token["expirationSeconds"] <= 86_400, f"{title(item)} has a token that lives too long")


def check_network(objects, findings):
    policies = [item for item in objects if item["kind"] == "NetworkPolicy"]
    if not policies:
        return
    for item in objects:
        found = pod_of(item)
        if not found:
            continue
        pod, labels = found
        matching = [p["spec"] for p in policies if p["spec"]["podSelector"]["matchLabels"].items() <= labels.items()]
        findings.require(
            any(not p.get("ingress") and not p.get("egress") and p["policyTypes"] == ["Ingress", "Egress"] for p in matching),
            f"{title(item)} is not denied what nobody named (peer: no network policy)")
        offered = {port["containerPort"] for container in pod["containers"] for port in container.get("ports", [])}
        entered = {port["port"] for p in matching for rule in p.get("ingress", []) for port in rule["ports"]}
        findings.require(offered == entered, f"{title(item)} offers {sorted(offered)}, and {sorted(entered)} can be reached")
        for policy in matching:
            for rule in policy.get("ingress", []) + policy.get("egress", []):
                findings.require(bool(rule.get("ports")), f"{title(item)} may talk on every port")
