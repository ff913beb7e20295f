"""The breaks: what each promise is, how it is broken, and the tests that have to turn red."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One break: ``old`` stands exactly once in ``file`` and becomes ``new``; some of ``tests`` must fail then."""

    promise: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


PATCHES = (
    Sabotage(
        "rows and marks commit together",
        "warehouse_loader/sql_warehouse.py",
        "            done = writer.write(session)",
        "            session.rows('COMMIT'), session.rows('BEGIN')\n            done = writer.write(session)",
        ("tests/test_duckdb_commit.py", "tests/test_duckdb_sharing.py"),
    ),
    Sabotage(
        "a run that others have overtaken writes nothing",
        "warehouse_loader/marks.py",
        "if stored.get(feed, 0) != rev:",
        "if False:",
        ("tests/test_duckdb_commit.py", "tests/test_duckdb_sharing.py"),
    ),
    Sabotage(
        "a slice begins with its first second, not after it",
        "framework/window.py",
        "[gte]",
        "[gt]",
        ("tests/test_window.py", "tests/test_listing.py"),
    ),
    Sabotage(
        "the newest version wins",
        "warehouse_loader/merge.py",
        "WHERE t._version IS NULL OR b._version >= t._version",
        "WHERE t._version IS NULL OR b._version <= t._version",
        ("tests/test_merge_rows.py",),
    ),
    Sabotage(
        "an unchanged row is not written again",
        "warehouse_loader/merge.py",
        "WHEN {any_differs} OR tv IS NULL",
        "WHEN true OR tv IS NULL",
        ("tests/test_merge_rows.py", "tests/test_duckdb_commit.py"),
    ),
    Sabotage(
        "of equal versions the later answer wins, in whether a row lives as well",
        "warehouse_loader/merge.py",
        "AND td = bv AND lives AND",
        "AND td = bv AND false AND",
        ("tests/test_merge_rows.py", "tests/test_salesforce.py"),
    ),
    Sabotage(
        "a refused permission is reported",
        "framework/verdict.py",
        "collection.error = fault or (error if unfinished else None)",
        "collection.error = error if unfinished else None",
        ("tests/test_verdict.py", "tests/test_engine.py"),
    ),
    Sabotage(
        "a deletion is marked",
        "framework/changes.py",
        'if type_.endswith(".deleted") and type_ not in ends:',
        'if type_.endswith(".never"):',
        ("tests/test_changes.py", "tests/test_engine.py"),
    ),
    Sabotage(
        "a canceled subscription lives on",
        "connectors/stripe/__init__.py",
        'ends=frozenset({"customer.subscription.deleted"})',
        "ends=frozenset()",
        ("tests/test_changes.py", "tests/test_engine.py"),
    ),
    Sabotage(
        "a list that shows less than it has proves nothing",
        "warehouse_loader/children.py",
        "shown.data, shown.has_more is False",
        "shown.data, True",
        ("tests/test_merge_children.py",),
    ),
    Sabotage(
        "two changes of one second are settled by a read",
        "framework/changes.py",
        "known[1] != stamp[1]",
        "False",
        ("tests/test_changes.py",),
    ),
    Sabotage(
        "a resumed pass is not the end of a run",
        "framework/engine.py",
        "            holding.done = here or holding.again\n",
        "            holding.done = True\n",
        ("tests/test_engine.py",),
    ),
    Sabotage(
        "an interrupted resync goes on until it has read everything",
        "framework/generation.py",
        "view.refused and number > reached.get(name, 0)",
        "view.refused and number > reached.get(name, 0) and False",
        ("tests/test_generation.py",),
    ),
    Sabotage(
        "a changed shape reads again",
        "framework/remedy.py",
        "if one.change in READ_AGAIN and one.action == _AGAIN",
        "if False",
        ("tests/test_shapes.py",),
    ),
    Sabotage(
        "a column that appears is sought in stored rows",
        "framework/engine.py",
        " and not self._seek()",
        "",
        ("tests/test_appearing.py",),
    ),
    Sabotage(
        "it costs one page where they do not have it",
        "framework/appearing.py",
        "            step.slices.clear()\n",
        "",
        ("tests/test_appearing.py",),
    ),
    Sabotage(
        "no call goes above the limit",
        "framework/limits.py",
        "                wait(delay)\n",
        "                pass\n",
        ("tests/test_gates.py",),
    ),
    Sabotage(
        "told waits are waited in full",
        "framework/http.py",
        "return error.pause + random.uniform(0.0, 0.1)",
        "return min(error.pause, 0.1)",
        ("tests/test_http.py",),
    ),
    Sabotage(
        "credentials go to the configured host only",
        "framework/http.py",
        "if urlsplit(url)[:2] != urlsplit(base)[:2]:",
        "if False:",
        ("tests/test_http.py",),
    ),
    Sabotage(
        "an inferred mass deletion is held",
        "framework/sweep.py",
        "SHARE, ROWS = 0.2, 100",
        "SHARE, ROWS = 2.0, 100",
        ("tests/test_sweep.py", "tests/test_engine.py"),
    ),
    Sabotage(
        "another account's rows never meet",
        "framework/identity.py",
        "if known.fingerprint and (named or found.mode != known.mode):",
        "if False:",
        ("tests/test_identity.py", "tests/test_engine.py"),
    ),
    Sabotage(
        "a source is held by one run at a time",
        "state/runs.py",
        "                if not _gone(holder, now):",
        "                if False:",
        ("tests/test_state_runs.py",),
    ),
    Sabotage(
        "secrets stay out of logs",
        "state/logs.py",
        "json.dumps(self._redact(line)",
        "json.dumps(line",
        ("tests/test_state_logs.py",),
    ),
    Sabotage(
        "what is sent is what was pinned",
        "connectors/stripe/__init__.py",
        'params=(("status", "all"),)',
        "params=()",
        ("tests/test_cassettes.py",),
    ),
)
