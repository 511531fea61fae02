"""Holds that `admission.certificates: Auto` does not take another authority for a release that has one (templates/_checks.tpl).

usage: check-certificates.py VALUES

Helm 3 and 4 ask a small API server that has cert-manager, with and without the Secret that the controller fills.
"""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

import yaml

from structural import TextLoader

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ["demo", "Charts/claviger", "--namespace", "keys", "--set", "admission.certificates=Auto"]
SECRET = "/api/v1/namespaces/keys/secrets/demo-claviger-admission-tls"


def rendered(helm, values, *arguments, environment=None):
    command = [ROOT / "scripts/helm.sh", helm, "template", *RELEASE, "--values", values, *arguments]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT, env=environment)
    return [item for item in yaml.load_all(answer.stdout, TextLoader) if item]


def plural(kind):
    word = kind.lower()
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


def discovery(objects):
    """What a cluster says that knows the kinds of these objects, by path."""
    kinds = {}
    for item in objects:
        kinds.setdefault(item["apiVersion"], {})[item["kind"]] = "namespace" in item["metadata"]
    groups = [version.split("/") for version in kinds if "/" in version]
    answers = {
        "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
            {"name": name, "versions": [{"groupVersion": f"{name}/{version}", "version": version}]} for name, version in groups]},
    }
    for version, names in kinds.items():
        answers[f"/api{'s' if '/' in version else ''}/{version}"] = {
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": [
                {"name": plural(kind), "singularName": kind.lower(), "kind": kind, "namespaced": namespaced, "verbs": ["get"]}
                for kind, namespaced in names.items()]}
    return answers


class Cluster(http.server.ThreadingHTTPServer):
    """Answers what it has, and that there is nothing else."""

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), Answers)
        self.answers = answers


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.server.answers.get(self.path.partition("?")[0])
        body = found or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        text = json.dumps(body).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def is_by_cert_manager(helm, values, answers):
    with Cluster(answers) as cluster, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=cluster.serve_forever, daemon=True).start()
        config = pathlib.Path(folder, "config")
        config.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "a",
            "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{cluster.server_port}"}}],
            "users": [{"name": "a", "user": {}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}), "utf-8")
        environment = {**os.environ, "KUBECONFIG": str(config), "HOME": folder}
        objects = rendered(
            helm, values, "--dry-run=server", "--disable-openapi-validation", "--api-versions", "cert-manager.io/v1",
            environment=environment)
        cluster.shutdown()
    return any(item["kind"] == "Certificate" for item in objects)


def main(values):
    known = rendered("4", values, "--kube-version", "1.36.0", "--api-versions", "cert-manager.io/v1")
    known += rendered("4", values, "--kube-version", "1.36.0")
    answers = discovery(known)
    present = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "demo-claviger-admission-tls", "namespace": "keys", "labels": {
        "app.kubernetes.io/managed-by": "Helm"}, "annotations": {
            "meta.helm.sh/release-name": "demo", "meta.helm.sh/release-namespace": "keys"}}}
    failed = False
    for helm in ("3", "4"):
        if not is_by_cert_manager(helm, values, answers):
            print(f"check-certificates: Helm {helm}: cert-manager is not found by a new release", file=sys.stderr)
            failed = True
        if is_by_cert_manager(helm, values, {**answers, SECRET: present}):
            print(f"check-certificates: Helm {helm}: a release that has certificates gets others", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
