"""The documentation says what is true: generated pages, commands, links, examples and lists of keys."""

import argparse
import re
import shlex
import textwrap
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import yaml

from catchment import reference, registry
from config import load
from config.models import File, RateLimit, Schedule, Source, Timeouts
from connectors.salesforce.access import KEYS as SALESFORCE
from connectors.zendesk.access import KEYS as ZENDESK
from framework.collection import Child, Collection
from framework.cost import cost
from framework.export import Export
from framework.fieldview import FieldView
from framework.warehouse import Commit, Pace
from tests.conftest import ROOT
from warehouse_loader import open_warehouse, read_only
from warehouse_loader.duckdb_warehouse import DuckDBFile
from warehouse_loader.postgresql import Postgres

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CONNECTORS = sorted(path.parent.name for path in (ROOT / "connectors").glob("*/quirks.md"))
SHELLS = ("console", "sh", "shell", "bash")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"\$\{(\w+)")


def fences(page: Path, *languages: str) -> list[str]:
    return [text for language, text in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages]


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


# ---------------------------------------------------------------------------------- generated pages


@pytest.mark.parametrize("name", CONNECTORS)
def test_the_page_of_a_connector_is_the_one_its_declarations_give(name: str) -> None:
    connector = registry.connector(name)
    written = (ROOT / "docs" / "connectors" / f"{name}.md").read_text(encoding="utf-8")
    again = f"run: python -m catchment.reference {name} > docs/connectors/{name}.md"
    assert written == reference.page(connector, reference.quirks(connector)), again


@pytest.mark.parametrize("name", CONNECTORS)
def test_the_page_names_everything_that_is_declared(name: str) -> None:
    connector = registry.connector(name)
    page = reference.page(connector)
    listed = page.partition("\n## Collections\n")[2]
    sections = dict(re.findall(r"^### (\w+)$(.*?)(?=^### |\Z)", listed, re.MULTILINE | re.DOTALL))
    assert list(sections) == [collection.name for collection in connector.collections]
    for collection in connector.collections:
        section = sections[collection.name]
        costs = str(cost(connector, collection))
        for text in (collection.description, collection.current_by, collection.deletions, costs):
            assert text
            assert text in section
        for column in collection.columns:
            (row,) = re.findall(rf"^\| `{column.name}` \| {column.type} \|.*$", section, re.MULTILINE)
            assert (f"](#{column.references})" in row) == bool(column.references)
        for missing, why in collection.missing.items():
            assert f"| `{missing}` | {why.replace('|', '')} |" in section


@pytest.mark.parametrize("name", CONNECTORS)
def test_every_way_to_log_in_that_the_page_shows_is_taken(name: str) -> None:
    connector = registry.connector(name)
    page, guide = reference.page(connector), connector.guide
    assert guide
    for way in guide.ways:
        for keys in (way.keys, [key for key in way.keys if not key.optional]):
            given = {key.name: key.example for key in keys}
            given |= {"api_key": "rk_live_x"} if "api_key" in given else {}
            given |= {"private_key": "-----BEGIN PRIVATE KEY-----"} if "private_key" in given else {}
            assert connector.access(given).fingerprint
        for key in way.keys:  # secrets are never shown as if they belonged into the file
            assert key.example.startswith("${") or not re.search("secret|token|password|private|api_key", key.name)
        assert all(text in page for text in (way.name, way.note, *way.steps, *(key.holds for key in way.keys)))
    assert set(guide.needs) <= {collection.name for collection in connector.collections}
    assert all(text in page for text in (*guide.permissions, *guide.needs.values(), *(t for _, t in guide.facts)))


