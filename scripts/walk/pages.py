"""The blocks of a page of the documentation."""

import pathlib
import re
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# What somebody copies and runs in this order; what is not run says why.
WALKED = ["docs/install.md", "docs/kubernetes.md", "docs/injection.md", "docs/operations.md"]
FENCE = re.compile(r"(?:<!-- not walked: (?P<reason>[^>]+) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Block:
    page: str
    heading: str
    language: str
    text: str
    # Why it is not run; None where it is.
    reason: str | None

    @property
    def file(self):
        """The file that the block is to be written to, by its first line."""
        found = re.match(r"# ([a-z-]+\.yaml)\b", self.text)
        return found.group(1) if found else None


def blocks(page):
    text = (ROOT / page).read_text("utf-8")
    for found in FENCE.finditer(text):
        headings = re.findall(r"^##+ (.*)$", text[:found.start()], re.MULTILINE)
        yield Block(page, headings[-1] if headings else "", found["language"], found["text"], found["reason"])
