"""The launcher's own parts. That it starts everything is seen by starting it, as CI does."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import dev
from devtools import basics, commands, processes, servers, setup
from devtools.basics import ROOT, Halt, Stamp, Steps, is_locked, locked, write_private
from devtools.processes import Child, Supervisor, command_line, end_orphans, pause_after


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """None of these tests may touch the checkout's own `.dev`."""
    for module in (basics, processes, servers):
        monkeypatch.setattr(module, "DEV", tmp_path)
    for module in (basics, processes):
        monkeypatch.setattr(module, "LOG", tmp_path / "log")
    (tmp_path / "log").mkdir()
    return tmp_path


def launcher(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "dev.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


# --- The door ---------------------------------------------------------------------------------


def test_an_old_python_can_read_the_launcher_and_so_its_refusal():
    ast.parse((ROOT / "dev.py").read_text(), feature_version=(3, 7))


def test_an_old_python_is_refused_in_one_line():
    """Run with the version that macOS brings along."""
    lie = "import sys; sys.version_info = (3, 9, 6, 'final', 0); sys.version = '3.9.6 (default)'\n"
    source = lie + (ROOT / "dev.py").read_text().replace("from __future__ import annotations", "")

    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr == "The service desk needs Python 3.11 or newer; this is 3.9.6\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fly"], "invalid choice: 'fly'"),
        (["run", "--fast"], "run does not take --fast"),
        (["test", "--only", "ruff,typos"], "typos is none of ruff,"),
    ],
)
def test_a_wrong_word_is_named(words, message):
    done = launcher(*words)

    assert done.returncode == 2
    assert message in done.stderr


def test_what_test_does_not_know_goes_to_pytest(monkeypatch):
    asked = []
    monkeypatch.setattr(commands, "test", lambda *arguments: asked.append(arguments))

    dev.main(["test", "--only", "mypy,pytest", "tests/visits", "-k", "arrive", "-x"])

    assert asked == [(["mypy", "pytest"], ["tests/visits", "-k", "arrive", "-x"])]


def test_options_of_a_management_command_are_its_own(monkeypatch):
    asked: list[list[str]] = []
    monkeypatch.setattr(commands, "manage", asked.append)

    dev.main(["manage", "migrate", "--port", "--help"])

    assert asked == [["migrate", "--port", "--help"]]


# --- Steps, stamps, files ---------------------------------------------------------------------


def test_a_step_shows_its_number_and_time(capsys):
    steps = Steps(2, sys.stdout)
    with steps.step("first"):
        pass
    with steps.step("second", talks=True):
        sys.stdout.write("a line of its own\n")

    lines = capsys.readouterr().out.splitlines()
    assert lines == ["[1/2] first … 0.0 s", "[2/2] second …", "a line of its own", "      0.0 s"]


def test_a_stamp_holds_until_an_input_changes(tmp_path):
    lock = tmp_path / "lock"
    lock.write_text("django==5.2.19")
    assert not Stamp("packages", "3.11", lock).holds()

    Stamp("packages", "3.11", lock).set()

    assert Stamp("packages", "3.11", lock).holds()
    assert not Stamp("packages", "3.12", lock).holds()
    lock.write_text("django==5.2.20")
    assert not Stamp("packages", "3.11", lock).holds()


def test_neighbouring_inputs_of_a_stamp_do_not_run_into_each_other():
    assert Stamp("x", "ab", "c").value != Stamp("x", "a", "bc").value


def test_a_failed_command_shows_its_last_words():
    with pytest.raises(Halt, match=r"(?s)no such package.*failed \(3\)"):
        basics.call(sys.executable, "-c", "print('no such package'); raise SystemExit(3)")


def test_the_second_one_is_told_who_holds_the_lock():
    with locked("run", busy="It runs already."):
        assert is_locked("run")
        with (
            pytest.raises(Halt, match=r"It runs already\."),
            locked("run", busy="It runs already."),
        ):
            pass
    assert not is_locked("run")


def test_a_private_file_is_readable_by_its_owner_alone(tmp_path):
    path = tmp_path / "secrets.json"
    path.write_text("old")
    path.chmod(0o644)

    write_private(path, "new")

    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_passwords_are_made_once():
    first = servers.known_secrets()

    assert servers.known_secrets() == first
    assert len(set(first.values())) == 4
    assert len(first["secret_key"]) >= 50


# --- The locks ---------------------------------------------------------------------------------


def test_one_package_is_cut_out_of_the_lock_with_its_hashes():
    lock = (
        "uuid==1 \\\n    --hash=sha256:aa\nuv==0.9.1 \\\n    --hash=sha256:bb\n    # via x\nw==2\n"
    )

    assert setup.locked_requirement("uv", lock) == (
        "uv==0.9.1 \\\n    --hash=sha256:bb\n    # via x\n"
    )
    with pytest.raises(Halt, match="pip"):
        setup.locked_requirement("pip", lock)


def test_the_lock_has_every_package_of_the_project_with_hashes_and_no_address():
    lock = setup.LOCK.read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]

    for requirement in wanted:
        name = requirement.split("[")[0].split("=")[0].split(">")[0].lower()
        assert "--hash=sha256:" in setup.locked_requirement(name, lock)
    assert "://" not in lock + setup.NODE_LOCK.read_text()


