from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from customers.actions import create_customer
from knowledge import actions
from knowledge.models import Article
from knowledge.states import Status
from servicedesk.core.actors import ANONYMOUS, SYSTEM
from servicedesk.core.errors import Refused, WrongState
from servicedesk.core.history import changes
from tests.conftest import AT
from tests.journal import journal

pytestmark = pytest.mark.django_db

TEXTS = {"title": "积分不到账", "symptom": "付款后没有积分", "solution": "补传当日流水"}


def test_create_makes_a_draft_with_a_number(engineer):
    made = actions.create_article(**TEXTS, at=AT, by=engineer.as_actor())

    assert (made.number, made.status, made.author) == ("KB-20260302-0001", Status.DRAFT, engineer)
    assert journal(made) == [("article.created", AT, "张伟")]


@pytest.mark.parametrize("field", sorted(TEXTS))
def test_create_needs_title_symptom_and_solution(field, engineer):
    with pytest.raises(Refused) as refused:
        actions.create_article(**TEXTS | {field: " \n"}, at=AT, by=engineer.as_actor())

    assert refused.value.field == field
    assert not Article.objects.exists()


def test_one_entry_per_source(engineer):
    source = create_customer(name="x", at=AT, by=SYSTEM)
    made = actions.create_article(**TEXTS, source=source, at=AT, by=engineer.as_actor())

    assert journal(source)[-1] == ("article.created", AT, "张伟")
    with pytest.raises(Refused, match=made.number):
        actions.create_article(**TEXTS, source=source, at=AT, by=engineer.as_actor())


def test_create_needs_the_permission(business):
    with pytest.raises(PermissionDenied):
        actions.create_article(**TEXTS, at=AT, by=business.as_actor())


def test_an_entry_has_a_person_who_wrote_it():
    with pytest.raises(Refused):
        actions.create_article(**TEXTS, at=AT, by=SYSTEM)


def test_edit_keeps_what_stood_there(article, helpdesk):
    actions.edit(article, solution="换打印机", at=AT, by=helpdesk.as_actor())

    change = changes(article)[0]
    assert (change.old, change.new) == ("重启打印服务，再打一张测试页", "换打印机")
    assert journal(article)[-1] == ("article.edited", AT, "何雪")


def test_edit_without_a_difference_leaves_no_trace(article, helpdesk):
    before = article.version
    actions.edit(article, title=article.title, at=AT, by=helpdesk.as_actor())

    assert article.version == before


def test_edit_keeps_a_published_entry_in_its_category(article, helpdesk):
    with pytest.raises(Refused) as refused:
        actions.edit(article, category=None, at=AT, by=helpdesk.as_actor())

    assert refused.value.field == "category"


def test_edit_is_refused_for_a_retired_entry(article, dispatcher):
    actions.retire(article, reason="旧", at=AT, by=dispatcher.as_actor())

    with pytest.raises(WrongState):
        actions.edit(article, title="x", at=AT, by=dispatcher.as_actor())


def test_edit_needs_the_permission(article, business):
    with pytest.raises(PermissionDenied):
        actions.edit(article, title="x", at=AT, by=business.as_actor())


def test_publish(draft, dispatcher):
    actions.publish(draft, at=AT, by=dispatcher.as_actor())

    assert Article.objects.get().status == Status.PUBLISHED
    assert journal(draft)[-1] == ("article.published", AT, "赵敏")


def test_publish_needs_a_category(draft, dispatcher):
    actions.edit(draft, category=None, at=AT, by=dispatcher.as_actor())

    with pytest.raises(Refused) as refused:
        actions.publish(draft, at=AT, by=dispatcher.as_actor())
    assert refused.value.field == "category"


def test_publish_is_refused_for_a_published_entry(article, dispatcher):
    with pytest.raises(WrongState):
        actions.publish(article, at=AT, by=dispatcher.as_actor())


@pytest.mark.parametrize("verb", ["publish", "retire"])
def test_publish_and_retire_need_the_permission(verb, draft, engineer):
    extra = {"reason": "x"} if verb == "retire" else {}

    with pytest.raises(PermissionDenied):
        getattr(actions, verb)(draft, **extra, at=AT, by=engineer.as_actor())


def test_retire_and_publish_again(article, dispatcher):
    by = dispatcher.as_actor()
    actions.retire(article, reason="新版本不再需要", at=AT, by=by)
    assert Article.objects.get().status == Status.RETIRED
    with pytest.raises(WrongState):
        actions.retire(article, reason="x", at=AT, by=by)

    actions.publish(article, at=AT, by=by)
    assert Article.objects.get().status == Status.PUBLISHED


def test_retire_needs_a_reason(article, dispatcher):
    with pytest.raises(Refused) as refused:
        actions.retire(article, reason=" ", at=AT, by=dispatcher.as_actor())

    assert refused.value.field == "reason"


def test_use_counts_each_time(article, helpdesk):
    for _ in range(2):
        actions.use(article, at=AT, by=helpdesk.as_actor())

    assert Article.objects.get().used_count == 2
    assert journal(article)[-1] == ("article.used", AT, "何雪")


def test_use_counts_once_per_case(article, helpdesk):
    one, two = (create_customer(name=name, at=AT, by=SYSTEM) for name in "ab")
    for case in (one, one, two):
        actions.use(article, case=case, at=AT, by=helpdesk.as_actor())

    assert Article.objects.get().used_count == 2
    assert [line[0] for line in journal(one)] == ["customer.created", "article.used"]


def test_use_needs_the_permission(article):
    with pytest.raises(PermissionDenied):
        actions.use(article, at=AT, by=ANONYMOUS)


def test_drafts_are_seen_by_those_who_write(draft, article, engineer, business):
    second = actions.create_article(**TEXTS, at=AT, by=engineer.as_actor())

    assert set(Article.objects.visible_to(engineer.as_actor())) == {article, second}
    assert set(Article.objects.visible_to(business.as_actor())) == {article}
    assert not Article.objects.visible_to(ANONYMOUS).exists()
