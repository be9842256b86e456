"""What a service form costs: `python -m benchmarks.form --forms 20 --queued 1000`.

One signed visit order (SV) is rendered and sealed as the worker does it, with a time stamp of our own
clock. The floor is the bare WeasyPrint call with the same HTML, styles and fonts in this process:
no seal, no process apart, no limits. Then so many of them are queued at once for one worker.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.sweep import scratch_database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", type=int, default=20)
    parser.add_argument("--queued", type=int, default=0)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings_test")
    with scratch_database(f"sd_bench_form_{os.getpid()}"):
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        document = signed_form()
        print(f"load average {os.getloadavg()[0]:.1f} when it began")
        measure(document, options.forms)
        if options.queued:
            queue(document, options.queued)
            print(f"load average {os.getloadavg()[0]:.1f} when it ended")
        from django.db import connection

        connection.close()


def signed_form() -> Any:
    from accounts.roles import Role
    from servicedesk.core.models import Document
    from tests.conftest import person
    from tests.visits.factories import make_visit

    visit = make_visit("signed", person("zhangwei", "张伟", Role.ENGINEER))
    return Document.objects.get(number=visit.number)


def measure(document: Any, forms: int) -> None:
    from django.conf import settings

    from servicedesk.core import paper, seal, vault
    from servicedesk.core.pdf import renderer
    from servicedesk.core.pdf_process import Press

    html = paper.render(document, layout="pdf/base.html")
    press = Press(Path(settings.FONT_DIR))
    pdf = press.print(html)
    sealed = seal.seal(pdf, reason="x").pdf

    def as_the_worker() -> None:
        made = renderer.render(paper.render(document, layout="pdf/base.html"))
        vault.keep(seal.seal(made, reason=document.number).pdf)

    rows = taking_turns(
        {
            "HTML of the form": lambda: paper.render(document, layout="pdf/base.html"),
            "PDF, in its own process": lambda: renderer.render(html),
            "seal and time stamp (pyHanko)": lambda: seal.seal(pdf, reason="x"),
            "stored": lambda: vault.keep(sealed),
            "form as the worker makes it": as_the_worker,
            "bare WeasyPrint (floor)": lambda: press.print(html),
        },
        forms,
    )
    for name, seconds in rows.items():
        print(f"{name:<36} {1000 * seconds:8.0f} ms")
    ratio = rows["form as the worker makes it"] / rows["bare WeasyPrint (floor)"]
    print(f"{'worker / floor':<36} {ratio:8.2f}   ({len(sealed) / 1000:.0f} kB a form)")


def taking_turns(works: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """The median of each, after one run that warms up; the machine's moods hit all alike."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for run in range(runs + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if run:
                found[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def queue(document: Any, forms: int) -> None:
    """All at once for one worker; what it and its rendering process use of memory."""
    from servicedesk.core import sealing
    from servicedesk.core.models import Document
    from servicedesk.core.pdf import renderer

    Document.objects.filter(pk=document.pk).update(status="void")
    Document.objects.bulk_create(
        Document(
            kind=document.kind, number=f"SV-20991231-{number:04}", title=document.title,
            subject_kind=document.subject_kind, subject_id=document.subject_id,
            keywords=document.keywords, data=document.data, data_sha256=document.data_sha256,
            blocks=[], status="complete", frozen_at=document.frozen_at, verify_code="0" * 16,
        )
        for number in range(forms)
    )  # fmt: skip
    before, start = memory(None), time.perf_counter()
    sealed = sealing.seal_waiting()
    took = time.perf_counter() - start
    assert renderer._child is not None
    child = memory(renderer._child.pid)
    left = Document.objects.filter(status="complete").count()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{forms} queued: {sealed} sealed, {left} left, {took:.0f} s ({1000 * took / forms:.0f} ms"
        f" each); worker {before} MB before, {memory(None)} MB after, {peak} MB at most;"
        f" rendering process {child} MB"
    )


def memory(pid: int | None) -> int:
    """Resident megabytes."""
    status = Path(f"/proc/{pid or 'self'}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main()