def test_the_npm_lock_has_hashes_and_no_address():
    packages = json.loads(setup.PACKAGE_LOCK.read_text())["packages"]

    assert all(name == "" or "integrity" in package for name, package in packages.items())
    assert not any("resolved" in package for package in packages.values())


def test_the_example_file_names_every_setting_and_no_other():
    settings = (ROOT / "servicedesk/settings.py").read_text()
    example = (ROOT / ".env.example").read_text()
    read = set(re.findall(r'(?:env\.\w+|_folder|_url)\(\s*"([A-Z_]+)"', settings))

    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))

    assert named - {"POSTGRES_PASSWORD", "REDIS_PASSWORD"} == read


# --- Processes ---------------------------------------------------------------------------------


def until(condition: Callable[[], object]) -> None:
    """The kernel shows a new process's command, and an ended one's end, a moment later."""
    for _ in range(100):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited 5 s in vain")


def sleeper(tmp_path: Path, name: str = "sleeper") -> Child:
    code = "import time; time.sleep(60)"
    return Child(name, [sys.executable, "-c", code, str(tmp_path)], os.environ)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (1, 1), (2, 2), (3, 4), (6, 30), (99, 30)]
)
def test_the_pause_before_a_new_start_grows_to_half_a_minute(failures, seconds):
    assert pause_after(failures) == seconds


def test_a_process_that_died_is_started_again_after_a_pause(tmp_path, capsys):
    with Supervisor("test") as supervisor:
        child = supervisor.add(sleeper(tmp_path))
        first = child.process
        assert first is not None
        first.kill()
        first.wait()

        supervisor.look_after()
        assert child.process is None
        child.started -= 1
        supervisor.look_after()

        assert child.process is not None
        assert child.process.pid != first.pid
    assert "sleeper ended (-9) and starts again" in capsys.readouterr().out


def test_a_reload_starts_again_at_once_and_says_nothing(tmp_path, capsys):
    with Supervisor("test") as supervisor:
        child = sleeper(tmp_path)
        child.reload = signal.SIGTERM
        supervisor.add(child)
        first = child.process
        assert first is not None

        supervisor.reload()
        first.wait(10)
        supervisor.look_after()
        supervisor.look_after()

        assert child.process is not None
        assert child.process.pid != first.pid
    assert capsys.readouterr().out == ""


def test_all_processes_end_in_the_reverse_order(tmp_path, monkeypatch):
    ended = []
    end = Child.end

    def noted(child):
        ended.append(child.name)
        end(child)

    monkeypatch.setattr(Child, "end", noted)
    with Supervisor("test") as supervisor:
        for name in ("postgres", "web"):
            supervisor.add(sleeper(tmp_path, name))
        children = list(supervisor.children)

    assert ended == ["web", "postgres"]
    assert [child.process and child.process.poll() for child in children] == [-signal.SIGTERM] * 2
    assert not supervisor.notes.exists()


def test_what_a_killed_launcher_left_is_ended_at_the_next_start(tmp_path):
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(tmp_path)])
    notes = tmp_path / "run-processes.json"
    until(lambda: command_line(left.pid))
    notes.write_text(json.dumps([{"pid": left.pid, "words": left.args, "stop": signal.SIGTERM}]))

    end_orphans(notes)

    assert left.wait(5) == -signal.SIGTERM
    assert not notes.exists()


def test_a_stranger_with_the_number_of_an_old_process_is_left_alone(tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    notes = tmp_path / "run-processes.json"
    words = ["gunicorn", "servicedesk.wsgi"]
    until(lambda: command_line(stranger.pid))
    notes.write_text(json.dumps([{"pid": stranger.pid, "words": words, "stop": signal.SIGTERM}]))

    end_orphans(notes)

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


if sys.platform == "linux":  # macOS has no signal for the death of a parent

    def test_children_end_with_a_launcher_that_is_killed(tmp_path):
        code = (
            "import os, sys, time\n"
            "from pathlib import Path\n"
            "from devtools import basics, processes\n"
            "processes.DEV = processes.LOG = Path(sys.argv[1])\n"
            "child = processes.Child('c', ['sleep', '61'], os.environ)\n"
            "child.start(); print(child.process.pid, flush=True); time.sleep(60)"
        )
        command = [sys.executable, "-c", code, str(tmp_path)]
        launched = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert launched.stdout is not None
        child = int(launched.stdout.readline())
        until(lambda: command_line(child).endswith("sleep 61"))

        launched.kill()
        launched.communicate()

        until(lambda: command_line(child) == "")


def test_a_process_that_never_gets_ready_shows_its_log(tmp_path):
    with Supervisor("test") as supervisor:
        words = [
            sys.executable,
            "-c",
            "print('port in use', flush=True)\nimport time; time.sleep(60)",
        ]
        child = supervisor.add(Child("web", words, os.environ))

        with pytest.raises(Halt, match=r"(?s)port in use.*web is not ready"):
            supervisor.wait_for(child, lambda: False, seconds=0.5)


def test_a_port_in_use_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert servers.free_port(port) > port
