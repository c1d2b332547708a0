"""`fenghuo docs`: write the part of the docs that follows from the code."""

from collections.abc import Iterator
from pathlib import Path

from fenghuo.reference import commands, events, metrics, pack_schema, rules, schemas, settings

FOLDERS = (Path("docs/reference"), Path("docs/schemas"))
"""Hold generated files and nothing else."""


def write_docs(root: Path) -> list[Path]:
    """Write the generated files below `root`, the folder that holds `docs/`.

    Returns:
        what was written or removed, relative to `root`; nothing where all was current.
    """
    stale = stale_docs(root)
    expected = pages()
    for path in stale:
        if path in expected:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(expected[path], encoding="utf-8", newline="\n")
        else:
            (root / path).unlink()
    return stale


def stale_docs(root: Path) -> list[Path]:
    """The generated files that are missing, differ from what the code says, or are no longer generated."""
    expected = pages()
    wrong = {path for path, text in expected.items() if _content(root / path) != text.encode()}
    return sorted(wrong | {path for path in _present(root) if path not in expected})


def pages() -> dict[Path, str]:
    """The content of every generated file by its path below the root."""
    reference, schema = FOLDERS
    texts = {
        "commands": commands.text(),
        "events": events.text(),
        "metrics": metrics.text(),
        "rules": rules.text(),
        "settings": settings.text(),
    }
    written = {reference / f"{name}.md": text for name, text in texts.items()}
    written |= {schema / f"{name}.json": schemas.text(name) for name in schemas.TYPES}
    return written | {schema / "rule-pack.json": pack_schema.text()}


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _present(root: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for suffix in ("*.md", "*.json"):
            yield from (path.relative_to(root) for path in (root / folder).glob(suffix))
