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
            named = rule.get("resourceNames") or rule["verbs"] == ["create"] and rule["resources"] == ["secrets"]
            findings.require(
                "secrets" not in rule["resources"] or role["kind"] == "Role" and named,
                f"{name} may read Secrets that it does not name (peer: all Secrets of the cluster)")
            own = {"claviger.dev", "events.k8s.io", "coordination.k8s.io", "admissionregistration.k8s.io"}
            findings.require(
                set(rule["apiGroups"]) <= own or rule["resources"] == ["secrets"]
                or (rule["resources"], rule["verbs"]) == (["pods"], ["list"]), f"{name} is about foreign objects")
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
    """The roles of the documentation, by kind and name: (group, resource, name, verb)."""
    roles = {}
    for page in ("docs/controller.md", "docs/injection.md"):
        for block in re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL):
            for document in yaml.safe_load_all(block):
                if isinstance(document, dict) and document.get("kind") in ROLES:
                    roles[document["kind"], document["metadata"]["name"]] = granted(document)
    return roles


def granted(role):
    """What a role allows. Of names counts what comes after the release's."""
    release = role["metadata"]["name"].rpartition("-")[0]
    return {(group, resource, None if name is None else name.removeprefix(release), verb)
            for rule in role["rules"] for group in rule["apiGroups"]
            for resource in rule["resources"] for name in rule.get("resourceNames", [None]) for verb in rule["verbs"]}


def check_documented(objects, findings):
    """For a controller of the whole cluster: just what its documentation says. The chart has one Role for both documents."""
    documented = documented_roles()
    program = next(i for i in objects if i["kind"] == "Deployment" and i["metadata"]["name"].endswith("-controller"))
    arguments = [text.partition("=")[0] for text in program["spec"]["template"]["spec"]["containers"][0]["args"]]
    wanted = {kind: documented[kind, "claviger-controller"] for kind in ROLES}
    admission = documented["ClusterRole", "claviger-admission"]
    if "--admission-secret" in arguments:
        wanted["Role"] = wanted["Role"] | documented["Role", "claviger-admission"]
    else:
        admission = {rule for rule in admission if rule[3] != "patch"}
    if "--agent-image" not in arguments:
        admission = {rule for rule in admission if rule[1] != "pods"}
    for kind in ROLES:
        roles = [i for i in objects if i["kind"] == kind and i["metadata"]["name"].endswith("-controller")]
        findings.require(
            list(map(granted, roles)) == [wanted[kind]], f"the controller's {kind} is not the one of docs/controller.md")
    webhooks = [i for i in objects if i["kind"] == "ClusterRole" and i["metadata"]["name"].endswith("-admission")]
    findings.require(
        list(map(granted, webhooks)) == ([admission] if "--admission-address" in arguments else []),
        "the ClusterRole for the webhooks is not the one of docs/injection.md")


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
            check_peers(title(item), labels, policy, findings)


def check_peers(name, labels, policy, findings):
    """Between pods of one release nobody else is meant, whatever the values say."""
    def selected(component):
        match = {label: labels[f"app.kubernetes.io/{label}"] for label in ("name", "instance")}
        match["component"] = component
        return {"podSelector": {"matchLabels": {f"app.kubernetes.io/{label}": value for label, value in match.items()}}}
    component = labels["app.kubernetes.io/component"]
    if component == "postgresql":
        for rule in policy.get("ingress", []):
            findings.require(rule.get("from") == [selected("broker")], f"{name} is open to others than the broker")
    if component == "test":
        ways = [rule.get("to") for rule in policy.get("egress", []) if any(port["port"] == 8080 for port in rule["ports"])]
        findings.require(ways == [[selected("broker")]] or not policy.get("egress"), f"{name} may talk to others than the broker")


def open_rules(objects):
    """Rules that are about everybody: (policy, "ingress" or "egress", ports)."""
    for item in objects:
        for way, peers in (("ingress", "from"), ("egress", "to")):
            for rule in item["spec"].get(way, []) if item["kind"] == "NetworkPolicy" else []:
                if not rule.get(peers) or {} in rule[peers]:
                    yield title(item), way, [port["port"] for port in rule["ports"]]
