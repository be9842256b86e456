"""The archive: `python -m benchmarks.archive --documents 100000 --sealed 10000 --pack 2000`.

Pages of the archive among so many forms; then `verify_documents` over so many stored files, before and
after one byte of one of them was altered; then a ZIP of some of them, with the memory it takes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.sweep import scratch_database

# Different sealed files; the others are copies of them under names of their own.
DIFFERENT = 500

COPIES = """
INSERT INTO core_document (uid, kind, number, version, subject_kind, subject_id, title, keywords,
    language, data, data_sha256, text, signers, blocks, status, frozen_at, verify_code, attempts,
    failure, file, file_sha256, stamped_by, signer_ids)
SELECT gen_random_uuid(), kind, 'SV-' || to_char(day, 'YYYYMMDD') || '-' || lpad((n %% 10000)::text, 4, '0'),
    1, subject_kind, subject_id, title,
    (ARRAY['大兴百货','万达广场','银泰中心','朝阳大悦城','华联超市'])[1 + n %% 5] || ' ' ||
    (ARRAY['五道口店','中关村店','望京店','亦庄店'])[1 + n %% 4] || n,
    language, data, data_sha256,
    text || chr(10) || (ARRAY['打印机卡纸','收银机黑屏','扫码枪失灵','网络中断'])[1 + n %% 4] ||
    CASE WHEN n %% 5000 = 0 THEN '蜂鸣报警' ELSE '' END,
    signers, blocks, 'open', day, verify_code, 0, '', '', '', '', signer_ids
FROM core_document, generate_series(1, %s) AS n,
    LATERAL (SELECT now() - make_interval(days => 730) * (n::float / %s) AS day) AS days
WHERE core_document.id = %s
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--sealed", type=int, default=10_000)
    parser.add_argument("--pack", type=int, default=2_000)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings_test")
    with scratch_database(f"sd_bench_archive_{os.getpid()}"):
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        from benchmarks.form import signed_form

        form = signed_form()
        print(f"load average {os.getloadavg()[0]:.1f} when it began")
        if options.documents:
            search(form, options.documents)
        if options.sealed:
            verify(form, options.sealed)
        if options.pack:
            pack(options.pack)
        print(f"load average {os.getloadavg()[0]:.1f} when it ended")
        connection.close()


def search(form: Any, documents: int) -> None:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from accounts.models import User
    from accounts.roles import Role
    from tests.conftest import person

    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(COPIES, [documents, documents, form.pk])
        cursor.execute("ANALYZE core_document")
    print(f"{documents} forms written in {time.perf_counter() - start:.0f} s")
    url, newest = reverse("documents:archive"), "2000-01-01"
    asked = {
        "all": {},
        "number": {"q": f"{documents // 2 % 10000:04}"},
        "common word (a quarter)": {"q": "打印"},
        "rare word (one in 5,000)": {"q": "蜂鸣"},
        "customer and store": {"q": "大兴 望京店"},
        "no hit": {"q": "龙卷风"},
        "a month": {"first": "2025-10-01", "last": "2025-10-31"},
        "a month and a word": {"first": "2025-10-01", "last": "2025-10-31", "q": "卡纸"},
        "since ever": {"first": newest},
    }
    readers = {
        "manager": person("chenjing", "陈静", Role.MANAGER),
        "engineer": User.objects.get(username="zhangwei"),
    }
    for name, reader in readers.items():
        client = Client()
        client.force_login(reader)
        for what, params in asked.items():
            times, queries = [], 0
            for _ in range(11):
                with CaptureQueriesContext(connection) as seen:
                    begin = time.perf_counter()
                    assert client.get(url, params).status_code == 200
                    times.append(time.perf_counter() - begin)
                queries = len(seen)
            print(
                f"{name}: {what:<28} {1000 * statistics.median(times):6.0f} ms"
                f" ({1000 * max(times[1:]):.0f} at most, {queries} queries)"
            )


def verify(form: Any, count: int) -> None:
    from django.core.files.storage import storages

    from servicedesk.core import document_checks, paper, seal
    from servicedesk.core.models import Document
    from servicedesk.core.pdf import renderer

    pdf = renderer.render(paper.render(form, layout="pdf/base.html"))
    sealed = [seal.seal(pdf, reason=str(n)) for n in range(min(DIFFERENT, count))]
    store = storages["documents"]
    folder = Path(store.path("documents/bench"))
    folder.mkdir(parents=True)
    rows = []
    for number in range(count):
        one = sealed[number % len(sealed)]
        name = f"documents/bench/{number}.pdf"
        Path(folder, f"{number}.pdf").write_bytes(one.pdf)
        rows.append(
            Document(
                kind=form.kind, number=f"SV-20991231-{number:05}", title=form.title,
                subject_kind=form.subject_kind, subject_id=form.subject_id, data=form.data,
                data_sha256=form.data_sha256, blocks=[], status="sealed",
                frozen_at=form.frozen_at, verify_code="0" * 16, sealed_at=one.stamp.at,
                file=name, file_sha256=hashlib.sha256(one.pdf).hexdigest(),
                file_size=len(one.pdf), stamped_at=one.stamp.at, stamped_by=one.stamp.by,
            )
        )  # fmt: skip
    Document.objects.bulk_create(rows, batch_size=500)
    total = Document.objects.count()
    start = time.perf_counter()
    assert list(document_checks.verify()) == []
    took = time.perf_counter() - start
    print(
        f"{total} forms, {count} files of {len(sealed[0].pdf) // 1000} kB checked in {took:.0f} s"
    )
    chosen = random.randrange(count)
    path = Path(folder, f"{chosen}.pdf")
    content = bytearray(path.read_bytes())
    place = random.randrange(len(content))
    content[place] ^= 1 << random.randrange(8)
    path.write_bytes(content)
    start = time.perf_counter()
    (fault,) = document_checks.verify()
    took = time.perf_counter() - start
    assert fault.document == f"SV-20991231-{chosen:05}"
    print(f"bit altered at {place} of file {chosen}: found in {took:.0f} s: {fault.message}")
    content[place] = sealed[chosen % len(sealed)].pdf[place]
    path.write_bytes(content)


def pack(count: int) -> None:
    from django.core.files.storage import default_storage
    from django.utils import timezone

    from servicedesk.core import exports
    from servicedesk.core.models import Document, DocumentExport

    pks = list(Document.objects.filter(status="sealed").values_list("pk", flat=True)[:count])
    export = DocumentExport.objects.create(
        documents=pks, total=len(pks), requested_by_id=1, requested_by_label="bench",
        requested_at=timezone.now(),
    )  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    start = time.perf_counter()
    assert exports.pack_waiting() == 1
    took = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    export.refresh_from_db()
    print(
        f"{count} forms packed in {took:.1f} s, {(export.size or 0) // 1_000_000} MB;"
        f" memory at most {before} MB before, {after} MB after"
    )
    start = time.perf_counter()
    found = exports.check(Path(default_storage.path(export.file)))
    assert found == exports.Checked(count, [])
    print(f"… checked in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
