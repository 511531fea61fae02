"""Where checks say what does not hold."""

import sys


class Findings:
    """Collects sentences; a check goes on after the first."""

    def __init__(self):
        self.sentences = []

    def require(self, holds, sentence):
        if not holds and sentence not in self.sentences:
            self.sentences.append(sentence)
            print(f"check-chart: {sentence}", file=sys.stderr)


def title(item):
    metadata = item["metadata"]
    return f"{item['kind']} {metadata.get('namespace', '-')}/{metadata['name']}"


def pod_of(item):
    """The pod that an object runs, and its labels; None for what runs none."""
    if item["kind"] == "Pod":
        return item["spec"], item["metadata"]["labels"]
    if item["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
        template = item["spec"]["template"]
        return template["spec"], template["metadata"]["labels"]
    return None
