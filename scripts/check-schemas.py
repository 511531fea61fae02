"""Holds the generated schemas against engines that are not ours, and against what `claviger policy lint` says.

usage: check-schemas.py CLAVIGER [FOLDER…], with policies and other documents in the folders
"""

import copy
import json
import pathlib
import subprocess
import sys
import tempfile

import cel
import jsonschema
import kubernetes_validate

from structural import closed, documents, rule_findings

ROOT = pathlib.Path(__file__).resolve().parent.parent
GROUP = "claviger.dev"
# What a schema can see of what lint refuses.
SHAPE_CODES = {"unknown_field", "missing_field", "wrong_type"}
failures = []


def fail(sentence):
    failures.append(sentence)
    print(f"check-schemas: {sentence}", file=sys.stderr)


def change_findings(old, new, schema, path=""):
    """The messages of the rules about changes that do not let one object become another."""
    found = []
    for rule in schema.get("x-kubernetes-validations", []):
        if "oldSelf" in rule["rule"] and cel.evaluate(rule["rule"], {"self": new, "oldSelf": old}) is not True:
            found.append(f"{path}{rule['fieldPath']}: {rule['message']}")
    for name, part in schema.get("properties", {}).items():
        if isinstance(old, dict) and isinstance(new, dict) and name in old and name in new:
            found += change_findings(old[name], new[name], part, f"{path}.{name}")
    return found


def check_rule(kind, schema, case):
    """One rule with its samples, which are specs; of one about changes they are what `from` becomes."""
    for verdict in ("accepted", "refused"):
        for sample in case[verdict]:
            if "from" in case:
                found = change_findings(case["from"], sample, schema)
            else:
                found = rule_findings(sample, schema, "")
            if verdict == "accepted" and found:
                fail(f"{kind}: {case['rule']}: refuses {json.dumps(sample)}: {found[0]}")
            if verdict == "refused" and not any(case["rule"] in message for message in found):
                fail(f"{kind}: {case['rule']}: lets {json.dumps(sample)} pass")


def check_rules(schemas):
    """Every rule in CEL is met by one sample and broken by another, which are written down beside the script."""
    seen = set()
    for case in documents(ROOT / "scripts/schema-rules.yaml"):
        for kind in case["kinds"]:
            check_rule(kind, schemas[kind].structural["properties"]["spec"], case)
            seen.add((kind, case["rule"]))
    for kind, schema in schemas.items():
        for message in rule_messages(schema.structural["properties"]["spec"]):
            if not any(kind == known and rule in message for known, rule in seen):
                fail(f"{kind}: no sample for the rule: {message}")
    return len(seen)


def rule_messages(schema):
    messages = [rule["message"] for rule in schema.get("x-kubernetes-validations", [])]
    for part in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        messages += rule_messages(part)
    return messages


class Schemas:
    """What is said about one kind, by the file for editors and by the definition for Kubernetes."""

    def __init__(self, definition):
        self.kind = definition["spec"]["names"]["kind"]
        self.structural = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        resource = closed(self.structural)
        resource["properties"]["metadata"] = {"type": "object"}
        editor = json.loads((ROOT / f"docs/schemas/{GROUP}/{self.kind.lower()}_v1alpha1.json").read_text("utf-8"))
        for schema in (resource, editor, ANY_KIND):
            jsonschema.Draft7Validator.check_schema(schema)
        self.validators = {
            "the definition": jsonschema.Draft7Validator(resource),
            "the editor's schema": jsonschema.Draft7Validator(editor),
            "the schema of any kind": jsonschema.Draft7Validator(ANY_KIND),
        }

    def findings(self, document):
        found = {name: [error.message for error in validator.iter_errors(document)]
                 for name, validator in self.validators.items()}
        if not found["the definition"]:
            found["the definition"] = rule_findings(document, self.structural, "")
        return found


