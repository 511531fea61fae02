"""Runs the commands of the documentation, block by block, and looks at what came of them.

usage: walk.py FOLDER BROKER_PORT
"""

import os
import pathlib
import re
import subprocess
import sys
import time

import yaml

from cluster import Cluster
from pages import ROOT, WALKED, blocks

PRODUCTION_ISSUER = "https://kubernetes.default.svc.cluster.local"


class Walk:
    def __init__(self, folder, port):
        self.folder = pathlib.Path(folder)
        self.here = self.folder / "here"
        self.port = port
        self.decision = None
        self.trace = ""
        (self.here / "Charts").symlink_to(ROOT / "Charts")
        self.issuer = {name: Cluster(name).send("GET", "/.well-known/openid-configuration")["issuer"] for name in ("keys", "east")}

    # What is run

    def sh(self, text, place="between", stdin="", where=None, **environment):
        done = subprocess.run(
            ["timeout", "--kill-after=5", "90", "bash", "-euxo", "pipefail", "-c", text], cwd=where or self.here, input=stdin, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **environment})
        self.trace += done.stdout
        if done.returncode != 0:
            self.fail(f"{place} ends with status {done.returncode}:\n{done.stdout}")
        return done.stdout

    def fail(self, sentence):
        print(f"docs-walk: {sentence}", file=sys.stderr)
        for log in sorted(self.folder.glob("*/logs/*")) + sorted(self.folder.glob("kubelet-*.log")):
            print(f"-- {log.relative_to(self.folder)}", *log.read_text("utf-8", "replace").splitlines()[-12:], sep="\n", file=sys.stderr)
        sys.exit(1)

    def until(self, what, look):
        for _ in range(240):
            found = look()
            if found:
                return found
            time.sleep(0.25)
        return self.fail(f"{what} does not happen")

    def expect(self, text, *words):
        for word in words:
            if not re.search(word, text):
                self.fail(f"“{word}” is not in\n{text}")

    def adapted(self, text):
        """Who copies a command fills in what is his; the broker is at another port of this machine."""
        text = text.replace("localhost:8080", f"localhost:{self.port}").replace("sha256:…", "sha256:" + "0" * 64)
        return re.sub(r"\bexplain ID\b", f"explain {self.decision}", text)

    def write(self, name, text):
        document = self.adapted(text)
        if name == "east.yaml":
            document = document.replace("identity: {", f"identity: {{issuer: {self.issuer['east']}, ")
        if name == "signed.yaml":
            document = document.replace(PRODUCTION_ISSUER, self.issuer["east"])
        if name == "values.yaml":
            document += f"controller: {{identity: {{issuer: {self.issuer['keys']}}}}}\n"
        (self.here / name).write_text(document, "utf-8")

    def walk(self):
        count, later = 0, []
        for block in (block for page in WALKED for block in blocks(page)):
            place = f"{block.page}, “{block.heading}”"
            if block.language == "yaml":
                before = getattr(self, "yaml_" + self.key(block), None)
                if block.file:
                    self.write(block.file, block.text)
                elif before:
                    before(block)
            if block.language != "sh" or block.reason:
                continue
            count += 1
            began = time.monotonic()
            if "helm uninstall" in block.text:
                later.append((block, place))
                continue
            options = getattr(self, "before_" + self.key(block), lambda _: {})(block)
            output = self.sh(self.adapted(block.text), place, **options)
            getattr(self, "after_" + self.key(block), lambda *_: None)(block, output)
            if os.environ.get("KEEP"):
                print(f"docs-walk: {time.monotonic() - began:.1f} s: {place}", file=sys.stderr, flush=True)
        self.sh("kubectl delete brokeredsecrets --all --all-namespaces")
        for block, place in later:
            self.sh(self.adapted(block.text), place)
        left = self.sh("kubectl get crd --output name")
        if "claviger.dev" in left.replace("--output", ""):
            self.fail(f"definitions are left: {left}")
        # What finds nothing may not be looking.
        if count < 16:
            self.fail(f"only {count} blocks of commands were found")
        print(f"docs-walk: {count} blocks of commands in {len(WALKED)} pages")

    @staticmethod
    def key(block):
        return re.sub(r"\W+", "_", block.heading.lower()).strip("_")

    # docs/install.md

    def before_four_secrets(self, _):
        return {"stdin": os.environ["WALK_DATABASE"]}

    def after_four_secrets(self, _, output):
        # A46: nothing that was made is shown, although the shell traces everything.
        for secret in ("kek", "url", "ca.key", "tls.key", "admin/admin-key.pem", "admin/admin-token"):
            for line in (self.here / secret).read_text("utf-8").splitlines():
                if len(line) > 20 and not line.startswith("-----") and line.removeprefix("1:") in output:
                    self.fail(f"A46: {secret} is shown")
        names = self.sh("kubectl -n claviger get secrets --output name")
        self.expect(names, "claviger-database", "claviger-kek", "claviger-tls", "claviger-admin")

    def after_install(self, block, output):
        if "helm test" in block.text:
            self.expect(output, "STATUS: deployed", "Phase: +Succeeded")
        elif "openid-configuration" in block.text:
            self.expect(output, re.escape(self.issuer["keys"]))
        elif "policy status" in block.text:
            self.expect(output, "generation")

    def yaml_to_try_things_out(self, block):
        values = yaml.safe_load(block.text)
        # The database is there already, and so is the Secret.
        del values["development"]["postgresql"]
        (self.here / "try.yaml").write_text(yaml.safe_dump(values), "utf-8")

    def before_to_try_things_out(self, _):
        # In place of the first of the four, so in a cluster that does not have it.
        (self.here / "try").mkdir()
        self.sh("kubectl --context east create namespace claviger")
        return {"where": self.here / "try", "WALK_CONTEXT": "east"}

    def after_to_try_things_out(self, *_):
        password = (self.here / "try/password").read_text("utf-8")
        self.expect((self.here / "try/url").read_text("utf-8"), f":{password}@claviger-postgresql/claviger$")
        self.sh("kubectl --context east -n claviger get secret claviger-database && kubectl --context east delete namespace claviger")

    # docs/kubernetes.md

    def after_the_first_secret_and_the_first_policy(self, block, output):
        if "wait" in block.text:
            self.expect(output, "condition met", "brokeredsecret.*ledger", "releasepolicy.*ledger", "agentprofile.*ledger")
            self.sh("kubectl -n payments wait --for=condition=Ready brokeredsecret/ledger-key agentprofile/ledger")
            # What another tenant has, and what does not compile, is refused as it is applied.
            for change, words in (("s#payments/data-key/\\*#other/data-key/*#", "resources of its own namespace"),
                                  ("s#status: affirming#status: splendid#", "splendid")):
                text = self.sh(f"! sed '{change}' payments.yaml | kubectl apply --dry-run=server -f - 2>&1")
                self.expect(text, words)

    def yaml_one_label_one_annotation(self, block):
        # There is no confidential hardware: the broker of the walk believes samples, and the policy does not.
        self.sh("helm upgrade claviger Charts/claviger --namespace claviger --values values.yaml --values try.yaml --wait")
        self.expect(self.sh("helm test claviger --namespace claviger"), "test-attestation", "Phase: +Succeeded")
        (self.here / "pod.yaml").write_text(self.adapted(block.text), "utf-8")
        self.sh("kubectl apply -f pod.yaml")
        agent = self.sh("kubectl -n payments get pod ledger --output 'jsonpath={.spec.initContainers[0].name}'")
        self.expect(agent, "claviger-agent")
        log = self.folder / "keys/logs/payments-ledger-claviger-agent"
        self.decision = self.until("the first denial", lambda: log.exists() and self.denial(log.read_text("utf-8", "replace")))

    @staticmethod
    def denial(text):
        found = re.search(r'"decision"\s*:\s*"([A-Za-z0-9_-]{8,})"', text) or re.search(r"claviger explain ([A-Za-z0-9_-]{8,})", text)
        return found.group(1) if found else None

    def after_the_first_denied_pod(self, block, output):
        if "logs" in block.text:
            self.expect(output, self.decision)
            if "snp" in output.replace("kata-qemu-snp", ""):
                self.fail("the guest is told what would have been enough")
        else:
            self.expect(output, "ReleasePolicy/payments/ledger", "tees?", "sample")

    def after_upgrade(self, _, output):
        self.expect(output, "STATUS: deployed", "Phase: +Succeeded")
        # The new leader counts pods: this one's agent may show samples, as no profile has it by now.
        fields = " ".join(f"{{.status.{name}Pods}}" for name in ("matched", "injected", "outdated"))
        self.until("a count of the profile's pods", lambda: self.sh(
            f"kubectl -n payments get agentprofile ledger --output 'jsonpath={fields}' 2>&1").endswith("1 1 1"))

    def after_backup_and_restore(self, _, output):
        self.expect(output, "generation")

    def before_a_workload_cluster_that_is_not_trusted(self, block):
        if "--serial 6" in block.text:
            (self.here / "policies").mkdir()
            documents = [d for d in yaml.safe_load_all((self.here / "payments.yaml").read_text("utf-8")) if d["kind"] == "ReleasePolicy"]
            (self.here / "policies/ledger.yaml").write_text(yaml.safe_dump_all(documents), "utf-8")
            (self.here / "policies/default-cpu.yaml").write_bytes((ROOT / "Policies/default-cpu.yaml").read_bytes())
        return {}

    def after_a_workload_cluster_that_is_not_trusted(self, block, _):
        if "PolicyBundle" in block.text:
            self.sh("kubectl --context east wait --for=condition=Accepted policybundle/production")

    # docs/injection.md

    def before_without_a_webhook(self, _):
        (self.here / "broker-ca.pem").write_bytes((self.here / "ca.crt").read_bytes())
        return {"WALK_CONTEXT": "east"}

    def after_without_a_webhook(self, _, output):
        self.expect(output, "mutatingadmissionpolicy.* created", "validatingadmissionpolicy.* created")


if __name__ == "__main__":
    Walk(sys.argv[1], sys.argv[2]).walk()
