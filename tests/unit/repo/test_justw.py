"""The wrapper: what it does on machines that lack something, and that a second run installs nothing.

No test installs anything: ``pip`` and the interpreters are stand-ins.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


@pytest.fixture
def clone(root: Path, tmp_path: Path) -> Path:
    """A folder with the wrapper, a project file and a justfile."""
    folder = tmp_path / "clone"
    folder.mkdir()
    shutil.copy(root / "justw", folder)
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "0"\n')
    (folder / "justfile").write_text("hello:\n    echo hello\n")
    return folder


def write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def make_environment(clone: Path, *, pip: str = "") -> None:
    """A .venv as it is after ``python -m venv``, with a ``pip`` that does what the test wants."""
    venv = clone / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = next((venv / "lib").glob("python*")) / "site-packages" / "pip"
    site.mkdir()
    (site / "__init__.py").touch()
    (site / "__main__.py").write_text(textwrap.dedent(pip))


FAKE_JUST = """\
    #!/bin/sh
    echo "just $VIRTUAL_ENV" "$@"
"""

PIP_THAT_WORKS = """\
    import os, pathlib, sys
    with open("pip-calls", "a") as log:
        log.write(" ".join(sys.argv[1:]) + "\\n")
    print("Collecting x")
    just = pathlib.Path(sys.prefix, "bin", "just")
    just.write_text("#!/bin/sh\\necho just $VIRTUAL_ENV $@\\n")
    just.chmod(0o755)
"""

PIP_THAT_FAILS = """\
    import sys
    print("Collecting x")
    print("ERROR: no matching distribution found for x")
    sys.exit(1)
"""


def call(
    clone: Path, *arguments: str, python: str = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, str(clone / "justw"), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
        check=False,
    )


def test_it_installs_once_and_then_only_runs_the_recipe(clone: Path) -> None:
    make_environment(clone, pip=PIP_THAT_WORKS)
    first = call(clone, "hello", "--flag")
    assert first.returncode == 0, first.stderr
    assert first.stdout.split() == [
        "just", str(clone / ".venv"), "--justfile", str(clone / "justfile"), "hello", "--flag",
    ]  # fmt: skip
    assert "installed in" in first.stderr
    second = call(clone, "hello")
    assert second.returncode == 0
    assert second.stderr == ""
    calls = (clone / "pip-calls").read_text().splitlines()
    assert len(calls) == 1
    assert "rust-just" in calls[0]
    assert f"-e {clone}[dev]" in calls[0]


def test_a_changed_project_file_is_installed_again(clone: Path) -> None:
    make_environment(clone, pip=PIP_THAT_WORKS)
    call(clone)
    (clone / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\n')
    assert call(clone).returncode == 0
    assert len((clone / "pip-calls").read_text().splitlines()) == 2


def test_a_failed_installation_shows_the_cause_and_leaves_no_stamp(clone: Path) -> None:
    make_environment(clone, pip=PIP_THAT_FAILS)
    for _ in range(2):
        failed = call(clone, "hello")
        assert failed.returncode == 1
        assert "no matching distribution found for x" in failed.stderr
        assert "justw-install.log" in failed.stderr
        assert "Traceback" not in failed.stderr
        assert not (clone / ".venv" / "justw.stamp").exists()


def test_two_that_start_at_once_install_once(clone: Path) -> None:
    make_environment(clone, pip=PIP_THAT_WORKS)
    both = [
        subprocess.Popen(
            [sys.executable, str(clone / "justw")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len((clone / "pip-calls").read_text().splitlines()) == 1


def test_the_missing_debian_package_is_named(clone: Path, tmp_path: Path) -> None:
    """Debian's Python without python3-venv: the module venv is there, ensurepip is not."""
    without = tmp_path / "without"
    without.mkdir()
    (without / "ensurepip.py").write_text("raise ModuleNotFoundError('No module named ensurepip')\n")
    failed = call(clone, "hello", PYTHONPATH=str(without))
    assert failed.returncode == 1
    assert "apt-get install -y python3" in failed.stderr
    assert "-venv" in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 2
    assert not (clone / ".venv").exists()


def old_python(folder: Path) -> Path:
    """An interpreter that says it is 3.9: the real one with another version in ``sys``."""
    path = folder / "python3"
    write_script(
        path,
        f"""\
        #!{sys.executable}
        import runpy, sys
        sys.version_info = (3, 9, 2, "final", 0)
        sys.argv = sys.argv[1:]
        runpy.run_path(sys.argv[0], run_name="__main__")
        """,
    )
    return path


def test_an_old_python_says_so(clone: Path, tmp_path: Path) -> None:
    old = old_python(tmp_path / "bin")
    failed = call(clone, python=str(old), PATH=str(tmp_path / "bin"))
    assert failed.returncode == 1
    assert "Python 3.9" in failed.stderr
    assert "3.11 or newer" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_newer_python_on_the_path_is_used_instead(clone: Path, tmp_path: Path) -> None:
    old = old_python(tmp_path / "bin")
    write_script(tmp_path / "bin" / "python3.12", '#!/bin/sh\necho newer "$@"\n')
    taken = call(clone, "hello", python=str(old), PATH=str(tmp_path / "bin"))
    assert taken.stdout.split() == ["newer", str(clone / "justw"), "hello"]


def test_an_environment_of_a_moved_clone_is_made_anew(clone: Path, tmp_path: Path) -> None:
    make_environment(clone, pip=PIP_THAT_WORKS)
    assert call(clone).returncode == 0
    moved = tmp_path / "moved"
    clone.rename(moved)
    without = tmp_path / "without"
    without.mkdir()
    (without / "ensurepip.py").write_text("raise ModuleNotFoundError('No module named ensurepip')\n")
    failed = call(moved, PYTHONPATH=str(without))
    # It got as far as making a new one, which this test has made impossible.
    assert "-venv" in failed.stderr
