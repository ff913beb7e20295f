"""catchment.yaml: what it means, what it may leave out, and where its errors point."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import TEMPLATE, Choice, ConfigError, Settings, load

FULL = """\
warehouse: duckdb:///warehouse.duckdb
state: sqlite:///.catchment/state.db
sources:
  stripe_live:
    connector: stripe
    credentials: {api_key: "${STRIPE_API_KEY}"}
    base_url: https://api.stripe.com/
    webhook_secrets: ["${STRIPE_WEBHOOK_SECRET}"]
    schedule: {every: 3h}
    collections: [default, "!events"]
    start_date: 2024-01-01
    rate_limit: {per_second: 50, per_endpoint: 20, daily_share: 0.6}
    timeouts: {connect: 10s, read: 30s, stall: 10m}
    settle: 10m
  support:
    connector: zendesk
    credentials: {subdomain: acme, email: ada@acme.com, api_token: "${ZENDESK_TOKEN}"}
"""
ENVIRON = {"STRIPE_API_KEY": "sk_test_123", "STRIPE_WEBHOOK_SECRET": "whsec_123"}


def read(folder: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    file = folder / "catchment.yaml"
    file.write_bytes(text.encode())
    return load(file, environ or {})


def source(body: str) -> str:
    """A file with one source whose settings, from line 4 on, are ``body``."""
    return f"sources:\n  s:\n    connector: stripe\n    {body}\n"


# ---------------------------------------------------------------------------------------- what it means


def test_every_setting_arrives_typed(tmp_path: Path) -> None:
    settings = read(tmp_path, FULL, ENVIRON)
    live = settings.source("stripe_live")
    assert settings.warehouse == f"duckdb:///{tmp_path}/warehouse.duckdb"
    assert settings.state == f"sqlite:///{tmp_path}/.catchment/state.db"
    assert (live.name, live.connector, live.base_url) == ("stripe_live", "stripe", "https://api.stripe.com")
    assert live.revealed() == {"api_key": "sk_test_123"}
    assert live.secrets() == ("sk_test_123", "whsec_123")
    assert live.schedule.every == 3 * 3600
    assert [(c.name, c.included) for c in live.collections] == [("default", True), ("events", False)]
    assert live.start_date == dt.date(2024, 1, 1)
    assert live.rate_limit.model_dump() == {"per_second": 50, "per_endpoint": 20, "daily_share": 0.6}
    assert live.timeouts.model_dump() == {"connect": 10, "read": 30, "stall": 600}
    assert live.settle == 600


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    settings = read(tmp_path, "sources: {s: {connector: stripe}}")
    plain = settings.source("s")
    assert settings.warehouse.endswith("/warehouse.duckdb")
    assert settings.state.endswith("/.catchment/state.db")
    assert plain.schedule.every == 3 * 3600
    assert plain.collections == (Choice("default"),)
    assert (plain.base_url, plain.start_date, plain.rate_limit.per_second, plain.settle) == (None, None, None, None)
    assert (plain.timeouts.connect, plain.timeouts.read, plain.timeouts.stall) == (10, 30, 600)


def test_times_of_the_day_with_a_zone(tmp_path: Path) -> None:
    text = source("schedule: {times: [02:00, '14:30'], timezone: Europe/Paris}")
    schedule = read(tmp_path, text).source("s").schedule
    assert schedule.times == (dt.time(2), dt.time(14, 30))
    assert (schedule.timezone, schedule.every) == ("Europe/Paris", None)


def test_collections_as_a_map(tmp_path: Path) -> None:
    text = source('collections: {default: true, events: false, "!payouts": true, charges: {exclude: [receipt_url]}}')
    assert read(tmp_path, text).source("s").collections == (
        Choice("default", True, (), "default"),
        Choice("events", False, (), "events"),
        Choice("payouts", False, (), "!payouts"),
        Choice("charges", True, ("receipt_url",), "charges"),
    )


@pytest.mark.parametrize(
    "text", ["no", "on", "YES", "012", "1_000", "0x1f", "02:30", "2024-01-01", "1e", "12345678901234567890x"]
)
def test_no_trap_of_yaml_changes_a_text(tmp_path: Path, text: str) -> None:
    settings = read(tmp_path, source(f"credentials: {{subdomain: {text}}}"))
    assert settings.source("s").revealed() == {"subdomain": text}


def test_an_alias_repeats_what_it_names(tmp_path: Path) -> None:
    text = "sources:\n  a: &plain {connector: stripe, start_date: 2024-01-01}\n  b: *plain\n"
    settings = read(tmp_path, text)
    assert settings.source("b").start_date == settings.source("a").start_date == dt.date(2024, 1, 1)


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("duckdb:///lake/x.duckdb", "{folder}/lake/x.duckdb"),
        ("duckdb:////srv/x.duckdb", "/srv/x.duckdb"),
        ("duckdb:///../x.duckdb", "{folder}/../x.duckdb"),
        ("duckdb:///~/x.duckdb", "{home}/x.duckdb"),
    ],
)
def test_paths_are_relative_to_the_file(tmp_path: Path, url: str, file: str) -> None:
    expected = file.format(folder=tmp_path, home=Path.home())
    assert read(tmp_path, f"warehouse: {url}\nsources: {{}}").warehouse == f"duckdb:///{expected}"


def test_a_server_address_stays_as_it_is_and_out_of_sight(tmp_path: Path) -> None:
    settings = read(tmp_path, "warehouse: postgresql://u:hunter22@db/x\nsources: {warehouse: {connector: stripe}}")
    assert settings.warehouse == "postgresql://u:hunter22@db/x"
    assert "hunter22" not in repr(settings)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:1", "https://x"])
def test_addresses_that_base_url_may_have(tmp_path: Path, address: str) -> None:
    assert read(tmp_path, source(f"base_url: '{address}/'")).source("s").base_url == address


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("catchment", "named", "argument"):
        (tmp_path / f"{name}.yaml").write_text(f"sources: {{{name[0]}: {{connector: stripe}}}}")
    monkeypatch.chdir(tmp_path)
    named = {"CATCHMENT_CONFIG": str(tmp_path / "named.yaml")}
    assert list(load(None, {}).sources) == ["c"]
    assert load(None, {}).warehouse == f"duckdb:///{tmp_path}/warehouse.duckdb"
    assert list(load(None, named).sources) == ["n"]
    assert list(load(Path("argument.yaml"), named).sources) == ["a"]


def test_the_template_is_a_file_that_works(tmp_path: Path) -> None:
    template = read(tmp_path, TEMPLATE, {"STRIPE_API_KEY": "sk_test_123"})
    assert template.source("stripe_live").connector == "stripe"
    optional = [
        line.removeprefix("    # ") for line in TEMPLATE.splitlines() if line.startswith("    # ") and ":" in line
    ]
    assert len(optional) == 6
    everything = TEMPLATE + "".join(f"    {line}\n" for line in optional)
    assert read(tmp_path, everything, ENVIRON).source("stripe_live").timeouts.stall == 600


def test_asking_for_the_errors_alone_imports_nothing_heavy() -> None:
    code = "import sys, config; config.ConfigError, config.TEMPLATE; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "yaml"} & set(done.stdout.split())


# -------------------------------------------------------------------------------------------- variables


def test_a_variable_is_needed_only_by_the_sources_in_use(tmp_path: Path) -> None:
    settings = read(tmp_path, FULL, ENVIRON)
    assert settings.sources["support"].connector == "zendesk"
    assert list(settings.use(["stripe_live"])) == ["stripe_live"]
    with pytest.raises(ConfigError) as caught:
        settings.use(["stripe_live", "support"])
    error = caught.value
    assert (error.line, error.column) == (17, 69)
    assert "ZENDESK_TOKEN is not set" in error.message
    assert "${ZENDESK_TOKEN:-" in error.hint


@pytest.mark.parametrize(
    ("written", "environ", "value"),
    [
        ("${A}", {"A": "x"}, "x"),
        ("p${A}-${B}s", {"A": "x", "B": "y"}, "px-ys"),
        ("${A:-d}", {}, "d"),
        ("${A:-d}", {"A": ""}, "d"),
        ("${A:-d}", {"A": "x"}, "x"),
        ("${A}", {"A": "${B}"}, "${B}"),
        ("$${A}", {}, "${A}"),
        ("$A$", {"A": "x"}, "$A$"),
        ("é${A:-: #}", {}, "é: #"),
    ],
)
def test_what_stands_for_a_variable(tmp_path: Path, written: str, environ: dict[str, str], value: str) -> None:
    settings = read(tmp_path, source(f"credentials: {{k: '{written}'}}"), environ)
    assert settings.source("s").revealed() == {"k": value}


def test_a_variable_may_hold_a_number(tmp_path: Path) -> None:
    text = source("rate_limit: {per_second: '${RATE}', daily_share: '${SHARE:-0.5}'}")
    limit = read(tmp_path, text, {"RATE": "25"}).source("s").rate_limit
    assert (limit.per_second, limit.daily_share) == (25, 0.5)


@pytest.mark.parametrize(
    "body",
    [
        "rate_limit: {per_second: '${X}'}",
        "base_url: '${X}'",
        "schedule: {times: ['${X}']}",
        "schedule: {times: ['01:00'], timezone: '${X}'}",
        "collections: ['${X}']",
        "collections: {charges: '${X}'}",
        "collections: {charges: {exclude: ['${X}']}}",
        "credentials: '${X}'",
        "webhook_secrets: '${X}'",
        "start_date: ${X}",
    ],
)
def test_a_missing_variable_is_the_error_wherever_it_stands(tmp_path: Path, body: str) -> None:
    text = source(body)
    settings = read(tmp_path, text)
    assert settings.sources["s"].connector == "stripe"
    with pytest.raises(ConfigError, match="X is not set") as caught:
        settings.source("s")
    assert (caught.value.line, caught.value.column) == (4, text.splitlines()[3].index("${X}") + 1)


def test_other_errors_are_found_beside_a_missing_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown key 'reed'"):
        read(tmp_path, source("timeouts: {read: '${X}', reed: 1s}"))


def test_a_set_but_empty_variable_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the variable X is empty"):
        read(tmp_path, source("credentials: {k: '${X}'}"), {"X": ""}).source("s")


def test_the_position_survives_escapes_and_other_variables(tmp_path: Path) -> None:
    text = source('credentials: {k: "\\u00e9\\n\\"${A:-1}${AB:-2}${AC}"}')
    with pytest.raises(ConfigError, match="AC is not set") as caught:
        read(tmp_path, text).source("s")
    assert caught.value.column == text.splitlines()[3].index("${AC}") + 1


# --------------------------------------------------------------------------------------------- secrets


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8))
def test_no_credential_is_ever_shown(tmp_path_factory: pytest.TempPathFactory, secret: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    secret = f"Q{secret}Q"
    text = source("credentials: {k: '${K}'}\n    webhook_secrets: ['${K}']")
    settings = read(folder, text, {"K": secret})
    live = settings.source("s")
    assert live.revealed() == {"k": secret}
    assert not [
        shown for shown in (repr(settings), repr(live), str(live), f"{live}", str(live.credentials)) if secret in shown
    ]


def test_a_refused_credential_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, source("credentials: {pin: 12345678}"))
    assert "12345678" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


# ---------------------------------------------------------------------------------------------- errors

# the file (a text alone is one source's setting in line 4), the line and column, what it says, what it advises
ERRORS = [
    ("", 1, 1, "empty", "catchment init"),
    ("# only a comment", 1, 1, "empty", "catchment init"),
    ("just text", 1, 1, "a map is due", "key: value"),
    ("sources: {}\nwarehous: duckdb:///x.duckdb", 2, 1, "unknown key 'warehous'", "'warehouse'"),
    ("warehouse: duckdb:///x.duckdb", 1, 1, "no `sources`", "add `sources"),
    ("sources:", 1, 1, "'sources' has no value", "write one"),
    ("sources: [a]", 1, 10, "sources: a map is due", "key: value"),
    ("state: 5\nsources: {}", 1, 8, "state: a text is due here, not a number", "quotes"),
    ("sources: {}\nsources: {}", 2, 1, "'sources' stands twice", "keep one"),
    ("sources: {a: {connector: x}, a: {connector: y}}", 1, 30, "'a' stands twice in this map, first in line 1", "keep"),
    # names
    ("sources:\n  Bad: {connector: x}", 2, 3, "'Bad' cannot name a source", "small letter"),
    ("sources:\n  1a: {connector: x}", 2, 3, "cannot name a source", "small letter"),
    (f"sources:\n  {'a' * 41}: {{connector: x}}", 2, 3, "cannot name a source", "at most 40"),
    *[
        (f"sources:\n  {name}: {{connector: x}}", 2, 3, f"{name!r} is a name that warehouses keep", f"{name}_data")
        for name in ("catchment", "main", "public", "temp", "system", "information_schema", "pg_catalog")
    ],
    ("sources:\n  warehouse: {connector: x}", 2, 3, "what DuckDB calls warehouse.duckdb", "rename"),
    ("warehouse: duckdb:///Acme.eu.duckdb\nsources: {acme: {connector: x}}", 2, 11, "calls Acme.eu.duckdb", "rename"),
    ("warehouse: duckdb:///temp.duckdb\nsources: {temp_db: {connector: x}}", 2, 11, "calls temp.duckdb", "rename"),
    ("warehouse: duckdb:///catchment.duckdb\nsources: {}", 1, 12, "catchment", "another name"),
    # addresses
    ("warehouse: mysql://h/x\nsources: {}", 1, 12, "duckdb://… or postgresql://…", "duckdb:///file.duckdb"),
    ("warehouse: x.duckdb\nsources: {}", 1, 12, "not an address", "duckdb:///file.duckdb"),
    ("warehouse: duckdb://x.duckdb\nsources: {}", 1, 12, "names no file", "three slashes"),
    ("warehouse: 'duckdb:///:memory:'\nsources: {}", 1, 12, "names no file", "duckdb:///file.duckdb"),
    ("warehouse: postgresql://\nsources: {}", 1, 12, "names no server", "user:password@host"),
    ("state: duckdb:///x\nsources: {}", 1, 8, "sqlite://", "sqlite:///file.db"),
    ("warehouse: '${W}/x'\nsources: {}", 1, 13, "W is not set", "set W"),
    ("base_url: http://api.example.com", 4, 15, "base_url: http would send", "127.0.0.1"),
    ("base_url: http://127.0.0.1.example.com", 4, 15, "http would send", "https://host"),
    ("base_url: http://127.0.0.1@example.com", 4, 15, "user", "credentials"),
    ("base_url: https://x/?key=1", 4, 15, "?query", "credentials"),
    ("base_url: https://x:99999", 4, 15, "not an address", "https://host"),
    ("base_url: ftp://x", 4, 15, "not an address", "https://host"),
    ("base_url: api.stripe.com", 4, 15, "not an address", "https://host"),
    # a source
    ("sources:\n  s:\n    credentials: {a: b}", 2, 3, "the source 's' has no `connector`", "add `connector"),
    ("sources:\n  s:", 2, 3, "'s' has no value", "write one"),
    ("sources:\n  s: stripe", 2, 6, "'s' is not a map", "connector"),
    ("connector: y", 4, 5, "'connector' stands twice", "keep one"),
    ("shedule: {every: 3h}", 4, 5, "unknown key 'shedule'", "'schedule'"),
    ("name: x", 4, 5, "unknown key 'name'", "key above"),
    ("zzz: 1", 4, 5, "unknown key 'zzz'", "the keys are connector, credentials, "),
    ("credentials: [a]", 4, 18, "credentials: a map is due", "key: value"),
    ("credentials: {api_key: 5}", 4, 28, "credentials.api_key: a text is due here, not a number", "quotes"),
    ("credentials: {api_key: true}", 4, 28, "not true or false", "quotes"),
    ("credentials: {api_key: [a]}", 4, 28, "not a list", "quotes"),
    ("credentials: {api_key: }", 4, 19, "'api_key' has no value", "remove"),
    ("credentials: {api_key: ' '}", 4, 28, "empty", "remove"),
    ("credentials: {api_key: '${1A}'}", 4, 29, "${ opens no variable", "${NAME"),
    ("credentials: {api_key: 'a${A'}", 4, 30, "${ opens no variable", "$${"),
    ("webhook_secrets: whsec", 4, 22, "webhook_secrets: a list is due", "[first, second]"),
    ("webhook_secrets: [ok, 1]", 4, 27, "webhook_secrets[1]: a text is due", "quotes"),
    ("schedule: 3h", 4, 15, "schedule: a map is due", "key: value"),
    ("schedule: {}", 4, 15, "either `every` or `times`", "{every: 3h}"),
    ("schedule: {every: 3h, times: ['02:00']}", 4, 15, "either `every` or `times`", "{every: 3h}"),
    ("schedule: {every: 3h, timezone: UTC}", 4, 37, "needs no time zone", "remove"),
    ("schedule: {evry: 3h}", 4, 16, "unknown key 'evry'", "'every'"),
    ("schedule: {every: 3}", 4, 23, "schedule.every: a duration is due here, not a number", "30s"),
    ("schedule: {every: 3x}", 4, 23, "'3x' is not a duration", "30s"),
    ("schedule: {every: 0s}", 4, 23, "more than zero", "30s"),
    ("schedule: {times: '02:00'}", 4, 23, "a list is due", "[first, second]"),
    ("schedule: {times: ['02:00', '24:00']}", 4, 33, "schedule.times[1]: a time of day is due", "02:00"),
    ("schedule: {times: ['02:00'], timezone: Europe/Pari}", 4, 44, "no time zone 'Europe/Pari'", "Europe/Paris"),
    ("schedule: {times: ['02:00'], timezone: Europe}", 4, 44, "no time zone 'Europe'", "Europe/Paris"),
    ("schedule: {times: ['02:00'], timezone: ../etc}", 4, 44, "no time zone", "Europe/Paris"),
    ("start_date: 2024-02-30", 4, 17, "no such day", "2024-01-31"),
    ("start_date: 01/02/2024", 4, 17, "a date is due", "year-month-day"),
    ("start_date: 2024", 4, 17, "a date is due", "year-month-day"),
    ("rate_limit: {per_second: '50'}", 4, 30, "rate_limit.per_second: a number is due here, not a text", "50"),
    ("rate_limit: {per_second: true}", 4, 30, "a number is due here, not true or false", "50"),
    ("rate_limit: {per_second: 0}", 4, 30, "above zero", "50"),
    ("rate_limit: {per_second: 1e999}", 4, 30, "above zero", "50"),
    ("rate_limit: {daily_share: 60}", 4, 31, "at most 1", "0.6"),
    ("rate_limit: {per_secnd: 1}", 4, 18, "unknown key 'per_secnd'", "'per_second'"),
    ("timeouts: {read: 30}", 4, 22, "timeouts.read: a duration is due", "30s"),
    ("timeouts: {reed: 30s}", 4, 16, "unknown key 'reed'", "'read'"),
    ("collections: 5", 4, 18, "a list or a map", "default"),
    ("collections: [charges, 5]", 4, 28, "collections[1]: a text is due", "quotes"),
    ("collections: ['a b']", 4, 19, "no name or pattern", "default"),
    ("collections: ['!']", 4, 19, "no name or pattern", "default"),
    ("collections: {charges: 1}", 4, 28, "neither true nor false", "{exclude: [column]}"),
    ("collections: {'!charges': false}", 4, 31, "says no twice", "charges: false"),
    ("collections: {'!charges': {exclude: [a]}}", 4, 31, "neither true nor false", "{exclude"),
    ("collections: {charges: {exlude: [a]}}", 4, 29, "unknown key 'exlude'", "{exclude"),
    ("collections: {charges: {exclude: a}}", 4, 38, "a list of columns", "{exclude"),
    ("collections: {charges: {exclude: [a, 1]}}", 4, 42, "collections.charges.exclude[1]: a text is due", "quotes"),
    ("collections: {charges: {}}", 4, 28, "a list of columns", "{exclude"),
    # YAML itself
    ("collections: [default, !events]", 4, 35, "not YAML", '"!events"'),
    ("collections:\n    - !events", 5, 7, "!events is read as a YAML tag", '"!events"'),
    ("collections: !!set {a, b}", 4, 18, "!!set is read as a YAML tag", "quotes"),
    ("credentials: {api_key: ${KEY}}", 4, 29, "not YAML", '"${NAME}"'),
    ("\ttimeouts: {}", 4, 5, "not YAML", "spaces, not tabs"),
    ("a: b: c", 1, 5, "not YAML", "colons"),
    ("sources: {s: {connector: x}", 2, 1, "not YAML", "not closed"),
    ("sources: {}\n---\nsources: {}", 2, 1, "not YAML", "one document"),
    ("sources: *nope", 1, 10, "not YAML", "check"),
    ("sources: &all\n  s: *all", 1, 10, "inside its own anchor", "repeat"),
    ("sources: {}\n? [a, b]\n: c", 2, 3, "a key is a plain text", "quotes"),
    ("base: &b {connector: x}\nsources:\n  s:\n    <<: *b", 4, 5, "merge keys", "repeat"),
    ("sources: {}\n# \x07", 2, 3, "U+0007", "remove"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "message", "hint"), ERRORS)
def test_an_error_says_where_what_and_what_would_be_right(
    tmp_path: Path, text: str, line: int, column: int, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text if line < 4 or "sources:" in text else source(text))
    error = caught.value
    assert (error.line, error.column) == (line, column), str(error)
    assert message in error.message
    assert hint in error.hint
    assert error.file == str(tmp_path / "catchment.yaml")
    assert str(error).startswith(f"{error.file}:{line}:{column}: {error.message}")


def test_the_first_error_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="start_date") as caught:
        read(tmp_path, source("start_date: x\n    base_url: x\n    zzz: 1"))
    assert caught.value.line == 4


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "catchment.yaml"
    file.write_bytes("sources: {}\n# é".encode() + b"\xe9")
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        load(file, {})
    assert (caught.value.line, caught.value.column) == (2, 4)


def test_a_byte_order_mark_moves_no_column(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "\ufeffwarehouse: ${W}/and/more\nsources: {}")
    assert (caught.value.line, caught.value.column) == (1, 12)


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / name, {})
    assert (caught.value.line, caught.value.column) == (None, None)
    assert str(tmp_path / name) in str(caught.value)
    assert caught.value.hint


def test_an_unknown_source_suggests_the_right_one(tmp_path: Path) -> None:
    settings = read(tmp_path, FULL, ENVIRON)
    with pytest.raises(ConfigError, match="no source 'stripe'") as caught:
        settings.source("stripe")
    assert (caught.value.line, caught.value.column, caught.value.hint) == (3, 1, "did you mean 'stripe_live'?")


@pytest.mark.parametrize(
    ("path", "at", "place"),
    [
        (("sources", "stripe_live", "credentials", "api_key"), "value", (6, 28)),
        (("sources", "stripe_live", "credentials", "api_key"), "key", (6, 19)),
        (("sources", "stripe_live", "credentials", "absent"), "value", (6, 5)),
        (("sources", "stripe_live", "collections", 1), "value", (10, 28)),
        (("sources", "absent", "credentials"), "value", (3, 1)),
        ((), "value", (1, 1)),
    ],
)
def test_an_error_can_be_made_at_any_key(
    tmp_path: Path, path: tuple[str | int, ...], at: str, place: tuple[int, int]
) -> None:
    settings = read(tmp_path, FULL, ENVIRON)
    error = settings.error(path, "wrong", "do this", at=at)  # type: ignore[arg-type]
    assert (error.line, error.column) == place
    assert json.loads(json.dumps(error.as_dict())) == {
        "kind": "config",
        "message": "wrong",
        "file": settings.file,
        "line": place[0],
        "column": place[1],
        "hint": "do this",
    }
