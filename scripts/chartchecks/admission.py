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
    policies = {i["metadata"]["name"]: i for i in objects if i["kind"] == "ValidatingAdmissionPolicy"}
    bound = {i["spec"]["policyName"]: i for i in objects if i["kind"] == "ValidatingAdmissionPolicyBinding"}
    findings.require(set(policies) == set(bound), "an admission policy is bound to nothing, or a binding to no policy")
    for name, policy in policies.items():
        findings.require(policy["spec"]["failurePolicy"] == "Fail", f"{name} fails open")
        findings.require(bound[name]["spec"]["validationActions"] == ["Deny"], f"{name} does not deny")
        check_samples(name, policy, findings)


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
        return
    expressions = webhook.get("namespaceSelector", {}).get("matchExpressions", [])
    excluded = [set(e["values"]) for e in expressions
                if e["key"] == "kubernetes.io/metadata.name" and e["operator"] == "NotIn"]
    findings.require(
        {"key": "claviger.dev/injection", "operator": "In", "values": ["enabled"]} in expressions
        and excluded and {"kube-system", namespace} <= excluded[0],
        f"{name} is about namespaces that did not ask for it (peer: such webhooks stopped whole clusters)")
    watched = {r["metadata"]["namespace"] for r in objects if r["kind"] == "Role" and r["metadata"]["name"].endswith("-controller")}
    watched.discard(namespace)
    chosen = [set(e["values"]) for e in expressions
              if e["key"] == "kubernetes.io/metadata.name" and e["operator"] == "In"]
    findings.require(chosen == ([watched] if watched else []), f"{name} is about namespaces whose profiles nobody reads")
    check_opt_out(webhook, findings)


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
    guardrail = {"metadata": {"name": "a"}, "spec": {"effect": "Guardrail"}}
    freed = {**guardrail, "metadata": {"annotations": {"claviger.dev/allow-removal": "true"}}}
    other = {"metadata": {"name": "a"}, "spec": {"match": {}}}
    pod = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "b"}]}}
    asking = {**pod, "metadata": {"annotations": {"claviger.dev/inject": "true"}}}
    named = {**pod, "metadata": {"annotations": {"claviger.dev/inject": "web"}}}
    declining = {**pod, "metadata": {"annotations": {"claviger.dev/inject": "false"}}}
    return {
        "-own-namespace": ([release], [foreign]),
        "-no-sample-evidence": ([release, {"spec": {}}, {"spec": {"require": {}}}], [sample]),
        "-no-plaintext-secrets": ([made], [plain]),
        "-keep-guardrails": ([freed, other], [guardrail]),
        "-injection-guard": ([pod, declining], [asking, named]),
    }


def check_samples(name, policy, findings):
    found = [cases for ending, cases in samples().items() if name.endswith(ending)]
    findings.require(bool(found), f"{name} has no samples")
    for accepted, refused in found:
        for item in accepted:
            findings.require(is_admitted(policy, item), f"{name} refuses {item}")
        for item in refused:
            findings.require(not is_admitted(policy, item), f"{name} lets {item} pass")


def is_admitted(policy, item):
    variables = {"object": item, "oldObject": item}
    conditions = policy["spec"].get("matchConditions", [])
    if not all(cel.evaluate(condition["expression"], variables) is True for condition in conditions):
        return True
    return all(cel.evaluate(v["expression"], variables) is True for v in policy["spec"]["validations"])
