"""Writes dashboards and rules, and their copies in the chart: ``python -m observability.export``."""

from __future__ import annotations

from pathlib import Path

from observability import dashboards, rules

ROOT = Path(__file__).parent.parent
HERE = Path(__file__).parent
CHART = ROOT / "helm" / "dragoman" / "files"


def exported() -> dict[Path, str]:
    """Every file that is made, with its text."""
    made: dict[Path, str] = {HERE / "tests" / "rules.yaml": rules.tests()}
    for name, text in dashboards.files().items():
        made[HERE / "dashboards" / name] = made[CHART / "dashboards" / name] = text
    for name, text in rules.files().items():
        made[HERE / "rules" / name] = made[CHART / "rules" / name] = text
    return made


def folders() -> list[Path]:
    """Folders that hold nothing else."""
    return [parent / kind for parent in (HERE, CHART) for kind in ("dashboards", "rules")]


def main() -> None:
    """Write all of them, and remove what is not made any more."""
    made = exported()
    for folder in {path.parent for path in made}:
        folder.mkdir(parents=True, exist_ok=True)
    for folder in folders():
        for old in set(folder.iterdir()) - made.keys():
            old.unlink()
    for path, text in made.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
