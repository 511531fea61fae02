"""Breaks good manifests in every way that check-chart.py looks for, and asks whether it sees that.

usage: chart-mutants.py NAMESPACE PROGRAMS FRESH DEVELOPMENT CERT_MANAGER ADMISSION_POLICY, the last ones being manifests
"""

import copy
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


class Quiet(Findings):
    def require(self, holds, sentence):
        if not holds:
            self.sentences.append(sentence)


class Manifests:
    """Ways to the parts of the manifests that are broken."""

    def __init__(self, objects):
        self.objects = objects

    def find(self, kind, ending=""):
        return next(i for i in self.objects if i["kind"] == kind and i["metadata"]["name"].endswith(ending))

    def pod(self, ending="-broker"):
        return self.find("Deployment", ending)["spec"]["template"]["spec"]

    def container(self, ending="-broker"):
        return self.pod(ending)["containers"][0]

    def drop(self, kind, ending=""):
        self.objects.remove(self.find(kind, ending))


def setting(path, value):
    """A change of one value: the last step of the path is set, or removed where the value is ..."""
    def change(part):
        for step in path[:-1]:
            part = part[step]
        if value is ...:
            del part[path[-1]]
        else:
            part[path[-1]] = value
    return change


def on(where, *arguments):
    def mutation(path, value):
        return lambda manifests: setting(path, value)(getattr(manifests, where)(*arguments))
    return mutation


broker, pod = on("container"), on("pod")
controller = on("container", "-controller")
deployment, role = on("find", "Deployment", "-broker"), on("find", "ClusterRole", "-controller")


def with_rule(manifests):
    manifests.find("ClusterRole", "-controller")["rules"].append(
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]})


def with_hook(manifests):
    manifests.find("ConfigMap", "-broker")["metadata"]["annotations"] = {"helm.sh/hook": "pre-install"}


def with_text(text):
    def mutation(manifests):
        manifests.find("ConfigMap", "-broker")["data"]["note"] = text
    return mutation


def with_volume(manifests):
    manifests.pod()["volumes"].append({"name": "state", "emptyDir": {}})
    manifests.container()["volumeMounts"].append({"name": "state", "mountPath": "/state"})


def with_whole_secret(manifests):
    volume = next(v for v in manifests.pod()["volumes"] if v["name"] == "kek")
    del volume["secret"]["items"]


def with_namespace(manifests):
    manifests.objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "a", "labels": {"pod-security.kubernetes.io/enforce": "privileged"}}})


def with_setting(old, new):
    def mutation(manifests):
        data = manifests.find("ConfigMap", "-broker")["data"]
        assert old in data["broker.yaml"], old
        data["broker.yaml"] = data["broker.yaml"].replace(old, new)
    return mutation


def with_argument(old, new):
    def mutation(manifests):
        arguments = manifests.container("-controller")["args"]
        place = next(i for i, argument in enumerate(arguments) if argument.startswith(old))
        arguments[place] = new
    return mutation


def twice(manifests):
    manifests.objects.append(copy.deepcopy(manifests.find("Service", "-broker")))


def with_schema(manifests):
    definition = manifests.find("CustomResourceDefinition", "releasepolicies.claviger.dev")
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = "another"


def without_label(manifests):
    del manifests.find("Service", "-broker")["metadata"]["labels"]["app.kubernetes.io/instance"]


