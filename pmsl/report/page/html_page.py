"""A page of one file: style, scripts and data inside, nothing from elsewhere, and a policy that says so to the browser."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources

from pmsl.files.encodable import encodable
from pmsl.report.page.blocks import PageBlock

SCRIPTS = (  # in this order
    "bytes.js",
    "frames.js",
    "pixels.js",
    "doses.js",
    "layer_view.js",
    "fields.js",
    "tables.js",
    "findings.js",
    "graphs.js",
    "sections.js",
    "solids.js",
    "main.js",
)


@cache
def asset(name: str) -> str:
    """Return a file of the page's own code."""
    return resources.files("pmsl.report.page").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def script() -> str:
    """Return the code of a page: all of `SCRIPTS` in a function of their own."""
    return '"use strict";\n(() => {\n' + "".join(asset(name) for name in SCRIPTS) + "})();\n"


def policy(hashes: Iterable[str], connect: str) -> str:
    """Return the content security policy of a page: only its own scripts run, known by their hashes, and nothing is loaded."""
    scripts = " ".join(f"'{value}'" for value in hashes)
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; connect-src {connect}; "
        "worker-src blob:; base-uri 'none'; form-action 'none'"
    )


def hash_of(text: str) -> str:
    """Return the hash of a script as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def page(
    title: str, first: Iterable[PageBlock], rest: Iterable[PageBlock], library: str | None, connect: str = "'none'"
) -> Iterator[bytes]:
    """Yield the bytes of a page.

    Parameters
    ----------
    title : str
        Foreign text: it is escaped.
    first : iterable of PageBlock
        What the first picture needs; it comes before the code.
    rest : iterable of PageBlock
        What may come later, in this order.
    library : str, optional
        Text of the script that draws solids, which the page's code may run.
    connect : str
        What the page may fetch, as its policy says it.
    """
    hashes = [hash_of(script())] + ([] if library is None else [hash_of(library)])
    head, body = asset("page.html").split("<!-- code -->\n")
    for name, text in (
        ("policy", html.escape(policy(hashes, connect))),
        ("title", html.escape(encodable(title))),
        ("style", asset("page.css")),
    ):
        head = head.replace(f"<!-- {name} -->", text)
    yield head.encode()
    yield from map(_element, first)
    yield f"<script>{script()}</script>\n".encode()
    yield from map(_element, rest)
    yield body.encode()


def _element(block: PageBlock) -> bytes:
    return b'<script type="text/plain" id="%s">%s</script>\n' % (block.name.encode("ascii"), block.text)