def mutants(value, schema, path=""):
    """(what was done, the changed value) for each part of a document, each part of the schema once."""
    if path.endswith((".labels", ".annotations", ".matchLabels")):
        return
    if isinstance(value, dict):
        yield f"unknown field in {path or 'the document'}", {**value, "unheardOf": 1}
        for name in value:
            if name not in ("apiVersion", "kind"):
                yield f"without {path}.{name}", {other: part for other, part in value.items() if other != name}
            for what, part in mutants(value[name], schema, f"{path}.{name}"):
                yield what, {**value, name: part}
    elif isinstance(value, list):
        yield f"a text in place of the list {path}", "text"
        yield f"nothing in {path}", []
        for item in value:
            for what, part in mutants(item, schema, f"{path}[]"):
                yield what, [part]
    elif path not in (".apiVersion", ".kind") and not path.startswith(".spec.values[].value"):
        yield f"a mapping in place of {path}", {"a": 1}
        yield f"another type in {path}", 7 if isinstance(value, str) else "text"
        yield f"an unheard-of value in {path}", "unheard of" if isinstance(value, str) else -1_000_000


def lint(claviger, folder):
    """The codes that lint found, by file."""
    answer = subprocess.run([claviger, "policy", "lint", "-o", "json", folder], stdout=subprocess.PIPE, check=False)
    codes = {}
    for finding in json.loads(answer.stdout):
        if finding["severity"] == "error":
            codes.setdefault(pathlib.Path(finding["source"]).name, set()).add(finding["code"])
    return codes


def compare(claviger, originals, schemas):
    """Every way of breaking a good document: lint and the schemas must say the same."""
    seen, cases = set(), []
    for document in originals:
        for what, changed in mutants(document, schemas[document["kind"]]):
            if (document["kind"], what) not in seen:
                seen.add((document["kind"], what))
                cases.append((document["kind"], what, changed))
    with tempfile.TemporaryDirectory() as folder:
        for number, (_, what, changed) in enumerate(cases):
            changed = copy.deepcopy(changed)
            if what.endswith((".metadata", ".metadata.name")) is False and isinstance(changed.get("metadata"), dict):
                changed["metadata"]["name"] = f"mutant-{number}"
            (pathlib.Path(folder) / f"{number}.yaml").write_text(json.dumps(changed), "utf-8")
        codes = lint(claviger, folder)
    for number, (kind, what, changed) in enumerate(cases):
        refused = codes.get(f"{number}.yaml", set()) - {"duplicate_document"}
        for name, found in schemas[kind].findings(changed).items():
            if name == "the definition" and ".metadata" in what:
                continue
            if found and not refused:
                fail(f"{kind}, {what}: {name} refuses it ({found[0]}), lint does not")
            if refused & SHAPE_CODES and not found:
                fail(f"{kind}, {what}: lint refuses it ({', '.join(sorted(refused))}), {name} does not")
    return len(cases)


def as_known_to(version, definition):
    """What an API server of the version reads: `selectableFields` came with 1.30, and older ones leave it out."""
    known = copy.deepcopy(definition)
    if version == "1.29":
        for part in known["spec"]["versions"]:
            part.pop("selectableFields", None)
    return known


ANY_KIND = json.loads((ROOT / f"docs/schemas/{GROUP}/policy_v1alpha1.json").read_text("utf-8"))


def main(claviger, folders):
    definitions = [documents(path)[0] for path in sorted((ROOT / "CRDs").glob("*.yaml"))]
    for definition in definitions:
        for version in ("1.29", "1.36"):
            kubernetes_validate.validate(as_known_to(version, definition), version, strict=True)
    schemas = {schema.kind: schema for schema in map(Schemas, definitions)}
    originals = []
    for path in sorted(path for folder in folders for path in pathlib.Path(folder).glob("*.yaml")):
        for document in documents(path):
            originals.append(document)
            for name, found in schemas[document["kind"]].findings(document).items():
                for sentence in found:
                    fail(f"{path.name}: {name}: {sentence}")
    if {document["kind"] for document in originals} != set(schemas):
        fail("there is not a document of every kind")
    rules = check_rules(schemas)
    count = compare(claviger, originals, schemas)
    print(
        f"check-schemas: {len(definitions)} definitions, {len(originals)} documents, {rules} rules, "
        f"{count} broken variants"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] or [ROOT / "Policies", ROOT / "Policies/kubernetes"]))
