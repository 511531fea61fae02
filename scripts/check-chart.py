"""Checks what Helm rendered: strict Kubernetes schemas, the restricted Pod Security Standard, no secret in the chart.

usage: check-chart.py KUBERNETES_VERSION FOLDER < manifests

Writes the broker's configuration to FOLDER/broker.yaml and the policies to FOLDER/policies, for the programs to judge.
"""

import pathlib
import sys

import kubernetes_validate
import yaml


def require(holds, sentence):
    if not holds:
        sys.exit(f"check-chart: {sentence}")


def check_pod(name, pod):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, Restricted, and more."""
    require(pod.get("automountServiceAccountToken") is False, f"{name} mounts a service-account token")
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        require(field not in pod, f"{name} has {field}")
    context = pod["securityContext"]
    require(context["runAsNonRoot"] is True and context["runAsUser"] > 0, f"{name} may run as root")
    require(context["seccompProfile"] == {"type": "RuntimeDefault"}, f"{name} has no seccomp profile")
    mounts = set()
    for container in pod.get("initContainers", []) + pod["containers"]:
        own = container["securityContext"]
        require(own["allowPrivilegeEscalation"] is False, f"{name} may gain privileges")
        require(own["readOnlyRootFilesystem"] is True, f"{name} has a root file system that can be written")
        require(own["capabilities"] == {"drop": ["ALL"]}, f"{name} has capabilities")
        require("memory" in container["resources"]["limits"], f"{name} has no limit of memory")
        require(not container.get("env"), f"{name} has settings in its environment")
        require(not container["image"].endswith(":latest"), f"{name} runs an image that may change")
        mounts |= {mount["name"] for mount in container["volumeMounts"]}
        require(all(mount["readOnly"] for mount in container["volumeMounts"]), f"{name} can write to a volume")
    require(mounts == {volume["name"] for volume in pod["volumes"]}, f"{name} mounts other volumes than it has")


def check_broker(deployment, budgets, services):
    pod = deployment["spec"]["template"]
    labels = pod["metadata"]["labels"]
    [container] = pod["spec"]["containers"]
    for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        require(container[probe]["httpGet"] == {"path": path, "port": "https", "scheme": "HTTPS"}, f"{probe} is wrong")
    require(pod["spec"]["topologySpreadConstraints"], "the brokers are not spread")
    selectors = [deployment["spec"]["selector"]["matchLabels"], services[0]["spec"]["selector"]]
    selectors += [budget["spec"]["selector"]["matchLabels"] for budget in budgets]
    selectors += [spread["labelSelector"]["matchLabels"] for spread in pod["spec"]["topologySpreadConstraints"]]
    for selector in selectors:
        require(selector.items() <= labels.items(), "a selector does not find the brokers")
    if deployment["spec"]["replicas"] > 1:
        require([budget["spec"]["minAvailable"] for budget in budgets] == [1], "a drain may take every broker")


def write_configuration(maps, folder):
    """The text of each ConfigMap, as the programs will find it."""
    for name, data in maps.items():
        for file, text in data.items():
            target = folder / ("policies" if name.endswith("-policies") else ".") / file
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, "utf-8")


def main(version, folder):
    objects = [item for item in yaml.safe_load_all(sys.stdin) if item]
    by_kind = {}
    for item in objects:
        kubernetes_validate.validate(item, version, strict=True)
        by_kind.setdefault(item["kind"], []).append(item)
    require("Secret" not in by_kind, "the chart has a secret of its own")
    for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"):
        require(kind not in by_kind, f"the chart has a {kind}, and nothing of it talks to the API server")
    for definition in by_kind.get("CustomResourceDefinition", []):
        require(definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}, "a definition would go")
    for deployment in by_kind["Deployment"]:
        check_pod(deployment["metadata"]["name"], deployment["spec"]["template"]["spec"])
    broker = [item for item in by_kind["Deployment"] if item["metadata"]["name"].endswith("-broker")]
    check_broker(broker[0], by_kind.get("PodDisruptionBudget", []), by_kind["Service"])
    write_configuration({item["metadata"]["name"]: item["data"] for item in by_kind["ConfigMap"]}, pathlib.Path(folder))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
