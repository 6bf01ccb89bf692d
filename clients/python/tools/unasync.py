"""Makes the blocking client, `quipu_client.sync`, from the asyncio client, `quipu_client.aio`.

The two differ in words only, but for transport.py and concurrency.py, which are written by hand for each.
`--check` makes nothing and fails when what is committed is not current.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
SOURCE = HOME / "src" / "quipu_client" / "aio"
TARGET = HOME / "src" / "quipu_client" / "sync"
BY_HAND = {"__init__.py", "transport.py", "concurrency.py"}

WORDS = [
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAwaitable\[(\w+)\]", r"\1"),
    (r"\bAsync(\w+)", r"\1"),
    (r"\b_Async(\w+)", r"_\1"),
    (r"\bStopAsyncIteration\b", "StopIteration"),
    (r"\b__a(iter|next|enter|exit)__\b", r"__\1__"),
    (r"\ba(iter|next)\(", r"\1("),
    (r"`async with`", "`with`"),
]


def translate(text: str) -> str:
    """The blocking form of a file."""
    for pattern, blocking in WORDS:
        text = re.sub(pattern, blocking, text)
    opening, quotes, rest = text.partition('"""')
    return f"# Made from ../aio by tools/unasync.py.\n{opening}{quotes}{rest}"


def generate(target: Path) -> None:
    """Write the files into a directory."""
    for path in sorted(SOURCE.glob("*.py")):
        if path.name not in BY_HAND:
            (target / path.name).write_text(translate(path.read_text()))
    made = [str(path) for path in target.glob("*.py") if path.name not in BY_HAND]
    ruff = [str(Path(sys.executable).parent / "ruff")]
    config = ["--config", str(HOME / "pyproject.toml"), "--quiet"]
    # Shorter names reflow lines, and leave imports unsorted or unused.
    subprocess.run([*ruff, "check", *config, "--fix-only", "--select", "I,F401", *made], check=True)
    subprocess.run([*ruff, "format", *config, *made], check=True)


def main() -> None:
    """Generate, or check."""
    if sys.argv[1:] != ["--check"]:
        generate(TARGET)
        return
    with tempfile.TemporaryDirectory(dir=TARGET.parent) as scratch:
        generate(Path(scratch))
        made = {path.name: path.read_text() for path in Path(scratch).glob("*.py")}
    committed = {path.name: path.read_text() for path in TARGET.glob("*.py") if path.name not in BY_HAND}
    differing = sorted(name for name in made.keys() | committed.keys() if made.get(name) != committed.get(name))
    if differing:
        sys.exit(f"not current, run `make generate`: {', '.join(differing)}")


if __name__ == "__main__":
    main()
