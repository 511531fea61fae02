"""Holds the documentation of the installation against what it speaks of: commands, values, objects, links.

usage: check-docs.py PROGRAMS
"""

import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import kubernetes_validate
import yaml

from chartchecks.arguments import known_flags
from chartchecks.objects import Definitions
from structural import TextLoader

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from pages import WALKED, blocks

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ["docs/install.md", "docs/kubernetes.md", "docs/injection.md", "docs/operations.md", "Charts/claviger/README.md",
         "Charts/claviger-crds/README.md"]
PROGRAMS = {"claviger", "claviger-broker", "claviger-controller", "attestation-agent"}
# The Services of a release `claviger` in the namespace of this name.
SERVICES = {"claviger-broker", "claviger-admission"}
failed = False


def require(holds, sentence):
    global failed
    if not holds:
        failed = True
        print(f"check-docs: {sentence}", file=sys.stderr)


def commands(block):
    """Each command line of a block, with its continuation."""
    for line in block.replace("\\\n", " ").splitlines():
        for part in re.split(r"\s*(?:\||&&|;)\s*", line.partition(" #")[0]):
            words = part.split()
            if words and not words[0].startswith("#"):
                yield words


def check_command(page, words, programs):
    if words[0] in PROGRAMS:
        folder = pathlib.Path(programs)
        command, rest = [str(folder / words[0])], words[1:]
        while rest and re.fullmatch(r"[a-z]+(-[a-z]+)*", rest[0]) and has_subcommand(tuple(command), rest[0]):
            command.append(rest.pop(0))
        for word in rest:
            flag = word.partition("=")[0]
            if re.fullmatch(r"--[a-z][a-z-]*", flag):
                require(flag in known_flags(tuple(command)), f"{page}: {' '.join(words[:3])} has no option {flag}")
    for word in words:
        path = re.match(r"(Charts|scripts|Policies|docs)/[\w./-]*", word)
        if path and not word.startswith("Policies/"):
            require((ROOT / path.group()).exists(), f"{page}: there is no {path.group()}")


def has_subcommand(command, word):
    answer = subprocess.run([*command, "--help"], stdout=subprocess.PIPE, text=True, check=True)
    return re.search(rf"^  {re.escape(word)}( |$)", answer.stdout, re.MULTILINE) is not None


def check_yaml(page, block, definitions, values):
    for document in yaml.load_all(block, TextLoader):
        kind = document.get("kind") if isinstance(document, dict) else None
        if kind in definitions.validators:
            for sentence in definitions.findings(document):
                require(False, f"{page}: {kind} {document['metadata']['name']}: {sentence}")
        elif kind and document["apiVersion"] == "v1":
            kubernetes_validate.validate(document, "1.36", strict=True)
        elif not kind:
            for error in values.iter_errors(document):
                require(False, f"{page}: values: {'.'.join(map(str, error.path))}: {error.message}")


def check_walk(page, text):
    """What is not walked says why, and nothing else does; named tests exist."""
    for block in blocks(page):
        require(block.reason is None or block.language == "sh", f"{page}: only commands are walked: {block.reason}")
        for name in re.findall(r"\b([A-Za-z]+Tests)\b", block.reason or ""):
            require(any((ROOT / "Tests").rglob(f"{name}.swift")), f"{page}: there is no suite {name}")
    marked = sum(block.reason is not None for block in blocks(page))
    require(text.count("not walked:") == marked, f"{page}: a remark about the walk stands above no block")
    require(page in WALKED or not marked, f"{page}: it is not walked at all")


def check_names(page, text):
    """What is copied from a page is called as chart and `make image` call it."""
    for service in re.findall(r"\b([a-z-]+)\.claviger\.svc\b", text):
        require(service in SERVICES, f"{page}: there is no Service {service}")
    for image in re.findall(r"registry\.example/claviger/([a-z-]+)", text):
        require(image in PROGRAMS, f"{page}: there is no image {image}")


def check_links(page, text):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        require((ROOT / page).parent.joinpath(target).exists(), f"{page}: the link {target} leads nowhere")
    for target in re.findall(r"\bdocs/[\w-]+\.md\b", text):
        require((ROOT / target).exists(), f"{page}: there is no {target}")


