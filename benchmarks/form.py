"""What a service form costs: `python -m benchmarks.form --forms 20`.

One signed visit order (SV) is rendered and sealed as the worker does it. The floor is the bare
WeasyPrint call with the same HTML, styles and fonts in this process, and the bare pyHanko call.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.sweep import scratch_database


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", type=int, default=20)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servicedesk.settings_test")
    with scratch_database():
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        measure(options.forms)
        from django.db import connection

        connection.close()


def measure(forms: int) -> None:
    from django.conf import settings

    from accounts.roles import Role
    from servicedesk.core import paper, seal
    from servicedesk.core.models import Document
    from servicedesk.core.pdf import renderer
    from servicedesk.core.pdf_process import Press
    from tests.conftest import person
    from tests.visits.factories import make_visit

    visit = make_visit("signed", person("zhangwei", "张伟", Role.ENGINEER))
    document = Document.objects.get(number=visit.number)
    html = paper.render(document, layout="pdf/base.html")
    press = Press(Path(settings.FONT_DIR))
    pdf = press.print(html)

    def as_the_worker() -> bytes:
        return seal.seal(
            renderer.render(paper.render(document, layout="pdf/base.html")), reason=document.number
        )

    def bare() -> bytes:
        return seal.seal(press.print(html), reason="bare")

    rows = {
        "HTML of the form": timed(lambda: paper.render(document, layout="pdf/base.html"), forms),
        "PDF, in its own process": timed(lambda: renderer.render(html), forms),
        "PDF, bare WeasyPrint (floor)": timed(lambda: press.print(html), forms),
        "seal (pyHanko)": timed(lambda: seal.seal(pdf, reason="x"), forms),
        "form as the worker makes it": timed(as_the_worker, forms),
        "bare WeasyPrint + pyHanko (floor)": timed(bare, forms),
    }
    for name, seconds in rows.items():
        print(f"{name:<36} {1000 * seconds:8.0f} ms")
    ratio = rows["form as the worker makes it"] / rows["bare WeasyPrint + pyHanko (floor)"]
    size = len(as_the_worker()) // 1024
    print(f"{'worker / floor':<36} {ratio:8.2f}   ({size} KiB a form)")


def timed(work: Callable[[], object], runs: int) -> float:
    """The median, after one run that warms up."""
    work()
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


if __name__ == "__main__":
    main()
