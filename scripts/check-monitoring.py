"""Holds alerts and dashboard against the metrics that the programs have, and those against the documentation.

usage: check-monitoring.py FOLDER
"""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAME = r"(?:claviger|kbs)_[a-z0-9_]+"
# A metric's name where it is made. Names of database channels and other texts are not in these calls.
MADE = re.compile(
    r'(?:Counter|Gauge|Timer|Recorder|Meter)\(\s*label:\s*"(' + NAME + r')"'
    r'|(?:counter|gauge|count|labelled|timer)\(\s*"(' + NAME + r')"'
    r'|static let [A-Za-z]+ = "(' + NAME + r'_[a-z]+)"')
# A label and its value, such as ("tee_type", tee), where metrics are made.
LABELS = re.compile(r'\(\s*"([a-z][a-z_]*)",\s')
# A metric with the list of its labels, in place or by its name in an enumeration.
LABELLED = re.compile(r'(?:"(' + NAME + r')"|Name\.([a-zA-Z]+)),\s*(?:dimensions:\s*)?\[([^\]]*)\]')
BARE = re.compile(r'\(\s*(?:label:\s*)?"(' + NAME + r')"\)')
# What a scrape adds, and what rules and histograms have.
SCRAPED = {"namespace", "pod", "le", "job", "instance", "alertname", "alertstate", "severity"}
# Labels whose values are bounded by the code or by the operator. None holds a path, a key, a chip or a guest.
ALLOWED = {
    "answer", "bundle", "code", "controller", "issuer", "kind", "lease", "mode", "name", "namespace", "operation", "origin",
    "outcome", "protocol", "resource", "result", "signer", "source", "tee_type", "verdict", "version", "webhook",
}
failed = False


def require(holds, sentence):
    global failed
    if not holds:
        failed = True
        print(f"check-monitoring: {sentence}", file=sys.stderr)


def made_metrics():
    """Names that the sources make, and the labels beside metrics."""
    names, labels = set(), {}
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        text = path.read_text("utf-8")
        if "Counter" not in text and "Gauge" not in text and "Timer" not in text:
            continue
        for match in MADE.finditer(text):
            names.add(next(filter(None, match.groups())))
        for label in LABELS.findall(text) if "etrics" in path.name or "dimensions:" in text else []:
            if not re.fullmatch(NAME, label):
                labels.setdefault(label, path.name)
    return names, labels


def labels_by_metric():
    """The labels of each metric, as far as they stand beside its name; None where the list holds more than texts."""
    found, enumerated = {}, {}
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "Sources").rglob("*.swift"))]
    for text in texts:
        enumerated.update(re.findall(r'static let ([a-zA-Z]+) = "(' + NAME + r')"', text))
        for name in BARE.findall(text):
            found.setdefault(name, set())
    for text in texts:
        for literal, member, labels in LABELLED.findall(text):
            name = literal or enumerated.get(member)
            words = re.findall(r'\("([a-z_]+)",', labels)
            rest = re.sub(r'\("[a-z_]+",[^()]*(?:\([^()]*\)[^()]*)*\)', "", labels).strip(", \n")
            if found.get(name, set()) is not None:
                found[name] = None if rest else found.get(name, set()) | set(words)
    return found


def words_of_sources():
    """Texts and cases of the sources: what the value of a label can be."""
    words = set()
    for path in sorted((ROOT / "Sources").rglob("*.swift")):
        text = path.read_text("utf-8")
        words.update(re.findall(r'"([A-Za-z_][A-Za-z0-9_-]*)"', text))
        for cases in re.findall(r"\bcase ([a-zA-Z, ]+)", text):
            words.update(re.split(r",\s*", cases.strip()))
    return words


class Knowledge:
    """What the programs have."""

    def __init__(self):
        self.metrics, self.labels = made_metrics()
        self.by_metric = labels_by_metric()
        self.words = words_of_sources()

    def labels_of(self, metric):
        """The labels that a metric may have; any that there is, where the sources do not say."""
        known = self.by_metric.get(metric)
        return (set(self.labels) if known is None else known) | SCRAPED

    def findings(self, expression):
        """What an expression asks for that nothing has."""
        names = named(expression)
        for name in sorted(names - self.metrics):
            yield f"asks for {name}, which no program has"
        for text in re.findall(r"\b(?:by|without|on|ignoring) ?\(([a-z_, ]*)\)", expression):
            for word in filter(None, (word.strip() for word in text.split(","))):
                if not any(word in self.labels_of(name) for name in names):
                    yield f"asks for a label {word} that nothing in it has"
        for name, matchers in re.findall(r"\b(" + NAME + r")\{([^}]*)\}", expression):
            for label, values in re.findall(r'([a-z_]+)\s*[=!]~?\s*"([^"]*)"', matchers):
                for metric in named(name):
                    if label not in self.labels_of(metric):
                        yield f"asks for {metric} by a label {label} that it does not have"
                for value in values.split("|"):
                    if re.fullmatch(r"[a-z_]+", value) and value not in self.words:
                        yield f"asks for {name} with {label} {value}, which stands nowhere in the sources"


