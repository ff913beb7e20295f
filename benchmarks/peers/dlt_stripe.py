"""dlt in the fastest configurations we know for this job: Arrow tables in, Parquet between, a merge on the key out.

`--reader` says who reads the API. `own`: the hand-written reader of `simple`, so that dlt only loads. `dlt`: dlt's REST
client with its cursor paginator, as its documentation teaches. `--parallel` reads the collections side by side,
which pays as soon as the API takes time to answer and costs a little where it does not.

Into PostgreSQL it goes by Parquet and ADBC, or, with `--format csv`, by text and COPY.

Usage: python -m benchmarks.peers.dlt_stripe URL KEY WAREHOUSE [--reader own|dlt] [--parallel] [--format parquet|csv]
       WAREHOUSE: a DuckDB file, or the address of a PostgreSQL database
"""

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.peers import pages

# Read by dlt when it is imported and when a pipeline starts.
os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"})
import dlt

ROWS_PER_TABLE = 10_000
# A list shows an object once, so a load holds no key twice and dlt may skip looking for it: its cheapest merge.
MERGE = {"disposition": "merge", "strategy": "delete-insert", "deduplicated": True}

Reader = Callable[[str], Iterator[pa.Table]]


def own_reader(url: str, key: str) -> Reader:
    """What `simple` does, without its loading."""

    def read(path: str) -> Iterator[pa.Table]:
        with pages.session(key) as client:
            for records in pages.chunks(pages.pages(client, url, path), ROWS_PER_TABLE):
                yield pages.table(records)

    return read


def dlt_reader(url: str, key: str) -> Reader:
    """dlt's REST client and its paginator for cursors in the body."""
    from dlt.sources.helpers.rest_client import RESTClient
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
    from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

    def read(path: str) -> Iterator[pa.Table]:
        place, params = pages.parted(path)
        client = RESTClient(
            url,
            auth=BearerTokenAuth(key),
            headers={"Stripe-Version": pages.API_VERSION},
            data_selector="data",
            paginator=JSONResponseCursorPaginator(
                "data[-1].id", cursor_param="starting_after", has_more_path="has_more"
            ),
        )
        found: Iterator[Any] = client.paginate(place, params=params)
        for records in pages.chunks((list(page) for page in found), ROWS_PER_TABLE):
            yield pages.table(records)

    return read


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("url")
    options.add_argument("key")
    options.add_argument("warehouse")
    options.add_argument("--folder", type=Path, help="where dlt works (beside the file)")
    options.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    options.add_argument("--reader", choices=("own", "dlt"), default="own")
    options.add_argument("--parallel", action="store_true")
    chosen = options.parse_args()
    read = {"own": own_reader, "dlt": dlt_reader}[chosen.reader](chosen.url, chosen.key)
    resources = [
        dlt.resource(read, name=name, primary_key="id", write_disposition=MERGE, parallelized=chosen.parallel)(path)
        for name, path in pages.COLLECTIONS.items()
    ]
    remote = chosen.warehouse.startswith("postgresql://")
    destination = (dlt.destinations.postgres if remote else dlt.destinations.duckdb)(chosen.warehouse)
    pipeline = dlt.pipeline(
        "stripe",
        destination=destination,
        dataset_name="stripe_live",
        pipelines_dir=str((chosen.folder or Path(chosen.warehouse).parent) / "dlt"),
    )
    pipeline.run(resources, loader_file_format=chosen.format)


if __name__ == "__main__":
    main()