webhook, injector = on("find", "ValidatingWebhookConfiguration"), on("find", "MutatingWebhookConfiguration")
guardrail = on("find", "ValidatingAdmissionPolicy", "-own-namespace")
MUTANTS = [
    ("mounts a service-account token", pod(["automountServiceAccountToken"], True)),
    ("gets the addresses", pod(["enableServiceLinks"], True)),
    ("hostNetwork", pod(["hostNetwork"], True)),
    ("may run as root", pod(["securityContext", "runAsNonRoot"], False)),
    ("may run as root", pod(["securityContext", "runAsUser"], 0)),
    ("no seccomp profile", pod(["securityContext", "seccompProfile"], ...)),
    ("state in emptyDir", with_volume),
    ("all of a Secret", with_whole_secret),
    ("may gain privileges", broker(["securityContext", "allowPrivilegeEscalation"], True)),
    ("can be written", broker(["securityContext", "readOnlyRootFilesystem"], False)),
    ("has capabilities", broker(["securityContext", "capabilities"], {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]})),
    ("no limit of memory", broker(["resources", "limits"], {})),
    ("requests nothing", broker(["resources", "requests"], ...)),
    ("may change", broker(["image"], "registry.example/claviger/claviger-broker:latest")),
    ("may change", broker(["image"], "registry.example/claviger/claviger-broker")),
    ("runs busybox", broker(["image"], "docker.io/library/busybox:1")),
    ("settings in its environment", broker(["env"], [{"name": "A", "value": "b"}])),
    ("secret in its environment", broker(["env"], [{"name": "PGPASSWORD", "value": "b"}])),
    ("by subPath", broker(["volumeMounts", 0, "subPath"], "broker.yaml")),
    ("can write to", broker(["volumeMounts", 0, "readOnly"], False)),
    ("runs with --insecure-plaintext", broker(["args", 0], "--insecure-plaintext")),
    ("has no option --conf", broker(["args", 0], "--conf")),
    ("has no option --prune-all", controller(["args", 0], "--prune-all")),
    ("has no readinessProbe", broker(["readinessProbe"], ...)),
    ("does not find its pods", deployment(["spec", "selector", "matchLabels", "app.kubernetes.io/component"], "other")),
    ("two say how many", deployment(["spec", "replicas"], ...)),
    ("a drain may take every pod", lambda m: m.drop("PodDisruptionBudget", "-broker")),
    ("a drain may take every pod", lambda m: m.drop("PodDisruptionBudget", "-controller")),
    ("are not spread", pod(["topologySpreadConstraints"], [])),
    ("session affinity", on("find", "Service", "-broker")(["spec", "sessionAffinity"], "ClientIP")),
    ("finds no pods", on("find", "Service", "-broker")(["spec", "selector", "app.kubernetes.io/component"], "other")),
    ("do not have", on("find", "Service", "-broker")(["spec", "ports", 0, "targetPort"], "http")),
    ("a secret of its own", on("find", "Secret")(["stringData"], {"password": "trustee"})),
    ("is a hook", with_hook),
    ("changes namespaces", with_namespace),
    ("filled in by hand", with_text("tag: <se.tag>")),
    ("has a private key", with_text("-----BEGIN PRIVATE KEY-----")),
    ("do everything", role(["rules", 0, "verbs"], ["*"])),
    ("may delete", role(["rules", 0, "verbs"], ["delete"])),
    ("Secrets that it does not name", with_rule),
    ("not the one of docs/controller.md", with_rule),
    ("not the one of docs/controller.md", role(["rules", 1, "verbs"], ["patch", "update"])),
    ("anybody's Lease", on("find", "Role", "-controller")(["rules", 1, "resourceNames"], ...)),
    ("Role is not the one of docs/controller.md", on("find", "Role", "-controller")(["rules", 0, "verbs"], ["create", "list"])),
    ("anybody's webhooks", on("find", "ClusterRole", "-admission")(["rules", 0, "resourceNames"], ...)),
    ("people or groups", on("find", "ClusterRoleBinding")(["subjects", 0], {"kind": "Group", "name": "a", "namespace": "b"})),
    ("bound to nobody", on("find", "ClusterRoleBinding")(["subjects", 0, "name"], "somebody")),
    ("not denied what nobody named", lambda m: m.drop("NetworkPolicy", "-default-deny")),
    ("can be reached", on("find", "NetworkPolicy", "-broker")(["spec", "ingress", 0, "ports", 0, "port"], 9090)),
    ("every port", on("find", "NetworkPolicy", "-broker")(["spec", "egress", 0], {"to": []})),
    ("fails open", webhook(["webhooks", 0, "failurePolicy"], "Ignore")),
    ("may hang", webhook(["webhooks", 0, "sideEffects"], "Some")),
    ("leads nowhere", webhook(["webhooks", 0, "clientConfig", "service", "name"], "other")),
    ("keep objects from being deleted", webhook(["webhooks", 0, "rules", 0, "operations"], ["CREATE", "DELETE"])),
    ("keep finalizers", webhook(["webhooks", 0, "matchConditions"], [])),
    ("namespaces that its controller does not read", webhook(["webhooks", 0, "namespaceSelector"], {"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a"]}]})),
    ("kinds that its controller does not read", on("find", "ClusterRole", "-controller")(["rules"], [])),
    ("trust the authority of another broker", with_argument("--agent-broker-url=", "--agent-broker-url=https://other.example")),
    ("did not ask for it", injector(["webhooks", 0, "namespaceSelector"], {})),
    ("is wrong about", injector(["webhooks", 0, "matchConditions", 0, "expression"], "true")),
    ("fails open", guardrail(["spec", "failurePolicy"], "Ignore")),
    ("pass", guardrail(["spec", "validations", 0, "expression"], "true")),
    ("refuses", guardrail(["spec", "validations", 0, "expression"], "false")),
    ("pass", on("find", "ValidatingAdmissionPolicy", "-keep-agents")(["spec", "validations", 0, "expression"], "true")),
    ("pass", on("find", "ValidatingAdmissionPolicy", "-keep-agents")(["spec", "validations", 1, "expression"], "true")),
    ("bound to nothing", lambda m: m.drop("ValidatingAdmissionPolicyBinding", "-own-namespace")),
    ("does not deny", on("find", "ValidatingAdmissionPolicyBinding")(["spec", "validationActions"], ["Warn"])),
    ("serves without TLS", with_setting("certificateFile:", "insecurePlaintext: true\n  certificateFile:")),
    ("goes on when its configuration changes", with_setting("0.0.0.0:8080", "0.0.0.0:8081")),
    ("accepted in production (A45)", with_setting("listen:", "attestation: {allowSample: true}\nlisten:")),
    ("may do other things at the broker", with_setting("^/claviger/v1/policies/status$", "^/kbs/.+$")),
    ("may do other things at the broker", with_setting("- PUT\n", "- PUT\n    - GET\n")),
    ("is there twice", twice),
    ("would go", on("find", "CustomResourceDefinition")(["metadata", "annotations"], {})),
    ("not the definition in CRDs/", with_schema),
    ("has no label instance", without_label),
    ("wrong scope", on("find", "Service", "-broker")(["metadata", "namespace"], ...)),
    ("replcas", deployment(["spec", "replcas"], 2)),
    ("there is no Deployment of apps/v2", deployment(["apiVersion"], "apps/v2")),
]


