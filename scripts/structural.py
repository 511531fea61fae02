"""CustomResourceDefinitions, read as an API server reads them: closed JSON Schemas, and rules in CEL."""

import cel
import yaml


class TextLoader(yaml.SafeLoader):
    """YAML whose times stay texts, as in JSON."""


TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def documents(path):
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.load_all(file, TextLoader) if document is not None]


def closed(schema):
    """A structural schema as JSON Schema: what is not named is refused, as kubectl does it."""
    result = {name: value for name, value in schema.items() if not name.startswith("x-kubernetes-")}
    # An OpenAPI format (int64) means nothing to JSON Schema.
    result.pop("format", None)
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = closed(schema["additionalProperties"])
    if "properties" in schema:
        result["properties"] = {name: closed(value) for name, value in schema["properties"].items()}
        result["additionalProperties"] = False
    if "items" in schema:
        result["items"] = closed(schema["items"])
    if schema.get("x-kubernetes-list-type") == "set":
        result["uniqueItems"] = True
    return result


def rule_findings(value, schema, path):
    """The messages of the rules in CEL that do not hold."""
    found = []
    for rule in schema.get("x-kubernetes-validations", []):
        # What is about changes does not hold for a new object.
        if "oldSelf" not in rule["rule"] and cel.evaluate(rule["rule"], {"self": value}) is not True:
            found.append(f"{path}{rule['fieldPath']}: {rule['message']}")
    if isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                found += rule_findings(value[name], part, f"{path}.{name}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += rule_findings(item, schema.get("items", {}), f"{path}[{index}]")
    return found