@pytest.mark.parametrize(("name", "known"), [("zendesk", ZENDESK), ("salesforce", SALESFORCE)])
def test_every_key_of_a_credential_is_explained(name: str, known: tuple[str, ...]) -> None:
    guide = registry.connector(name).guide
    assert guide
    assert {key.name for way in guide.ways for key in way.keys} == set(known)
    rows = re.findall(rf"^\| {name} \| (.*)$", (ROOT / "docs" / "configuration.md").read_text("utf-8"), re.MULTILINE)
    assert set(known) <= {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def test_calls_of_an_idle_zendesk_account_are_those_of_its_page() -> None:
    feeds = registry.connector("zendesk").feeds
    exports = [feed for feed in feeds if isinstance(feed, Export)]
    said = dict(registry.connector("zendesk").guide.facts)["Calls when nothing is new"]  # type: ignore[union-attr]
    assert said.startswith(f"{len(feeds)} for all")
    assert f"each of {len(exports)} exports and {len(feeds) - len(exports)} lists" in said
    assert said.endswith(f"it makes {len(exports)}.")


def test_a_part_of_a_page_names_the_export_that_shows_it() -> None:
    section = reference.page(registry.connector("zendesk")).partition("### ticket_comments")[2].partition("###")[0]
    assert "- **Beside**: [ticket_events](#ticket_events)" in section


def test_a_connector_without_a_guide_says_what_its_access_reads() -> None:
    page = reference.page(replace(registry.connector("stripe"), guide=None))
    assert "- **Credentials**: Reads `api_key`" in page
    assert "## Credentials" not in page


def test_views_are_named() -> None:
    view = FieldView("tickets_with_fields", "tickets", "custom_fields", "ticket_fields", "pairs")
    page = reference.page(replace(registry.connector("zendesk"), views=(view,)))
    assert "- **Views**: `tickets_with_fields` shows all columns of [tickets](#tickets)" in page


def test_the_page_shows_where_values_come_from() -> None:
    page = reference.page(registry.connector("stripe"))
    assert "`items.data.0.plan.id`" in page
    assert "by a call to `/v1/customers/{id}/balance_transactions` for each" in page


def test_the_page_shows_columns_that_every_table_of_children_gets() -> None:
    parents = Collection("orders", children=(Child("lines", "lines", "order_id"),))
    connector = replace(registry.connector("stripe"), collections=(parents, Collection("lines")), feeds=())
    section = reference.page(connector).partition("### lines")[2]
    assert re.findall(r"^\| `(\w+)` \| text", section, re.MULTILINE) == ["id", "order_id"]


def test_headings_go_down_one_level_but_not_in_code() -> None:
    text = "# One\n\n```sh\n# a comment\n```\n## Two\n#no heading"
    assert reference.demoted(text) == "## One\n\n```sh\n# a comment\n```\n### Two\n#no heading"


def test_a_table_leaves_out_what_is_always_empty_and_escapes_the_rest() -> None:
    assert reference.table(("a", "b", "c"), [("x|y", "", "<z>"), ("1", "", "two\nlines")]).splitlines() == [
        "| a | c |",
        "| --- | --- |",
        "| x\\|y | &lt;z> |",
        "| 1 | two lines |",
    ]


def test_the_program_writes_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    connector = registry.connector("stripe")
    assert reference.main(["stripe"]) == 0
    assert capsys.readouterr().out == reference.page(connector, reference.quirks(connector))
    assert reference.main(["strip"]) == 2
    assert "stripe" in capsys.readouterr().err


# --------------------------------------------------------------------------------- commands, links


def commands(page: Path) -> Iterator[list[str]]:
    """Every `catchment …` that a page shows, as arguments; of a synopsis one way to write it."""
    shown = [line for text in fences(page, *SHELLS, "") for line in text.splitlines()]
    shown = [line.removeprefix("$ ") for line in shown] + re.findall(r"`([^`\n]+)`", prose(page))
    for line in shown:
        if found := re.match(r"(?:\.venv/bin/)?catchment( +(?:[a-z]|--).*)", line):
            plain = re.sub(r"[\[\]…]| \.\.\.|\|\w+", "", found[1])
            yield shlex.split(plain, comments=True)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_exists(page: Path) -> None:
    from catchment.cli import parser

    for arguments in commands(page):
        with pytest.raises(SystemExit) if "--help" in arguments else nullcontext():
            assert parser().parse_args(arguments).command in (arguments[0], None)


def test_every_command_has_its_section_with_every_option() -> None:
    from catchment.cli import COMMANDS, parser

    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.*?)$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    (choices,) = [action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    assert list(sections) == list(COMMANDS) == list(choices)
    for name, command in choices.items():
        options = {option for action in command._actions for option in action.option_strings if option.startswith("--")}
        missing = [o for o in options - {"--help", "--config"} if not re.search(rf"`{o}\b", sections[name])]
        assert not missing, f"docs/command-line.md: {name} has {missing} as well"


def test_commands_are_found_where_they_are() -> None:
    shown = list(commands(ROOT / "README.md"))
    assert ["init"] in shown
    assert any(arguments[0] == "sql" and "select" in arguments[1] for arguments in shown)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [line.removeprefix("$ ") for text in fences(page, *SHELLS) for line in text.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", prose(page))
    assert {found[1] for line in lines if (found := re.match(r"make ([a-z0-9-]+)", line))} <= targets


@cache
def anchors(page: Path) -> frozenset[str]:
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(page)))
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{named(page)} links to {link}, which is not there"
        assert not anchor or anchor in anchors(target), f"{named(page)} links to {link}: no such heading"


# ---------------------------------------------------------------------------------------- examples