admission_role = on("find", "ClusterRole", "-admission")
own_role = on("find", "Role", "-controller")
MUTANTS += [
    ("not the one of docs/injection.md", admission_role(["rules", 0, "verbs"], ["get"])),
    ("not the one of docs/injection.md", admission_role(["rules", 1], ...)),
    ("is about foreign objects", admission_role(["rules", 1, "verbs"], ["get", "list"])),
    ("is about foreign objects", admission_role(["rules", 1, "resources"], ["pods", "nodes"])),
    ("Secrets that it does not name", own_role(["rules", 3, "verbs"], ["create", "get"])),
    ("Role is not the one of docs/controller.md", own_role(["rules", 2, "verbs"], ["get", "list", "watch", "update", "patch"])),
    ("Role is not the one of docs/controller.md", own_role(["rules", 3], ...)),
]
only_own = on("find", "ValidatingAdmissionPolicy", "-own-secret")
MUTANTS += [
    ("-own-secret is wrong about", only_own(["spec", "validations", 0, "expression"], "true")),
    ("-own-secret is wrong about", only_own(["spec", "validations", 0, "expression"], "object.type == 'Opaque'")),
    ("-own-secret is wrong about", only_own(["spec", "matchConditions"], [])),
]
database, trial = on("find", "NetworkPolicy", "-postgresql"), on("find", "NetworkPolicy", "-test")
DEVELOPMENT = [
    ("postgresql is open to others than the broker", database(["spec", "ingress", 0, "from"], ...)),
    ("postgresql is open to others than the broker", database(["spec", "ingress", 0, "from"], [{}])),
    ("postgresql is open to others than the broker", database(
        ["spec", "ingress", 0, "from", 0, "podSelector", "matchLabels", "app.kubernetes.io/component"], "test")),
    ("may talk to others than the broker", trial(["spec", "egress", 1, "to"], ...)),
]


def with_own_secret(manifests):
    name = manifests.find("Certificate", "-admission")["spec"]["secretName"]
    manifests.objects.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "keys"}})


def with_whole_certificate(manifests):
    volume = next(v for v in manifests.pod("-controller")["volumes"] if v["name"] == "admission")
    del volume["secret"]["items"]


CERT_MANAGER = [
    ("goes into a Secret of the chart's", with_own_secret),
    ("is another authority when it is renewed", on("find", "Certificate", "-admission-ca")(["spec", "privateKey", "rotationPolicy"], "Always")),
    ("is another authority when it is renewed", on("find", "Certificate", "-admission-ca")(["spec", "privateKey", "rotationPolicy"], ...)),
    ("not the one of docs/injection.md", admission_role(["rules", 0, "verbs"], ["get", "patch"])),
    ("all of a Secret", with_whole_certificate),
]


def by_name_alone(manifests):
    """The guard takes any container of the agent's name for the agent."""
    agent = "has(object.spec.initContainers) && object.spec.initContainers.exists(c, c.name == 'claviger-agent')"
    for validation in manifests.find("ValidatingAdmissionPolicy", "-injection-guard")["spec"]["validations"]:
        validation["expression"] = f"{agent} || ({validation['expression']})"


ADMISSION_POLICY = [("'registry.example/foreign:1', 'restartPolicy': 'Always'}]}} pass", by_name_alone)]


def sentences(objects, namespace, programs, fragment):
    findings = Quiet()
    try:
        check_pods(objects, findings)
        check_availability(objects, findings)
        check_arguments(objects, programs, findings)
        check_access(objects, findings)
        check_documented(objects, findings)
        check_admission(objects, namespace, findings)
        check_configuration(objects, findings)
    except KeyError as error:
        findings.require(False, f"a check ended early: {error}")
    # It takes a second, so only where nothing else sees it.
    if not any(fragment in sentence for sentence in findings.sentences):
        check_objects(objects, "1.36", findings)
    return findings.sentences


def main(namespace, programs, *paths):
    failed = False
    count = 0
    for path, mutants in zip(paths, (MUTANTS, DEVELOPMENT, CERT_MANAGER, ADMISSION_POLICY), strict=True):
        with open(path, encoding="utf-8") as file:
            original = [item for item in yaml.load_all(file, TextLoader) if item]
        for fragment, mutation in mutants:
            objects = copy.deepcopy(original)
            mutation(Manifests(objects))
            found = sentences(objects, namespace, programs, fragment)
            count += 1
            if not any(fragment in sentence for sentence in found):
                print(f"chart-mutants: nobody says “{fragment}”; what was said: {found}", file=sys.stderr)
                failed = True
    if not failed:
        print(f"chart-mutants: {count} ways to break the manifests are seen")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
