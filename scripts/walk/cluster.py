"""An API server, by a context of the kubeconfig that KUBECONFIG names."""

import json
import os
import ssl
import base64
import urllib.error
import urllib.request

import yaml


class Cluster:
    def __init__(self, context):
        with open(os.environ["KUBECONFIG"], encoding="utf-8") as file:
            config = yaml.safe_load(file)
        chosen = next(c["context"] for c in config["contexts"] if c["name"] == context)
        cluster = next(c["cluster"] for c in config["clusters"] if c["name"] == chosen["cluster"])
        self.bearer = next(u["user"] for u in config["users"] if u["name"] == chosen["user"])["token"]
        self.server = cluster["server"]
        self.authority = cluster["certificate-authority-data"]
        self.trust = ssl.create_default_context(cadata=base64.b64decode(self.authority).decode())

    def send(self, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(
            self.server + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.bearer}", "Content-Type": kind, "Accept": "application/json"})
        with urllib.request.urlopen(request, context=self.trust, timeout=30) as answer:
            return json.load(answer)

    def get(self, path):
        """Nil where there is none."""
        try:
            return self.send("GET", path)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def list(self, path):
        return self.send("GET", path)["items"]

    def patch(self, path, body):
        self.send("PATCH", path, body, "application/merge-patch+json")

    def token(self, namespace, account, audience=None):
        audiences = [audience] if audience else []
        answer = self.send("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
                           {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                            "spec": {"audiences": audiences, "expirationSeconds": 3600}})
        return answer["status"]["token"]

    def kubeconfig(self, namespace, account):
        return json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here", "namespace": namespace}}],
            "clusters": [{"name": "here", "cluster": {"server": self.server, "certificate-authority-data": self.authority}}],
            "users": [{"name": "here", "user": {"token": self.token(namespace, account)}}]})
