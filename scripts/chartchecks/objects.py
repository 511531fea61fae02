"""Each object against the schema of its kind."""

import pathlib

import jsonschema
import kubernetes_validate

from structural import closed, documents, rule_findings

from chartchecks.findings import title

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Kinds of operators that the chart works with: the fields of `spec` that it may use, and those that it must.
FOREIGN = {
    ("monitoring.coreos.com/v1", "ServiceMonitor"): ({"selector", "namespaceSelector", "endpoints"}, {"selector", "endpoints"}),
    ("monitoring.coreos.com/v1", "PodMonitor"): (
        {"selector", "namespaceSelector", "podMetricsEndpoints"}, {"selector", "podMetricsEndpoints"}),
    ("monitoring.coreos.com/v1", "PrometheusRule"): ({"groups"}, {"groups"}),
    ("cert-manager.io/v1", "Issuer"): ({"selfSigned", "ca"}, set()),
    ("cert-manager.io/v1", "Certificate"): (
        {"isCA", "commonName", "secretName", "duration", "renewBefore", "dnsNames", "usages", "privateKey", "issuerRef"},
        {"secretName", "issuerRef"}),
}
CLUSTER_SCOPED = {
    "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
}


class Definitions:
    """The kinds of claviger.dev, as CRDs/ defines them."""

    def __init__(self):
        self.documents = {d["metadata"]["name"]: d for p in sorted((ROOT / "CRDs").glob("*.yaml")) for d in documents(p)}
        self.validators = {}
        for document in self.documents.values():
            structural = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            schema = closed(structural)
            schema["properties"]["metadata"] = {"type": "object"}
            kind = document["spec"]["names"]["kind"]
            self.validators[kind] = (jsonschema.Draft7Validator(schema), structural)

    def findings(self, item):
        validator, structural = self.validators[item["kind"]]
        found = [error.message for error in validator.iter_errors(item)]
        return found or rule_findings(item, structural, "")

    def check_rendered(self, item, version, findings):
        """A rendered definition is the one in CRDs/, kept when the release goes."""
        metadata = item["metadata"]
        findings.require(metadata.pop("annotations", {}) == {"helm.sh/resource-policy": "keep"}, f"{title(item)} would go")
        metadata.pop("labels", None)
        original = self.documents.get(metadata["name"])
        if version == "1.29":
            for part in original["spec"]["versions"]:
                part.pop("selectableFields", None)
        findings.require(item == original, f"{title(item)} is not the definition in CRDs/")


def check_objects(objects, version, findings):
    definitions = Definitions()
    seen = set()
    for item in objects:
        name = title(item)
        group = item["apiVersion"].partition("/")[0]
        foreign = FOREIGN.get((item["apiVersion"], item["kind"]))
        if group == "claviger.dev":
            for sentence in definitions.findings(item):
                findings.require(False, f"{name}: {sentence}")
        elif foreign:
            allowed, required = foreign
            findings.require(set(item["spec"]) <= allowed and required <= set(item["spec"]), f"{name} has other fields")
        else:
            try:
                kubernetes_validate.validate(item, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                findings.require(False, f"{name}: {error.message} at {'.'.join(map(str, error.path))}")
            except kubernetes_validate.SchemaNotFoundError:
                findings.require(False, f"{name}: there is no {item['kind']} of {item['apiVersion']} in Kubernetes {version}")
        identity = (item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"])
        findings.require(identity not in seen, f"{name} is there twice")
        seen.add(identity)
        findings.require(
            ("namespace" in item["metadata"]) == (item["kind"] not in CLUSTER_SCOPED), f"{name} has a wrong scope")
        if item["kind"] == "CustomResourceDefinition":
            definitions.check_rendered(item, version, findings)
        else:
            labels = item["metadata"].get("labels", {})
            extra = name.endswith(("-extra", "-text"))
            for label in ("name", "instance", "component", "version", "managed-by", "part-of"):
                findings.require(extra or f"app.kubernetes.io/{label}" in labels, f"{name} has no label {label}")
