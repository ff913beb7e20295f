"""`make sabotage`: applies each break to a copy of the project and fails unless the tests notice every one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sabotage.patches import PATCHES, Sabotage

ROOT = Path(__file__).resolve().parents[2]


def _copy(into: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, into / name)


def _pytest(directory: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def _try(patch: Sabotage) -> tuple[Sabotage, str]:
    with tempfile.TemporaryDirectory(prefix="sabotage-") as name:
        directory = Path(name)
        _copy(directory)
        file = directory / patch.file
        text = file.read_text(encoding="utf-8")
        if text.count(patch.old) != 1:
            return patch, f"stands {text.count(patch.old)} times in {patch.file}"
        file.write_text(text.replace(patch.old, patch.new), encoding="utf-8")
        done = _pytest(directory, patch.tests)
    if done.returncode == 1:
        return patch, ""
    return (
        patch,
        "no test noticed" if done.returncode == 0 else f"pytest ended with {done.returncode}:\n{done.stdout[-800:]}",
    )


def main() -> int:
    """Tries every break; 0 when each was noticed."""
    wanted = [patch for patch in PATCHES if not sys.argv[1:] or any(word in patch.promise for word in sys.argv[1:])]
    missed = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        for patch, problem in pool.map(_try, wanted):
            print(
                f"{'noticed' if not problem else 'MISSED ':8} {patch.promise}{': ' + problem if problem else ''}",
                flush=True,
            )
            missed += bool(problem)
    print(f"{len(wanted) - missed} of {len(wanted)} breaks were noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
