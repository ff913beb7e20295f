#!/bin/sh
# Installs hashed requirement files, or the project itself, into one virtual environment.
#
#   requirements/install.sh .venv FILE.txt...     what the files pin, every archive checked against its hash
#   requirements/install.sh .venv --project       this checkout, editable, nothing downloaded
#
# uv does it in a second or two; where uv cannot be had or cannot reach the index, pip does the same.
set -eu

venv=$1
shift
python=$venv/bin/python
here=$(dirname "$0")

outer_pip() { "${PYTHON:-python3}" -m pip --python "$python" --disable-pip-version-check --no-input "$@"; }

# uv does not read pip's settings: an index or a certificate that pip was told about counts for both.
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    index=${PIP_INDEX_URL:-$("${PYTHON:-python3}" -m pip config get global.index-url 2>/dev/null || true)}
    if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
fi
if [ -z "${SSL_CERT_FILE:-}" ] && [ -n "${PIP_CERT:-}" ]; then export SSL_CERT_FILE="$PIP_CERT"; fi
export UV_NO_PROGRESS=1

if [ ! -x "$venv/bin/uv" ]; then
    outer_pip install --quiet --require-hashes -r "$here/bootstrap.txt" ||
        echo "uv could not be installed: going on with pip, which takes longer" >&2
fi

if [ "$1" = --project ]; then
    set -- --no-deps --no-build-isolation --editable "$here/.."
else
    files=$*
    set -- --require-hashes
    for file in $files; do set -- "$@" -r "$file"; done
fi

if [ -x "$venv/bin/uv" ] && "$venv/bin/uv" pip install --quiet --python "$python" "$@"; then exit 0; fi
outer_pip install --quiet "$@"