# Of the kinds of other people's operators what the pages use: fields and their types, and what the operator makes by it.
FOREIGN = {
    "postgresql.cnpg.io/v1, Cluster": {
        "instances": int, "storage": {"size": str}, "bootstrap": {"initdb": {"database": str, "owner": str}},
        "postgresql": {"synchronous": {"method": str, "number": int}}},
}


def unknown(value, known, path):
    if isinstance(known, dict):
        for name, part in value.items():
            if name in known:
                yield from unknown(part, known[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif not isinstance(value, known):
        yield path


def check_foreign(page, text):
    """A recipe by somebody else's operator: its fields exist, and the chart's values name the Secret and the pods that it makes."""
    documents = [d for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) for d in yaml.load_all(block, TextLoader)]
    clusters = []
    for document in (d for d in documents if isinstance(d, dict) and d.get("kind")):
        known = FOREIGN.get(f"{document['apiVersion']}, {document['kind']}")
        if known:
            clusters.append(document["metadata"]["name"])
            for path in unknown(document["spec"], known, "spec"):
                require(False, f"{page}: {document['kind']} {document['metadata']['name']}: {path} is not known or of another type")
            synchronous = document["spec"]["postgresql"]["synchronous"]
            require(synchronous["method"] in ("any", "first") and 0 < synchronous["number"] < document["spec"]["instances"],
                    f"{page}: more standbys have to confirm than there are")
    for values in (d for d in documents if isinstance(d, dict) and not d.get("kind")):
        database = values.get("broker", {}).get("database", {})
        if database.get("secretName", "").endswith("-app"):
            name = database["secretName"].removesuffix("-app")
            peers = [p["podSelector"]["matchLabels"] for p in values["networkPolicy"]["broker"]["databaseTo"]]
            require(name in clusters and database["key"] == "uri" and peers == [{"cnpg.io/cluster": name}],
                    f"{page}: the values are not those of the database above")
    return clusters


def mebibytes(quantity):
    number, unit = re.fullmatch(r"(\d+) ?([MG])iB?", quantity).groups()
    return int(number) * (1 if unit == "M" else 1024)


def check_figures(values):
    """What was measured fits into what the chart allows, with room for a third more."""
    text = (ROOT / "docs/controller.md").read_text("utf-8")
    table = text.partition("## Figures")[2]
    measured = [mebibytes(figure) for figure in re.findall(r"\| (\d+ [MG]iB) \|", table)]
    require(len(measured) >= 4, "docs/controller.md has no figures")
    limit = mebibytes(values["controller"]["resources"]["limits"]["memory"])
    require(limit >= max(measured) * 4 // 3, f"the controller may use {limit} MiB, and docs/controller.md measured {max(measured)}")
    resident = [mebibytes(figure) for figure in re.findall(r"(\d+ MiB) resident", (ROOT / "docs/agent.md").read_text("utf-8"))]
    limit = mebibytes(values["injection"]["limits"]["memory"])
    require(resident and limit >= max(resident) * 4 // 3, f"an agent may use {limit} MiB, and docs/agent.md measured {resident}")


def main(programs):
    definitions = Definitions()
    require(set(WALKED) <= set(PAGES), "a page is walked that nobody checks")
    schema = json.loads((ROOT / "Charts/claviger/values.schema.json").read_text("utf-8"))
    values = jsonschema.Draft7Validator(schema)
    check_figures(yaml.safe_load((ROOT / "Charts/claviger/values.yaml").read_text("utf-8")))
    count = 0
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("Charts/*/README.md"), ROOT / "Policies/README.md"]):
        check_links(path.relative_to(ROOT), path.read_text("utf-8"))
    for page in PAGES:
        text = (ROOT / page).read_text("utf-8")
        check_names(page, text)
        check_walk(page, text)
        require(check_foreign(page, text) or page != "docs/install.md", f"{page}: there is no recipe for a database by an operator")
        for language, block in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL):
            count += 1
            if language == "sh":
                for words in commands(block):
                    check_command(page, words, programs)
            elif language == "yaml" and page != "docs/operations.md":
                check_yaml(page, block, definitions, values)
    if not failed:
        print(f"check-docs: {count} blocks in {len(PAGES)} pages")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
