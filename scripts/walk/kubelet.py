"""Plays the nodes and the controllers of a cluster for an API server that has none: runs the programs of Deployments and pods on this
machine, with what they mount, and writes the status that others wait for.

usage: kubelet.py CONTEXT PROGRAMS FOLDER PORTS, with PORTS such as {"broker": 8080, "health": 8081, "admission": 8443}

One process stands for all replicas. Names of Services lead to this machine. What the programs log is in FOLDER/logs/POD/CONTAINER.
"""

import base64
import hashlib
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import yaml

from cluster import Cluster

PROGRAMS = {"claviger", "claviger-broker", "claviger-controller", "attestation-agent"}
TRUE = {"status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "Walked", "message": ""}


class Node:
    def __init__(self, context, programs, folder, ports):
        self.cluster = Cluster(context)
        self.context = context
        self.programs = pathlib.Path(programs).resolve()
        self.folder = pathlib.Path(folder).resolve()
        self.ports = ports
        self.running = {}
        self.ended = set()

    # Mounts

    def place(self, namespace, pod, volume, target):
        """Makes the files of a volume; false while something is missing, as a kubelet waits."""
        target.mkdir(parents=True, exist_ok=True)
        sources = volume.get("projected", {}).get("sources", []) or [volume]
        for source in sources:
            token = source.get("serviceAccountToken")
            if token:
                account = pod["spec"].get("serviceAccountName", "default")
                text = self.cluster.token(namespace, account, token.get("audience"))
                (target / token["path"]).write_text(text, "utf-8")
            for item in source.get("downwardAPI", {}).get("items", []):
                (target / item["path"]).write_text(self.field(namespace, pod, item["fieldRef"]["fieldPath"]), "utf-8")
            for kind, plural, member in (("secret", "secrets", "secretName"), ("configMap", "configmaps", "name")):
                if kind in source:
                    named = source[kind].get(member) or source[kind]["name"]
                    found = self.cluster.get(f"/api/v1/namespaces/{namespace}/{plural}/{named}")
                    if found is None:
                        return f"the {kind} {named} is missing"
                    missing = self.copy(found, source[kind].get("items"), target, kind == "secret")
                    if missing:
                        return f"the {kind} {named} has no {missing}"
        return None

    @staticmethod
    def field(namespace, pod, path):
        annotation = re.fullmatch(r"metadata\.annotations\['(.*)'\]", path)
        if annotation:
            return pod["metadata"]["annotations"][annotation.group(1)]
        return {"metadata.namespace": namespace, "metadata.name": pod["metadata"].get("name", "pod-1")}[path]

    @staticmethod
    def copy(found, items, target, is_secret):
        data = {name: base64.b64decode(text) if is_secret else text.encode() for name, text in (found.get("data") or {}).items()}
        for item in items or [{"key": name, "path": name} for name in data]:
            if item["key"] not in data:
                return item["key"]
            path = target / item["path"]
            path.unlink(missing_ok=True)
            path.write_bytes(data[item["key"]])
            path.chmod(0o400 if is_secret else 0o444)
        return None

    def mount(self, namespace, pod, container, folder):
        """The folders of a container, by the paths at which it has them; or a sentence about what is missing."""
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        places = {}
        for mount in container.get("volumeMounts", []):
            target = folder / mount["name"]
            problem = self.place(namespace, pod, volumes[mount["name"]], target)
            if problem:
                return problem
            places[mount["mountPath"]] = str(target)
        return places

    # Programs

    def here(self, text, places):
        """A path, an address or a file's text as it is on this machine."""
        for path in sorted(places, key=len, reverse=True):
            text = text.replace(path, places[path])
        broker = f"localhost:{self.ports['broker']}"
        text = re.sub(r"(?<=https://)(claviger-broker\.claviger\.svc|keys\.example):8080", broker, text)
        # The agent's port is one of its pod; pods have no network of their own here.
        text = text.replace("127.0.0.1:8006", "127.0.0.1:0")
        return text.replace("0.0.0.0:8080", f"127.0.0.1:{self.ports['broker']}")

    def command(self, namespace, pod, container, places, folder):
        program = container["image"].rpartition("/")[2].partition("@")[0].partition(":")[0]
        if program not in PROGRAMS:
            return None
        for path in list(places):
            for file in pathlib.Path(places[path]).iterdir():
                # What names other files or addresses is written anew.
                if file.suffix in (".yaml", ".json") and file.is_file():
                    text = file.read_text("utf-8")
                    file.chmod(0o600)
                    file.write_text(self.here(text, places), "utf-8")
        arguments = [self.here(argument, places) for argument in container.get("args", [])]
        if program == "claviger-controller":
            config = folder / "kubeconfig"
            config.write_text(self.cluster.kubeconfig(namespace, pod["spec"]["serviceAccountName"]), "utf-8")
            arguments = [re.sub(r"^--health-address=.*", f"--health-address=127.0.0.1:{self.ports['health']}", a) for a in arguments]
            arguments = [re.sub(r"^--admission-address=.*", f"--admission-address=127.0.0.1:{self.ports['admission']}", a)
                         for a in arguments]
            arguments += ["--kubeconfig", str(config)]
            if any(a.startswith("--admission-address") for a in arguments):
                arguments += ["--admission-host", "localhost"]
        return [str(self.programs / program), *arguments]

    def start(self, name, namespace, pod, container):
        """A process, or a sentence about why there is none yet. A container of somebody else's program is said to run."""
        folder = self.folder / "mounts" / name
        folder.mkdir(parents=True, exist_ok=True)
        places = self.mount(namespace, pod, container, folder)
        if isinstance(places, str):
            return places
        command = self.command(namespace, pod, container, places, folder)
        log = self.folder / "logs" / name
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as file:
            return subprocess.Popen(command or ["sleep", "86400"], stdout=file, stderr=file, stdin=subprocess.DEVNULL)

    def stop(self, name):
        process, _ = self.running.pop(name, (None, None))
        if process is None:
            return
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            print(f"kubelet: {name} did not end within 30 s of SIGTERM", file=sys.stderr, flush=True)
        shutil.rmtree(self.folder / "mounts" / name, ignore_errors=True)

    def is_ready(self, container):
        probe = container.get("readinessProbe", {}).get("httpGet")
        if not probe:
            return True
        port = self.ports["broker" if probe.get("scheme") == "HTTPS" else "health"]
        url = f"{probe.get('scheme', 'HTTP').lower()}://localhost:{port}{probe['path']}"
        return subprocess.run(["curl", "--silent", "--fail", "--insecure", "--max-time", "5", "--output", "/dev/null", url],
                              check=False).returncode == 0

    # Objects

    def deployment(self, item):
        meta, spec = item["metadata"], item["spec"]
        name, replicas = f"{meta['namespace']}-{meta['name']}", spec.get("replicas", 1)
        digest = hashlib.sha256(json.dumps(spec["template"], sort_keys=True).encode()).hexdigest()
        process, known = self.running.get(name, (None, None))
        if process is not None and (replicas == 0 or known != digest or process.poll() is not None):
            self.stop(name)
            process = None
        ready = 0
        if replicas and process is None:
            container = spec["template"]["spec"]["containers"][0]
            process = self.start(name, meta["namespace"], spec["template"], container)
            if isinstance(process, str):
                print(f"kubelet: {name}: {process}", file=sys.stderr, flush=True)
            else:
                self.running[name] = (process, digest)
        elif replicas and self.is_ready(spec["template"]["spec"]["containers"][0]):
            ready = replicas
        status = {"observedGeneration": meta.get("generation", 1), "replicas": replicas, "updatedReplicas": replicas,
                  "readyReplicas": ready, "availableReplicas": ready, "unavailableReplicas": replicas - ready,
                  "conditions": [{"type": "Available", **TRUE, "status": str(ready == replicas)},
                                 {"type": "Progressing", **TRUE, "reason": "NewReplicaSetAvailable"}]}
        self.tell(item, "deployments", "apps/v1", status)

    def pod(self, item):
        meta, spec = item["metadata"], item["spec"]
        name = f"{meta['namespace']}-{meta['name']}"
        if name in self.ended or name in self.running:
            return
        sidecars = [c for c in spec.get("initContainers", []) if c.get("restartPolicy") == "Always"]
        if sidecars:
            # Ready or not is the agent's to say; nothing here waits for it.
            process = self.start(f"{name}-{sidecars[0]['name']}", meta["namespace"], item, sidecars[0])
            if isinstance(process, str):
                print(f"kubelet: {name}: {process}", file=sys.stderr, flush=True)
                return
            self.running[name] = (process, None)
            self.tell(item, "pods", "v1", {"phase": "Pending"})
            return
        self.ended.add(name)
        for container in spec.get("initContainers", []) + spec["containers"]:
            process = self.start(f"{name}-{container['name']}", meta["namespace"], item, container)
            if isinstance(process, str) or process.wait(120) != 0:
                self.tell(item, "pods", "v1", {"phase": "Failed"})
                return
        self.tell(item, "pods", "v1", {"phase": "Succeeded"})

    def tell(self, item, plural, version, status):
        if all(item.get("status", {}).get(name) == value for name, value in status.items()):
            return
        meta = item["metadata"]
        root = "/api/v1" if version == "v1" else f"/apis/{version}"
        path = f"{root}/namespaces/{meta['namespace']}/{plural}/{meta['name']}/status"
        self.cluster.patch(path, {"status": status})

    def look(self):
        present = set()
        for item in self.cluster.list("/apis/apps/v1/deployments"):
            present.add(f"{item['metadata']['namespace']}-{item['metadata']['name']}")
            self.deployment(item)
        for item in self.cluster.list("/api/v1/pods"):
            name = f"{item['metadata']['namespace']}-{item['metadata']['name']}"
            present.add(name)
            self.pod(item)
        for item in self.cluster.list("/apis/policy/v1/poddisruptionbudgets"):
            self.tell(item, "poddisruptionbudgets", "policy/v1", {
                "observedGeneration": item["metadata"].get("generation", 1), "currentHealthy": 2, "desiredHealthy": 1,
                "expectedPods": 2, "disruptionsAllowed": 1})
        for item in self.cluster.list("/api/v1/services"):
            if item["spec"].get("type") == "LoadBalancer":
                self.tell(item, "services", "v1", {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})
        for name in set(self.running) - present:
            self.stop(name)
        self.ended &= present

    def run(self):
        while True:
            try:
                self.look()
            except (OSError, KeyError) as error:
                print(f"kubelet: {error!r}", file=sys.stderr, flush=True)
            time.sleep(0.3)


def end(*_):
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    node = Node(sys.argv[1], sys.argv[2], sys.argv[3], yaml.safe_load(sys.argv[4]))
    try:
        node.run()
    finally:
        for one in list(node.running):
            node.stop(one)
