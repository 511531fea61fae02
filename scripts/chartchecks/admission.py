"""Webhooks and admission policies: narrow, served, and meaning what they say."""

import pathlib

import cel

from structural import documents

from chartchecks.findings import title

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KINDS = {"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}


def check_admission(objects, namespace, findings):
    services = {item["metadata"]["name"]: item for item in objects if item["kind"] == "Service"}
    for configuration in (item for item in objects if item["kind"] in KINDS):
        for webhook in configuration["webhooks"]:
            check_webhook(title(configuration), webhook, services, namespace, objects, findings)
    check_certificates(objects, findings)
    check_authorities(objects, findings)
    policies = {i["metadata"]["name"]: i for i in objects if i["kind"] == "ValidatingAdmissionPolicy"}
    bound = {i["spec"]["policyName"]: i for i in objects if i["kind"] == "ValidatingAdmissionPolicyBinding"}
    findings.require(set(policies) == set(bound), "an admission policy is bound to nothing, or a binding to no policy")
    for name, policy in policies.items():
        findings.require(policy["spec"]["failurePolicy"] == "Fail", f"{name} fails open")
        findings.require(bound[name]["spec"]["validationActions"] == ["Deny"], f"{name} does not deny")
        if name.endswith("-own-secret"):
            check_own_secret(name, policy, namespace, objects, findings)
        else:
            check_samples(name, policy, findings)


def check_certificates(objects, findings):
    """One way to certificates at a time, and none of cert-manager's in a Secret that Helm would take away."""
    made = {item["metadata"]["name"] for item in objects if item["kind"] == "Secret"}
    for item in (item for item in objects if item["kind"] == "Certificate"):
        spec = item["spec"]
        findings.require(spec["secretName"] not in made, f"{title(item)} goes into a Secret of the chart's")
        findings.require(
            not spec.get("isCA") or spec["privateKey"].get("rotationPolicy") == "Never",
            f"{title(item)} is another authority when it is renewed: nobody trusts it for a while")


def check_webhook(name, webhook, services, namespace, objects, findings):
    findings.require(webhook["failurePolicy"] == "Fail", f"{name} fails open (peer: pods start without their agent)")
    findings.require(webhook["sideEffects"] == "None" and webhook["timeoutSeconds"] <= 30, f"{name} may hang or do more")
    reference = webhook["clientConfig"]["service"]
    service = services.get(reference["name"])
    findings.require(
        service is not None and reference["namespace"] == namespace
        and reference["port"] in [port["port"] for port in service["spec"]["ports"]], f"{name} leads nowhere")
    groups = {group for rule in webhook["rules"] for group in rule["apiGroups"]}
    if groups == {"claviger.dev"}:
        operations = {operation for rule in webhook["rules"] for operation in rule["operations"]}
        findings.require("DELETE" not in operations, f"{name} may keep objects from being deleted")
        escape = [condition["expression"] for condition in webhook["matchConditions"]]
        findings.require(any("deletionTimestamp" in text for text in escape), f"{name} may keep finalizers on")
        check_watched(name, webhook, namespace, objects, findings)
        return
    expressions = webhook.get("namespaceSelector", {}).get("matchExpressions", [])
    excluded = [set(e["values"]) for e in expressions
                if e["key"] == "kubernetes.io/metadata.name" and e["operator"] == "NotIn"]
    findings.require(
        {"key": "claviger.dev/injection", "operator": "In", "values": ["enabled"]} in expressions
        and excluded and {"kube-system", namespace} <= excluded[0],
        f"{name} is about namespaces that did not ask for it (peer: such webhooks stopped whole clusters)")
    check_watched(name, webhook, namespace, objects, findings)
    check_opt_out(webhook, findings)


def check_watched(name, webhook, namespace, objects, findings):
    """A release that may read some namespaces has no say in the others, where there may be another release."""
    watched = {r["metadata"]["namespace"] for r in objects if r["kind"] == "Role" and r["metadata"]["name"].endswith("-controller")}
    watched.discard(namespace)
    expressions = webhook.get("namespaceSelector", {}).get("matchExpressions", [])
    chosen = [set(e["values"]) for e in expressions
              if e["key"] == "kubernetes.io/metadata.name" and e["operator"] == "In"]
    findings.require(chosen == ([watched] if watched else []), f"{name} is about namespaces that its controller does not read")
    clusterwide = {"clusterreleasepolicies", "appraisalpolicies", "policybundles"}
    judged = {resource for rule in webhook["rules"] for resource in rule["resources"]} & clusterwide
    read = {resource for role in objects if role["kind"] == "ClusterRole" and role["metadata"]["name"].endswith("-controller")
            for rule in role["rules"] for resource in rule["resources"]}
    findings.require(judged <= read, f"{name} judges kinds that its controller does not read")


def check_authorities(objects, findings):
    """Agents of brokers elsewhere trust what was said for these, not the authority of this release's own."""
    own = {f"https://{i['metadata']['name']}." for i in objects if i["kind"] == "Service" and i["metadata"]["name"].endswith("-broker")}
    for item in (i for i in objects if i["kind"] == "Deployment" and i["metadata"]["name"].endswith("-controller")):
        arguments = [a.partition("=") for a in item["spec"]["template"]["spec"]["containers"][0]["args"]]
        url = [value for flag, _, value in arguments if flag == "--url"]
        elsewhere = [value for flag, _, value in arguments if flag == "--agent-broker-url" and value not in url
                     and not any(value.startswith(prefix) for prefix in own)]
        authorities = [value for flag, _, value in arguments if flag == "--agent-ca"]
        findings.require(
            not elsewhere or authorities in ([], ["/etc/claviger/agent-ca/ca.crt"]),
            f"{title(item)} has agents of {elsewhere} trust the authority of another broker")


def check_opt_out(webhook, findings):
    cases = [({}, True), ({"annotations": {}}, True), ({"annotations": {"claviger.dev/inject": "true"}}, True),
             ({"annotations": {"claviger.dev/inject": "false"}}, False)]
    for metadata, asked in cases:
        answers = [cel.evaluate(c["expression"], {"object": {"metadata": metadata}}) for c in webhook["matchConditions"]]
        findings.require(all(answers) is asked, f"the webhook for pods is wrong about {metadata}")


def samples():
    """By the end of a policy's name: what it lets pass, and what it refuses."""
    release = documents(ROOT / "Policies/image-keys.yaml")[0]
    namespace = release["metadata"]["namespace"]
    foreign = {**release, "spec": {**release["spec"], "match": {"resources": [f"{namespace}x/image-key/*"]}}}
    sample = {**release, "spec": {**release["spec"], "require": {"tees": ["snp", "sample"]}}}
    plain = documents(ROOT / "Policies/kubernetes/copied-secret.yaml")[0]
    made = documents(ROOT / "Policies/kubernetes/generated-key.yaml")[0]
    guardrail = {"metadata": {"name": "a"}, "spec": {"effect": "Guardrail", "when": ["a"]}}
    freed = {**guardrail, "metadata": {"annotations": {"claviger.dev/allow-removal": "true"}}}
    other = {"metadata": {"name": "a"}, "spec": {"match": {}}}
    allowing = {**guardrail, "spec": {"effect": "Allow", "when": ["a"]}}
    emptied = {**guardrail, "spec": {"effect": "Guardrail", "when": ["true"]}}
    pod = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "b"}]}}
    asking = {**pod, "metadata": {"annotations": {"claviger.dev/inject": "true"}}}
    named = {**pod, "metadata": {"annotations": {"claviger.dev/inject": "web"}}}
    foreign_agent = {**asking, "spec": {**pod["spec"], "initContainers": [
        {"name": "claviger-agent", "image": "registry.example/foreign:1", "restartPolicy": "Always"}]}}
    declining = {**pod, "metadata": {"annotations": {"claviger.dev/inject": "false"}}}
    pretended = {**asking, "spec": {**pod["spec"], "initContainers": [{"name": "claviger-agent", "image": "c"}]}}
    exchanged = {**asking, "spec": {**pod["spec"], "initContainers": [{"name": "claviger-agent", "image": "d"}]}}
    led = {**pretended, "metadata": {"annotations": {"claviger.dev/inject": "true", "claviger.dev/agent-config": "{}"}}}
    labelled = {**pretended, "metadata": {**pretended["metadata"], "labels": {"a": "b"}}}
    return {
        "-own-namespace": ([release], [foreign]),
        "-no-sample-evidence": ([release, {"spec": {}}, {"spec": {"require": {}}}], [sample]),
        "-no-plaintext-secrets": ([made], [plain]),
        "-keep-guardrails": (
            [Change(freed, None), Change(other, None), Change(guardrail, freed), Change(freed, allowing), Change(other, guardrail)],
            [Change(guardrail, None), Change(guardrail, allowing), Change(guardrail, emptied),
             Change(guardrail, {**allowing, "metadata": freed["metadata"]})]),
        "-injection-guard": ([pod, declining], [asking, named, pretended, foreign_agent]),
        "-keep-agents": (
            [Change(pretended, labelled), Change(pod, asking), Change(led, {**led, "status": {}})],
            [Change(pretended, exchanged), Change(pretended, led), Change(led, pretended), Change(pretended, pod)]),
    }


