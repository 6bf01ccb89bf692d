"""Makes `quipu_client.proto` from the protocol files: messages only, importable from wherever it is installed.

`--check` makes nothing and fails when what is committed is not current.
"""

from __future__ import annotations

import importlib.resources
import re
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

HOME = Path(__file__).resolve().parents[1]
PROTOS = HOME.parents[1] / "proto"
TARGET = HOME / "src" / "quipu_client" / "proto"
INIT = '''"""The messages of `quipu.v1`, as protoc makes them, under one name. Made by tools/generate.py."""

{imports}
'''


def generate(target: Path) -> None:
    """Write the package into a directory."""
    names = sorted(path.stem for path in (PROTOS / "quipu" / "v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        made = protoc.main(
            [
                "protoc",
                f"--proto_path={PROTOS}",
                f"--proto_path={importlib.resources.files('grpc_tools') / '_proto'}",
                f"--python_out={scratch}",
                f"--pyi_out={scratch}",
                *(f"quipu/v1/{name}.proto" for name in names),
            ]
        )
        if made != 0:
            raise SystemExit(made)
        for path in (Path(scratch) / "quipu" / "v1").iterdir():
            # protoc takes the place of a file in `proto/` for its place among Python's packages.
            text = re.sub(r"^from quipu\.v1 import", "from . import", path.read_text(), flags=re.MULTILINE)
            (target / path.name).write_text(text)
    imports = "\n".join(f"from .{name}_pb2 import *" for name in names)
    (target / "__init__.py").write_text(INIT.format(imports=imports))


def stale(made: Path, committed: Path) -> list[str]:
    """The files that differ between two directories."""
    names = {path.name for side in (made, committed) for path in side.iterdir() if path.is_file()}
    return sorted(name for name in names if _text(made / name) != _text(committed / name))


def _text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


def main() -> None:
    """Generate, or check."""
    if sys.argv[1:] != ["--check"]:
        TARGET.mkdir(exist_ok=True)
        generate(TARGET)
        return
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        differing = stale(Path(scratch), TARGET)
    if differing:
        sys.exit(f"not current, run `make generate`: {', '.join(differing)}")


if __name__ == "__main__":
    main()
