"""Files that are there whole or not at all, whoever reads them meanwhile and whatever stops the writer."""

from pathlib import Path


def write_whole(path: Path, text: str, mode: int = 0o666) -> None:
    """Write beside it, then rename. `mode` is the new file's, less the umask. What a crash left beside it is no
    hindrance. Raises `OSError`; the old file stays then."""
    beside = path.with_name(f".{path.name}.new")
    # So that neither the mode nor the content of a file that is left there is taken over.
    beside.unlink(missing_ok=True)
    beside.touch(mode)
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