class Change:
    """An update, or a removal where there is no new object."""

    def __init__(self, former, new):
        self.former, self.new = former, new

    def __repr__(self):
        return f"the change of {self.former} to {self.new}"


def check_samples(name, policy, findings):
    found = [cases for ending, cases in samples().items() if name.endswith(ending)]
    findings.require(bool(found), f"{name} has no samples")
    for accepted, refused in found:
        for item in accepted:
            findings.require(is_admitted(policy, item), f"{name} refuses {item}")
        for item in refused:
            findings.require(not is_admitted(policy, item), f"{name} lets {item} pass")


def check_own_secret(name, policy, namespace, objects, findings):
    """The controller creates the Secret that it is told to serve from, others what they like."""
    program = next(i for i in objects if i["kind"] == "Deployment" and i["metadata"]["name"].endswith("-controller"))
    pod = program["spec"]["template"]["spec"]
    told = dict(argument.split("=", 1) for argument in pod["containers"][0]["args"] if "=" in argument)
    own = {"metadata": {"name": told["--admission-secret"]}, "type": "Opaque"}
    foreign = {**own, "metadata": {"name": "other"}}
    token = {**own, "type": "kubernetes.io/service-account-token"}
    account = f"system:serviceaccount:{namespace}:{pod['serviceAccountName']}"
    for user, item, expected in ((account, own, True), (account, foreign, False), (account, token, False), ("alice", foreign, True)):
        findings.require(is_admitted(policy, item, user) is expected, f"{name} is wrong about {item} of {user}")


def is_admitted(policy, item, user="alice"):
    change = item if isinstance(item, Change) else Change(None, item)
    values = {"object": change.new, "oldObject": change.former, "variables": {},
              "request": {"userInfo": {"username": user}}}
    if not all(holds(condition, values) for condition in policy["spec"].get("matchConditions", [])):
        return True
    for variable in policy["spec"].get("variables", []):
        values["variables"][variable["name"]] = cel.evaluate(variable["expression"], values)
    return all(holds(validation, values) for validation in policy["spec"]["validations"])


def holds(condition, values):
    """What cannot be evaluated refuses: the policies fail closed."""
    try:
        return cel.evaluate(condition["expression"], values) is True
    except (KeyError, ValueError, TypeError, RuntimeError):
        return False
