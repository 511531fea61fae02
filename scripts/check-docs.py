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


def check_names(page, text):
    """What is copied from a page is called as chart and `make image` call it."""
    for service in re.findall(r"\b([a-z-]+)\.claviger\.svc\b", text):
        require(service in SERVICES, f"{page}: there is no Service {service}")
    for image in re.findall(r"registry\.example/claviger/([a-z-]+)", text):
        require(image in PROGRAMS, f"{page}: there is no image {image}")


def check_links(page, text):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        require((ROOT / page).parent.joinpath(target).exists(), f"{page}: the link {target} leads nowhere")


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
    schema = json.loads((ROOT / "Charts/claviger/values.schema.json").read_text("utf-8"))
    values = jsonschema.Draft7Validator(schema)
    check_figures(yaml.safe_load((ROOT / "Charts/claviger/values.yaml").read_text("utf-8")))
    count = 0
    for page in PAGES:
        text = (ROOT / page).read_text("utf-8")
        check_links(page, text)
        check_names(page, text)
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