def configurations() -> Iterator[tuple[str, str]]:
    """Every YAML example; a part of a source gets the rest around it."""
    stripe = "connector: stripe\ncredentials: {api_key: rk_test_x}\n"
    for page in (ROOT / "README.md", ROOT / "docs" / "configuration.md", *(ROOT / "docs" / "connectors").glob("*.md")):
        for text in fences(page, "yaml"):
            part = text if "connector:" in text else stripe + text
            yield named(page), text if "sources:" in text else "sources:\n  shop:\n" + textwrap.indent(part, "    ")


@pytest.mark.parametrize(("page", "text"), list(configurations()))
def test_every_example_of_a_configuration_can_be_used(page: str, text: str, tmp_path: Path) -> None:
    from catchment.sync import targets

    file = tmp_path / "catchment.yaml"
    file.write_text(text, encoding="utf-8")
    values = {name: "-----BEGIN" if name.endswith("PRIVATE_KEY") else "rk_test_x" for name in NAME.findall(text)}
    settings = load(file, values)
    assert settings.sources
    assert all(target.selected for target in targets(settings, []))


def test_every_key_of_the_configuration_is_explained() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    keys = {*File.model_fields, *Source.model_fields} - {"name"}
    rows = set(re.findall(r"^\| \[?`(\w+)`", page.partition("## The keys")[2].partition("\n## ")[0], re.MULTILINE))
    assert rows == keys
    (whole,) = [text for text in fences(ROOT / "docs" / "configuration.md", "yaml") if "sources:" in text]
    assert {key for source in yaml.safe_load(whole)["sources"].values() for key in source} == {*Source.model_fields} - {
        "name"
    }
    spans = " ".join(re.findall(r"`([^`\n]+)`", prose(ROOT / "docs" / "configuration.md")))
    inner = {*Schedule.model_fields, *RateLimit.model_fields, *Timeouts.model_fields}
    assert inner <= set(re.findall(r"\w+", spans))


SOURCES = {"stripe_live": "stripe", "support": "zendesk", "crm": "salesforce"}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a warehouse with every declared table of three sources, all without rows."""
    folder = tmp_path_factory.mktemp("warehouse")
    url = f"duckdb:///{folder}/warehouse.duckdb"
    for source, name in SOURCES.items():
        collections = registry.connector(name).collections
        open_warehouse(url, source, collections, scratch=folder / "scratch").commit(Commit(tables=collections))
    return url


def queries() -> Iterator[str]:
    yield from fences(ROOT / "docs" / "tables.md", "sql")
    for page in PAGES:
        if page.name != "write-a-connector.md":  # its app is its own, and so are its tests
            yield from (given[1] for given in commands(page) if given[0] == "sql" and "select" in given[1].lower())


@pytest.mark.parametrize("query", list(queries()))
def test_every_query_runs(query: str, empty: str) -> None:
    with read_only(empty) as connection:
        assert connection.execute(query).description


def test_the_schema_catchment_is_described_as_it_is(empty: str) -> None:
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `catchment\.(\w+)` \|[^|]*\|(.*)\|$", page, re.MULTILINE)
    described = {table: re.findall(r"`(\w+)`", columns) for table, columns in rows}
    with read_only(empty) as connection:
        found = connection.execute(
            "select table_name, list(column_name order by column_index) from duckdb_columns() "
            "where schema_name = 'catchment' group by all"
        ).fetchall()
    assert described == dict(found)


def test_the_collection_that_is_written_as_an_example_works() -> None:
    said: dict[str, object] = {}
    for text in fences(ROOT / "docs" / "write-a-collection.md", "python"):
        exec(text, said)
    for app, collection, feed, shown in (
        ("stripe", "shipping_rates", "feed", "`fixed_amount.currency`"),
        ("zendesk", "suspended_tickets", "suspended", "`/api/v2/suspended_tickets`"),
    ):
        declared = registry.connector(app)
        connector = replace(declared, collections=(said[collection],), feeds=(said[feed],))  # type: ignore[arg-type]
        page = reference.page(connector)
        assert f"### {collection}" in page
        assert shown in page
    salesforce = registry.connector("salesforce")
    assert said["quote"] not in salesforce.collections
    assert "### quote" in reference.page(replace(salesforce, collections=(said["quote"],), feeds=()))  # type: ignore[arg-type]


def test_the_pace_of_commits_is_said_as_it_is(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| ([\d,]+) \| (\d+) MB \| (\d+) \| \w", page, re.MULTILINE)
    said = {name: Pace(int(n.replace(",", "")), int(size) * 1_000_000, float(at)) for name, n, size, at in rows}
    postgres = Postgres("postgresql://u@localhost/d")
    assert said == {"DuckDB": DuckDBFile(tmp_path / "w.duckdb", None, 0).pace, "PostgreSQL": postgres.pace}
    assert (Pace().rows, Pace().seconds) == (20_000, 10)  # what the contract promises of any that declares nothing
