"""Writes the table of values in a chart's README from the comments of its values.yaml.

usage: values-table.py [--check] CHART

A comment above a value describes it; a value without one is described by that of the mapping around it, or needs none. A mapping
on one line, and an empty one, is a value. With --check nothing is written: exit status 1 when the table is another.
"""

import pathlib
import sys

import yaml

BEGIN, END = "<!-- values: made by scripts/values-table.py -->\n", "<!-- end of values -->\n"


def comments(lines, line):
    """The comment that ends right above a line."""
    found = []
    while line > 0 and lines[line - 1].strip().startswith("#"):
        line -= 1
        found.insert(0, lines[line].strip().removeprefix("#").strip())
    return " ".join(found)


def is_leaf(node):
    return not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value


def default(node, lines):
    if isinstance(node, yaml.SequenceNode) and not node.flow_style:
        return "see values.yaml"
    text = "".join(lines[node.start_mark.line:node.end_mark.line + 1]) if node.start_mark.line != node.end_mark.line else (
        lines[node.start_mark.line][node.start_mark.column:node.end_mark.column])
    return f"`{text.strip()}`"


def rows(node, lines, path=""):
    for key, value in node.value:
        name = f"{path}.{key.value}" if path else key.value
        text = comments(lines, key.start_mark.line)
        if is_leaf(value):
            yield name, default(value, lines), text
        else:
            if text:
                yield name, "", text
            yield from rows(value, lines, name)


def escaped(text):
    return text.replace("|", "\\|")


def table(chart):
    text = (chart / "values.yaml").read_text("utf-8")
    lines = text.splitlines(keepends=True)
    out = ["| value | default | |\n", "| --- | --- | --- |\n"]
    for name, standard, description in rows(yaml.compose(text), lines):
        out.append(f"| `{name}` | {escaped(standard)} | {escaped(description)} |\n")
    return "".join(out)


def main(arguments):
    chart = pathlib.Path(arguments[-1])
    readme = chart / "README.md"
    old = readme.read_text("utf-8")
    begin, end = old.index(BEGIN) + len(BEGIN), old.index(END)
    new = old[:begin] + "\n" + table(chart) + "\n" + old[end:]
    if "--check" not in arguments:
        readme.write_text(new, "utf-8")
    return 1 if "--check" in arguments and new != old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
