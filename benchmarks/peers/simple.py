"""A hand-written script: requests, orjson, Arrow, one upsert on the key per batch into DuckDB, one thing after another.

Usage: python -m benchmarks.peers.simple URL KEY WAREHOUSE
"""

import sys

import duckdb
import pyarrow as pa

from benchmarks.peers import pages

ROWS_PER_BATCH = 10_000


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def make_room(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Create the table, or add the columns that `batch` is the first to fill."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS {name} (id VARCHAR PRIMARY KEY)")
    known = {row[0] for row in connection.execute(f"SELECT column_name FROM (DESCRIBE {name})").fetchall()}
    for column, kind in connection.execute("SELECT column_name, column_type FROM (DESCRIBE batch)").fetchall():
        if column not in known:
            connection.execute(f"ALTER TABLE {name} ADD COLUMN {quoted(column)} {kind}")


def upsert(connection: duckdb.DuckDBPyConnection, name: str, batch: pa.Table) -> None:
    """Insert what is new and overwrite what is known, in one transaction."""
    connection.register("batch", batch)
    connection.execute("BEGIN")
    make_room(connection, name)
    changes = ", ".join(
        f"{quoted(column)} = excluded.{quoted(column)}" for column in batch.column_names if column != "id"
    )
    connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM batch ON CONFLICT (id) DO UPDATE SET {changes}")
    connection.execute("COMMIT")
    connection.unregister("batch")


def main(url: str, key: str, warehouse: str) -> None:
    client = pages.session(key)
    connection = duckdb.connect(warehouse)
    for name, path in pages.COLLECTIONS.items():
        for records in pages.chunks(pages.pages(client, url, path), ROWS_PER_BATCH):
            upsert(connection, name, pages.table(records))
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:4])
