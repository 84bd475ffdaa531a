"""Pages that are made from the code are what is made now; links lead somewhere; the README is short."""

import ast
import importlib.util
import re
import tomllib

import pytest
from doc_pages import PAGES, ROOT, anchors_of, links_of, text_of


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date(generate):
    for name, make in generate.PAGES.items():
        assert text_of(f"docs/{name}") == make(), f"docs/{name}: run python docs/generate.py"


def test_the_reference_has_every_key_and_every_command(generate):
    import click
    import msgspec

    from pmsl.cli.app import app
    from pmsl.profiles import Printer, Process, Resin
    from pmsl.profiles.tables.keys import keys_of_struct

    keys, commands = text_of("docs/keys.md"), text_of("docs/commands.md")

    def check(struct):
        for key in keys_of_struct(struct):
            if key.table is not None and not key.sourced:
                check(key.table)
            assert key.name == "schema" or f"`{key.name}`" in keys or f".{key.name}]" in keys or f"[{key.name}]" in keys, key.name

    for struct in (Printer, Resin, Process):
        check(struct)
    for key in generate.batch.OPTIONS:
        assert f"| `{key}` |" in keys
    for name in app.list_commands(click.Context(app)):
        for param in app.get_command(click.Context(app), name).params:
            assert all(option in commands for option in param.opts if option.startswith("--")), (name, param.opts)
    assert msgspec.structs.fields(Process)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in links_of(page):
        path, _, anchor = target.partition("#")
        file = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert file.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors_of(str(file.relative_to(ROOT))), f"{page}: {target}"


def test_the_readme_is_short_and_leads_to_every_page():
    text = text_of("README.md")
    assert len(text.splitlines()) <= 170
    linked = {((ROOT / page).parent / link.partition("#")[0]).resolve() for page in PAGES for link in links_of(page)}
    assert all(ROOT / page in linked for page in PAGES if page != "README.md")


@pytest.mark.parametrize("page", PAGES)
def test_files_and_benchmarks_that_are_named_are_there(page):
    text = "" if page == "docs/old_names.md" else text_of(page)
    for path in re.findall(r"(?<![\w/.-])((?:pmsl|tests|benchmarks|docs|sample_meshes)/[\w/.-]*\w)", text):
        assert (ROOT / path).exists(), f"{page}: {path}"
    named = set(re.findall(r"--only (\w+)", text))
    assert all((ROOT / "benchmarks" / f"{name}.py").is_file() for name in named), f"{page}: {named}"
    assert page.startswith("benchmarks") or all(f'"{name}"' in text_of("benchmarks/run.py") for name in named)


def test_new_names_are_there_and_old_ones_are_not():
    files, _, classes = text_of("docs/old_names.md").partition("\nAnd classes:")
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", files, re.M)
    assert len(rows) > 200
    for old, new in rows:
        names = re.findall("`([^`]+)`", new)
        assert names and all((ROOT / "pmsl" / name).is_file() for name in names), old
        assert old in names or not (ROOT / "pmsl" / old).exists(), old
    for _, new, path in re.findall(r"^\| `([^`]+)` \| `(\w+)` \| `([^`]+)` \|$", classes, re.M):
        assert re.search(rf"^class {new}\b", text_of(f"pmsl/{path}"), re.M), new


@pytest.mark.parametrize("file", sorted((ROOT / "pmsl").rglob("__init__.py")), ids=lambda file: file.parent.name)
def test_files_that_a_package_lists_are_there(file):
    """Lines as ``name, name   what they are`` in the docstring of a package."""
    text = file.read_text(encoding="utf-8")
    for names in re.findall(r"^([a-z]\w*(?:, [a-z]\w*)*)  +\S", ast.get_docstring(ast.parse(text)) or "", re.M):
        for name in names.split(", "):
            assert (file.parent / f"{name}.py").is_file() or (file.parent / name).is_dir(), f"{file.parent.name}: {name}"


def test_the_floors_of_the_map_are_those_of_the_import_contract():
    (contract,) = [c for c in tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    table = text_of("docs/map.md").partition("## The floors")[2].partition("\n## ")[0]
    floors = [re.findall("`(\\w+)`", row) for row in re.findall(r"^\| (`.*?) \|", table, re.M)]
    assert floors == [[name.strip().removeprefix("pmsl.") for name in layer.split("|")] for layer in contract["layers"]] + [["kernels"]]
