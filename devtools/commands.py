"""The commands of `dev.py`."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from devtools.basics import (
    DEV,
    LOG,
    PYTHON,
    ROOT,
    Halt,
    Steps,
    call,
    is_locked,
    locked,
    write_private,
)
from devtools.processes import Child, Supervisor
from devtools.servers import DEMO_UNFINISHED, free_port, settings, start_servers
from devtools.setup import LOCK, NODE_LOCK, SET_UP, environment, install_browser, npm, set_up, uv

CHECKS = {
    "ruff": "ruff check",
    "format": "ruff format --check",
    "djlint": "djlint --quiet --lint templates",
    "djhtml": "djhtml --check --tabwidth 2 templates",
    "imports": "lint-imports --no-logo",
    "mypy": "mypy",
    "migrations": "python manage.py makemigrations --check --dry-run",
    "pytest": "pytest",
}
NO_BROWSER = (
    "The browser tests need Chromium or Chrome. On Debian: sudo apt-get install chromium;"
    " elsewhere, install Google Chrome, or set CHROMIUM to the program."
)
# Lies there while the service desk is ready: where it is, for the other commands.
RUNNING = DEV / "running.json"
WATCHED, UNWATCHED = (".py", ".html"), {"benchmarks", "node_modules", "tests", "var"}


# --- run ------------------------------------------------------------------------------------


def run(port: int) -> int:
    with held_by_run(), Supervisor("run") as supervisor:
        steps = Steps(len(SET_UP) + 4)
        set_up(steps)
        with steps.step("PostgreSQL and Redis"):
            env = start_servers(supervisor)
        with steps.step("tables and translations"):
            found = json.loads(call(PYTHON, "-m", "devtools.prepare", env=env).splitlines()[-1])
        wanted = bool(found["logins"]) and not found["users"]
        with steps.step("demo data" if wanted else "demo data (unchanged)", talks=wanted):
            if wanted:
                make_demo_data(env)
        with steps.step("web, worker and beat"):
            start_applications(supervisor, env, free_port(port))
        shared = ("BASE_URL", "DATABASE_URL", "REDIS_URL")
        write_private(RUNNING, json.dumps({name: env[name] for name in shared}))
        print(f"\nThe service desk runs at {env['BASE_URL']}\n", flush=True)
        print(f"{found['logins']}\nLogs are in {LOG}. Ctrl-C stops all.", flush=True)
        try:
            watch(supervisor)
        except KeyboardInterrupt:
            print("\nStopping …", flush=True)
        finally:
            RUNNING.unlink()
    return 0


@contextmanager
def held_by_run() -> Iterator[None]:
    where = f" at {json.loads(RUNNING.read_text())['BASE_URL']}" if RUNNING.exists() else ""
    busy = f"The service desk runs already{where}. Stop it first: Ctrl-C in its window."
    with locked("run", busy=busy):
        RUNNING.unlink(missing_ok=True)
        yield


def make_demo_data(env: Mapping[str, str]) -> None:
    DEMO_UNFINISHED.touch()
    # Out of the reach of Ctrl-C, which ends it through us, without the traces of its processes.
    command = [str(PYTHON), "manage.py", "demo"]
    if subprocess.run(command, cwd=ROOT, env=env, start_new_session=True, check=False).returncode:
        raise Halt("The demo data could not be made. The next start tries again.")
    DEMO_UNFINISHED.unlink()


def start_applications(supervisor: Supervisor, env: dict[str, str], port: int) -> None:
    env.setdefault("BASE_URL", f"http://localhost:{port}")
    local = f"127.0.0.1:{port}"
    gunicorn = "-m gunicorn servicedesk.wsgi --config deploy/gunicorn.py --threads 8"
    gunicorn += f" --graceful-timeout 5 --bind {local} --no-control-socket"
    celery = "-m celery -A servicedesk"

    def start(name: str, reload: signal.Signals, words: str) -> Child:
        return supervisor.add(Child(name, (PYTHON, *words.split()), env, reload=reload))

    web = start("web", signal.SIGHUP, gunicorn)
    worker = start("worker", signal.SIGTERM, f"{celery} worker --loglevel INFO --concurrency 2")
    start("beat", signal.SIGTERM, f"{celery} beat --loglevel INFO --pidfile= --schedule .dev/beat")
    supervisor.wait_for(web, lambda: answers(f"http://{local}/"), seconds=60)
    # And a worker enforces the deadlines.
    supervisor.wait_for(worker, lambda: answers(f"http://{local}/readyz"), seconds=60)


def answers(address: str) -> bool:
    """Does the page, after its redirects, come with status 200?"""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=10) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def watch(supervisor: Supervisor) -> None:
    """Look after the processes; show them new code once it has been quiet for a second."""
    seen, changed = newest_code(), False
    while True:
        time.sleep(1)
        supervisor.look_after()
        newest = newest_code()
        if newest != seen:
            seen, changed = newest, True
        elif changed:
            changed = False
            print("The code has changed: reloading.", flush=True)
            supervisor.reload()


def newest_code() -> int:
    """When a module or template was last written, in nanoseconds."""
    newest = 0
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name[0] != "." and name not in UNWATCHED]
        for name in files:
            if name.endswith(WATCHED):
                newest = max(newest, Path(folder, name).stat().st_mtime_ns)
    return newest


# --- test -----------------------------------------------------------------------------------


def test(only: Sequence[str], pytest_arguments: Sequence[str]) -> int:
    """Run every check, also after one that failed; the last lines tell which did."""
    with locked("test", busy="The tests run already."), Supervisor("test") as supervisor:
        steps = Steps(len(SET_UP) + 3)
        set_up(steps)
        with steps.step("browser"):
            browser = install_browser()
        if browser is None and os.environ.get("CI"):
            raise Halt(NO_BROWSER)
        with steps.step("PostgreSQL and Redis"):
            env = start_servers(supervisor, "test-")
        with steps.step("translations"):
            call(PYTHON, "manage.py", "catalogue", "compile", env=env)
        env["CHROMIUM"] = browser or ""
        # One more than there are processors: some tests wait for a browser or a clock.
        own = ["-n", str(min((os.cpu_count() or 1) + 1, 5))] + (
            ["-m", "not browser"] * (not browser)
        )
        results = []
        for name in only or CHECKS:
            words = shlex.split(CHECKS[name])
            if name == "pytest":
                words += [*own, *pytest_arguments]
            print(f"\n--- {shlex.join(words)}", flush=True)
            started = time.monotonic()
            code = subprocess.run(words, cwd=ROOT, env=env, check=False).returncode
            results.append((name, code, time.monotonic() - started))
    print()
    for name, code, seconds in results:
        print(f"{name:<12}{'FAILED' if code else 'ok':<8}{seconds:7.1f} s", flush=True)
    if browser is None:
        print(f"\nNOT RUN: the tests marked `browser`. {NO_BROWSER}", flush=True)
    return int(any(code for _, code, _ in results))


# --- manage, env, lock ----------------------------------------------------------------------


def manage(arguments: Sequence[str]) -> int:
    """A management command: beside the running service desk, or with servers of its own."""
    if is_locked("run"):
        return django(running(), *arguments)
    with held_by_run(), Supervisor("run") as supervisor:
        set_up(Steps(len(SET_UP), sys.stderr))
        return django(start_servers(supervisor), *arguments)


def django(env: Mapping[str, str], *arguments: str) -> int:
    # What Ctrl-C means is for the command to decide.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        command = [str(PYTHON), "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def running() -> dict[str, str]:
    if not (is_locked("run") and RUNNING.exists()):
        raise Halt("The service desk is not running yet: python3 dev.py run")
    return {**settings(), **json.loads(RUNNING.read_text())}


def show_environment() -> int:
    for name, value in running().items():
        if os.environ.get(name) != value:
            print(f"export {name}={shlex.quote(value)}")
    return 0


def lock(arguments: Sequence[str]) -> int:
    """Write the lock files anew: kept versions stay, unless `--upgrade` is given."""
    set_up(Steps(len(SET_UP)))
    common = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url")
    uv("compile", *common, "--group", "dev", "pyproject.toml", "-o", LOCK.name, *arguments)
    uv("compile", *common, "--group", "node", "-o", NODE_LOCK.name, *arguments)
    call(*npm(), "install", "--package-lock-only", env=environment())
    return 0
