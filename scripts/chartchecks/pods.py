"""What runs: the restricted Pod Security Standard, and more."""

from chartchecks.findings import pod_of, title

OWN_PROGRAMS = {"claviger-broker", "claviger-controller", "attestation-agent", "claviger"}


def check_pods(objects, findings):
    for item in objects:
        found = pod_of(item)
        if found is None:
            continue
        pod, labels = found
        development = labels["app.kubernetes.io/component"] == "postgresql"
        check_pod(title(item), pod, development, findings)
        for container in pod.get("initContainers", []) + pod["containers"]:
            check_container(f"{title(item)}, {container['name']}", container, pod, development, findings)
            if item["kind"] == "Deployment" and "--policies=/etc/claviger/policies" not in container["args"]:
                for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                    findings.require(probe in container, f"{title(item)} has no {probe} (peer: AS and RVPS without probes)")


def check_pod(name, pod, development, findings):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, Restricted."""
    findings.require(pod.get("automountServiceAccountToken") is False, f"{name} mounts a service-account token")
    findings.require(pod.get("enableServiceLinks") is False, f"{name} gets the addresses of other services")
    for field in ("hostNetwork", "hostPID", "hostIPC", "hostUsers", "shareProcessNamespace"):
        findings.require(field not in pod, f"{name} has {field}")
    context = pod.get("securityContext", {})
    findings.require(
        context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0,
        f"{name} may run as root (peer: pods without runAsNonRoot)")
    findings.require(context.get("seccompProfile") == {"type": "RuntimeDefault"}, f"{name} has no seccomp profile")
    mounts = {m["name"] for c in pod.get("initContainers", []) + pod["containers"] for m in c.get("volumeMounts", [])}
    claims = {"data"} if development else set()
    findings.require(mounts == {v["name"] for v in pod["volumes"]} | claims, f"{name} mounts other volumes than it has")
    for volume in pod["volumes"]:
        kinds = set(volume) - {"name"}
        allowed = {"configMap", "secret", "projected"} | ({"emptyDir"} if development else set())
        findings.require(kinds <= allowed, f"{name} has a volume {', '.join(kinds)} (peer: state in emptyDir is lost)")
        whole = "secret" in volume and "items" not in volume["secret"]
        findings.require(
            not whole or volume["name"].startswith("extra-"),
            f"{name} mounts all of a Secret (peer: the admin's private key came along)")


def check_container(name, container, pod, development, findings):
    own = container.get("securityContext", {})
    findings.require(own.get("allowPrivilegeEscalation") is False, f"{name} may gain privileges")
    findings.require(
        own.get("readOnlyRootFilesystem") is True, f"{name} has a root file system that can be written (peer: not set)")
    findings.require(own.get("capabilities") == {"drop": ["ALL"]}, f"{name} has capabilities")
    resources = container.get("resources", {})
    findings.require("memory" in resources.get("limits", {}), f"{name} has no limit of memory (peer: no resources at all)")
    findings.require(bool(resources.get("requests")), f"{name} requests nothing (peer: no resources at all)")
    program, _, tag = container["image"].partition("@")[0].rpartition("/")[2].partition(":")
    findings.require(tag not in ("", "latest"), f"{name} runs an image that may change (peer: latest)")
    findings.require(
        program in OWN_PROGRAMS or development, f"{name} runs {program} (peer: busybox, alpine and kubectl beside its own)")
    findings.require(development or not container.get("env"), f"{name} has settings in its environment")
    for variable in container.get("env", []):
        secret = "PASSWORD" in variable["name"] and not variable["name"].endswith("_FILE")
        findings.require(not secret and "value" in variable, f"{name} has a secret in its environment")
    for mount in container.get("volumeMounts", []):
        findings.require("subPath" not in mount, f"{name} mounts by subPath (peer: such files are never updated)")
        findings.require(mount.get("readOnly") or development, f"{name} can write to {mount['name']}")
    arguments = " ".join(container.get("args", []))
    for flag in ("--insecure-http", "--insecure-plaintext", "--allow-http"):
        findings.require(flag not in arguments, f"{name} runs with {flag}")


def check_availability(objects, findings):
    """Deployments of several replicas survive a drain, and their Services find them."""
    deployments = [item for item in objects if item["kind"] == "Deployment"]
    scaled = {item["spec"]["scaleTargetRef"]["name"] for item in objects if item["kind"] == "HorizontalPodAutoscaler"}
    for deployment in deployments:
        name, spec = deployment["metadata"]["name"], deployment["spec"]
        labels = spec["template"]["metadata"]["labels"]
        selector = spec["selector"]["matchLabels"]
        findings.require(selector.items() <= labels.items(), f"Deployment {name} does not find its pods")
        findings.require(not set(selector) & {"helm.sh/chart", "app.kubernetes.io/version"}, f"{name} cannot be upgraded")
        findings.require((name in scaled) != ("replicas" in spec), f"{name}: two say how many replicas there are")
        if spec.get("replicas", 2) < 2:
            continue
        budgets = [b["spec"] for b in objects if b["kind"] == "PodDisruptionBudget"
                   and b["spec"]["selector"]["matchLabels"].items() <= labels.items()]
        findings.require(
            [(b["minAvailable"], b["unhealthyPodEvictionPolicy"]) for b in budgets] == [(1, "AlwaysAllow")],
            f"a drain may take every pod of {name}, or never end (peer: no disruption budget)")
        spread = spec["template"]["spec"].get("topologySpreadConstraints", [])
        findings.require(bool(spread), f"the pods of {name} are not spread (peer: no topology spread)")
        for constraint in spread:
            findings.require(constraint["labelSelector"]["matchLabels"] == selector, f"{name} spreads other pods")
    for service in (item for item in objects if item["kind"] == "Service"):
        check_service(service, objects, findings)


def check_service(service, objects, findings):
    name, spec = title(service), service["spec"]
    findings.require("sessionAffinity" not in spec, f"{name} needs session affinity (peer: sessions live in one pod)")
    pods = [found for found in map(pod_of, objects) if found and spec["selector"].items() <= found[1].items()]
    findings.require(bool(pods), f"{name} finds no pods")
    for pod, _ in pods:
        ports = {port["name"] for container in pod["containers"] for port in container.get("ports", [])}
        for port in spec["ports"]:
            findings.require(port["targetPort"] in ports, f"{name} leads to a port that its pods do not have")
