"""Handbook rules as code: checks that read a record and its journal and answer with evidence.

    @rule("VISIT-12", subject="visits.visitorder", title=_("Arrive 5–10 minutes early"))
    def arrives_early(visit: VisitOrder, journal: Journal) -> Finding: ...

Answers: `kept`, `broken`, `not_provable` (the handbook asks for it, the data do not tell),
`not_applicable`. Each names the journal entries that it rests on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from servicedesk.core.events import subject_key
from servicedesk.core.models import Entry, EntrySubject, RuleResult

Answer = RuleResult.Answer


@dataclass(frozen=True, slots=True)
class Finding:
    """`whose`: person and team it counts for, if not those who have the record at its end."""

    answer: str
    evidence: tuple[Entry, ...] = ()
    note: str = ""
    whose: tuple[int | None, int | None] | None = None


def kept(*evidence: Entry, note: str = "") -> Finding:
    return Finding(Answer.KEPT, evidence, note)


def broken(
    *evidence: Entry, note: str = "", whose: tuple[int | None, int | None] | None = None
) -> Finding:
    return Finding(Answer.BROKEN, evidence, note, whose)


def not_provable(note: str = "") -> Finding:
    return Finding(Answer.NOT_PROVABLE, (), note)


def not_applicable() -> Finding:
    return Finding(Answer.NOT_APPLICABLE)


class Journal:
    """The entries about one record, in the order in which things happened."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = list(entries)

    def all(self, *types: str) -> list[Entry]:
        return [e for e in self.entries if e.type in types]

    def first(self, *types: str) -> Entry | None:
        return next(iter(self.all(*types)), None)

    def last(self, *types: str) -> Entry | None:
        return next(reversed(self.all(*types)), None)


def journal_of(obj: Any) -> Journal:
    return journals_of([obj])[subject_key(obj)]


def journals_of(objs: Iterable[Any]) -> dict[tuple[str, int], Journal]:
    """The journals of several records of any kinds, in one query per kind."""
    keys = [subject_key(obj) for obj in objs]
    by_kind: dict[str, list[int]] = defaultdict(list)
    for kind, pk in keys:
        by_kind[kind].append(pk)
    found: dict[tuple[str, int], list[Entry]] = defaultdict(list)
    for kind, pks in by_kind.items():
        about = EntrySubject.objects.filter(kind=kind, object_id__in=pks)
        for subject in about.select_related("entry"):
            found[kind, subject.object_id].append(subject.entry)
    return {key: Journal(sorted(found[key], key=lambda e: (e.at, e.pk))) for key in keys}


Check = Callable[[Any, Journal], Finding]


@dataclass(frozen=True, slots=True)
class Rule:
    """One clause of the handbook. `attested`: it rests on a person's word, not on a measure."""

    id: str
    subject: str
    title: Any
    check: Check
    attested: bool = False


RULES: dict[tuple[str, str], Rule] = {}


def rule(
    rule_id: str, *, subject: str, title: Any, attested: bool = False
) -> Callable[[Check], Check]:
    """Register a check. A rule may have one check per kind of subject (label_lower)."""

    def register(check: Check) -> Check:
        key = (rule_id, subject)
        assert key not in RULES, f"{rule_id} has a check for {subject} already"
        RULES[key] = Rule(rule_id, subject, title, check, attested)
        return check

    return register


def rules_of(kind: str) -> list[Rule]:
    return [r for r in RULES.values() if r.subject == kind]


def evaluate(obj: Any, journal: Journal | None = None) -> list[tuple[Rule, Finding]]:
    """Ask all rules about one record, without storing anything."""
    journal = journal or journal_of(obj)
    return [(r, r.check(obj, journal)) for r in rules_of(subject_key(obj)[0])]


# Through which fields a record knows its customer and product, if not by itself.
OWNERS = ("installation", "ticket", "call")


def whose(obj: Any) -> tuple[int | None, int | None]:
    """Customer and product of a record, by itself or by what it belongs to."""
    customer_id = getattr(obj, "customer_id", None)
    product_id = getattr(obj, "product_id", None)
    for name in OWNERS:
        if customer_id is not None and product_id is not None:
            break
        owner = getattr(obj, name, None)
        if owner is not None:
            customer, product = whose(owner)
            customer_id = customer if customer_id is None else customer_id
            product_id = product if product_id is None else product_id
    return customer_id, product_id


def store(
    obj: Any, *, counts_at: datetime, person_id: int | None, team_id: int | None, at: datetime
) -> None:
    """Keep the present answers about a record; called when it closes, and on demand."""
    kind, pk = subject_key(obj)
    customer_id, product_id = whose(obj)
    RuleResult.objects.bulk_create(
        [
            RuleResult(
                rule=r.id,
                subject_kind=kind,
                subject_id=pk,
                answer=finding.answer,
                note=str(finding.note)[:300],
                evidence=[str(entry.uid) for entry in finding.evidence],
                counts_at=counts_at,
                person_id=finding.whose[0] if finding.whose else person_id,
                team_id=finding.whose[1] if finding.whose else team_id,
                customer_id=customer_id,
                product_id=product_id,
                computed_at=at,
            )
            for r, finding in evaluate(obj)
        ],
        update_conflicts=True,
        unique_fields=["rule", "subject_kind", "subject_id"],
        update_fields=[
            "answer", "note", "evidence", "counts_at", "person_id", "team_id", "customer_id",
            "product_id", "computed_at",
        ],
    )  # fmt: skip
