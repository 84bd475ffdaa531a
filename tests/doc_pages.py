"""Pages of the documentation, taken apart: their blocks with the marks above them, their links."""

import re
from dataclasses import dataclass
from pathlib import Path

import pmsl

ROOT = Path(pmsl.__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", *sorted(f"docs/{p.name}" for p in ROOT.glob("docs/*.md")))
FENCE = re.compile(r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<lang>\w*)\n(?P<code>.*?)^```$", re.S | re.M)


@dataclass(frozen=True)
class Block:
    """A fenced block: the comment right above it, its language, its text, and the line it begins at."""

    mark: str
    lang: str
    code: str
    line: int


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page):
    text = text_of(page)
    return [Block(m["mark"] or "", m["lang"], m["code"], text.count("\n", 0, m.start("code"))) for m in FENCE.finditer(text)]


def block_of(page, mark):
    (found,) = [block for block in blocks_of(page) if block.mark == mark]
    return found


def links_of(page):
    """Targets of links and pictures, those of the web left out."""
    text = FENCE.sub("", text_of(page))
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]


def anchors_of(page):
    """What a link to a heading may end with, as GitHub names it."""
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", text_of(page)), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}