# What finds nothing may not be looking.
BROKEN = [
    ("no program has", "increase(claviger_ledger_failure_total[10m]) > 0"),
    ("that nothing in it has", "sum by (tee_type) (increase(kbs_policy_violations_total[15m])) > 0"),
    ("by a label outcom ", 'increase(claviger_policy_source_updates_total{outcom=~"fenced"}[15m]) > 3'),
    ("by a label webhook ", 'claviger_leader{webhook="mutate"} == 0'),
    ("stands nowhere", 'increase(claviger_policy_source_updates_total{outcome=~"fenced|faild"}[15m]) > 3'),
]


def check_itself(known):
    for fragment, expression in BROKEN:
        found = list(known.findings(expression))
        require(any(fragment in sentence for sentence in found), f"nobody says “{fragment}” of {expression}, but {found}")


def named(expression):
    """The metrics in an expression, without what histograms add."""
    without_texts = re.sub(r'"[^"]*"', '""', expression)
    return {re.sub(r"_(bucket|sum|count)$", "", name) if name.endswith(("_bucket", "_sum", "_count")) else name
            for name in re.findall(r"\b" + NAME, without_texts)}


def expressions(folder):
    alerts = yaml.safe_load((folder / "alerts.yaml").read_text("utf-8"))
    for group in alerts["groups"]:
        for rule in group["rules"]:
            yield f"the alert {rule['alert']}", rule["expr"]
    dashboard = json.loads((folder / "dashboard.json").read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"the panel {panel['title']}", target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"the variable {variable['name']}", variable["query"]["query"]


def check_dashboard(folder):
    dashboard = json.loads((folder / "dashboard.json").read_text("utf-8"))
    panels = dashboard["panels"]
    require(len({panel["id"] for panel in panels}) == len(panels), "two panels have one id")
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    taken = {}
    for panel in panels:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                require((x, y) not in taken, f"the panels {panel['title']} and {taken.get((x, y))} overlap")
                taken[x, y] = panel["title"]
        require(place["x"] + place["w"] <= 24, f"the panel {panel['title']} is too wide")
        if panel["type"] != "row":
            require(panel["datasource"]["uid"] == "${datasource}", f"the panel {panel['title']} has a data source of its own")
            require(bool(panel["targets"]), f"the panel {panel['title']} shows nothing")
    used = set(re.findall(r"\$\{?([a-z]+)", json.dumps(dashboard))) - {"__rate_interval", "__all"}
    require(used <= variables, f"the dashboard has no variable {', '.join(used - variables)}")


def series_by_alert(tests):
    """The metrics of the tests in which an alert fires."""
    tried = {}
    for test in tests["tests"]:
        series = set().union(*(named(part["series"]) for part in test["input_series"]))
        for question in test["promql_expr_test"]:
            for sample in question.get("exp_samples", []):
                for name in re.findall(r'alertname="([A-Za-z]+)"', sample["labels"]):
                    tried[name] = tried.get(name, set()) | series
    return tried


def check_alerts(folder):
    alerts = yaml.safe_load((folder / "alerts.yaml").read_text("utf-8"))
    names = [rule["alert"] for group in alerts["groups"] for rule in group["rules"]]
    documentation = (ROOT / "docs/operations.md").read_text("utf-8")
    tests = (folder / "alerts-test.yaml").read_text("utf-8")
    tried = series_by_alert(yaml.safe_load(tests))
    for group in alerts["groups"]:
        for rule in group["rules"]:
            name = rule["alert"]
            require(names.count(name) == 1, f"{name} is there twice")
            require(rule["labels"].get("severity") in ("warning", "critical"), f"{name} has no severity")
            require({"summary", "description"} <= set(rule["annotations"]), f"{name} does not say what to do")
            require(f'alertname="{name}"' in tests, f"{name} has no test")
            untried = named(rule["expr"]) - tried.get(name, set())
            require(not untried, f"no test has {name} fire with a series of {', '.join(untried)}")
            require(f"`{name}`" in documentation, f"{name} is not in docs/operations.md")
    for name in re.findall(r"`(Claviger[A-Za-z]+)`", documentation):
        require(name in names or name == "ClavigerRoot", f"docs/operations.md tells of an alert {name} that is not there")


def check_documentation(metrics):
    """docs/operations.md lists every metric that there is, and no other."""
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    for name in sorted(metrics):
        require(re.search(r"\b" + name + r"\b", text), f"the metric {name} is not in docs/operations.md")
    pages = [path for path in sorted((ROOT / "docs").glob("*.md"))]
    for path in pages:
        for name in sorted(set(re.findall(r"`(" + NAME + r")(?:\{[a-z_, ]*\})?`", path.read_text("utf-8")))):
            if name.endswith(("_total", "_seconds", "_bytes")):
                require(name in metrics, f"docs/{path.name} explains {name}, which no program has")


def main(folder):
    known = Knowledge()
    metrics = known.metrics
    require(len(metrics) > 60, f"only {len(metrics)} metrics are found in the sources")
    for label, place in sorted(known.labels.items()):
        require(label in ALLOWED, f"{place}: nobody looked at the label {label}: can it hold a secret, or what a caller chooses?")
    for place, expression in expressions(folder):
        for sentence in known.findings(expression):
            require(False, f"{place} {sentence}")
    check_itself(known)
    check_dashboard(folder)
    check_alerts(folder)
    check_documentation(metrics)
    if not failed:
        print(f"check-monitoring: {len(metrics)} metrics, {sum(1 for _ in expressions(folder))} expressions")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
