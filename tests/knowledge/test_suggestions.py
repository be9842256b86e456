from __future__ import annotations

import pytest
from django.urls import reverse

from customers.actions import create_product
from knowledge import actions
from knowledge.models import Article
from knowledge.queries import categories_matching, suggest
from servicedesk.core.actors import ANONYMOUS, SYSTEM
from tests.conftest import AT

pytestmark = pytest.mark.django_db


def titles(found) -> list[str]:
    return [each.article.title for each in found]


@pytest.fixture
def shelf(article, engineer, dispatcher, product, software, hardware):
    """More entries beside 小票打印不出来."""
    texts = [
        ("积分不到账", "付款成功，会员说没有积分", "补传当日流水", product, software),
        ("打印机卡纸", "打印机红灯闪烁，纸出不来", "打开上盖取出卡住的纸", None, hardware),
        ("其他产品打印", "小票打印不出来", "联系厂商", create_product(
            code="O", name="其他", at=AT, by=SYSTEM), software),
    ]  # fmt: skip
    made = [
        actions.create_article(
            title=t, symptom=s, solution=f, product=p, category=c, at=AT, by=engineer.as_actor()
        )
        for t, s, f, p, c in texts
    ]
    return [article, *(actions.publish(m, at=AT, by=dispatcher.as_actor()) for m in made)]


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("打印机不出小票", "小票打印不出来"),
        ("顾客付了钱积分没到", "积分不到账"),
        ("卡纸了", "打印机卡纸"),
        ("会员没有积分", "积分不到账"),
    ],
)
def test_the_words_of_the_caller_find_the_entry(said, first, shelf, product):
    assert titles(suggest(product, None, said))[0] == first


def test_what_is_for_another_product_is_not_suggested(shelf, product):
    assert "其他产品打印" not in titles(suggest(product, None, "小票打印不出来"))
    assert "其他产品打印" in titles(suggest(None, None, "小票打印不出来"))


def test_words_that_mean_something_else_find_nothing(shelf, product):
    assert suggest(product, None, "空调太冷了请派人") == []
    assert suggest(product, None, "您这里的路不会不来吗") == []


def test_a_category_brings_its_branch(shelf, software, hardware, printing):
    assert titles(suggest(None, hardware, "")) == ["打印机卡纸"]
    assert set(titles(suggest(None, software, ""))) == {
        "小票打印不出来", "积分不到账", "其他产品打印",
    }  # fmt: skip
    assert titles(suggest(None, printing, "")) == ["小票打印不出来"]


def test_a_product_alone_brings_what_helped_most(shelf, product, helpdesk):
    for _ in range(3):
        actions.use(shelf[1], at=AT, by=helpdesk.as_actor())

    assert titles(suggest(product, None, ""))[0] == "积分不到账"


def test_nothing_to_go_by_suggests_nothing(shelf):
    assert suggest(None, None, "  ") == []


def test_drafts_and_retired_entries_are_not_suggested(shelf, dispatcher, product):
    actions.retire(shelf[0], reason="旧", at=AT, by=dispatcher.as_actor())

    assert "小票打印不出来" not in titles(suggest(product, None, "小票打印不出来"))


def test_strangers_are_suggested_nothing(shelf):
    assert suggest(None, None, "小票打印不出来", actor=ANONYMOUS) == []


def test_no_more_than_asked_for(shelf):
    assert len(suggest(None, None, "打印不出来", limit=2)) == 2


@pytest.mark.parametrize("said", ["\x00", "'", "a\\b:*&|!", "打印" * 5000, "%", "\ud83d\ude00" * 3])
def test_any_text_may_be_said(said, shelf):
    said = said.encode("utf-16", "surrogatepass").decode("utf-16")
    suggest(None, None, said)


def test_the_fragment_beside_the_call(shelf, product, printing, desk):
    answer = desk.get(
        reverse("knowledge:suggestions"),
        {"product": str(product.uid), "category": str(printing.uid), "q": "打印机不出小票"},
    )

    text = answer.content.decode()
    assert "<html" not in text
    assert "重启打印服务，再打一张测试页" in text
    assert reverse("knowledge:act", args=[shelf[0].number, "use"]) in text


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("?product=&category=&q=", 200), ("?product=nonsense", 404),
     ("?category=01920000-0000-7000-8000-000000000000", 404)],
)  # fmt: skip
def test_the_fragment_takes_what_the_form_has(query, status, shelf, desk):
    assert desk.get(reverse("knowledge:suggestions") + query).status_code == status


def test_it_helped_is_one_click_beside_the_call(shelf, desk):
    url = reverse("knowledge:act", args=[shelf[0].number, "use"])
    answer = desk.post(url, headers={"HX-Request": "true"})

    assert "已记录" in answer.content.decode()
    assert Article.objects.get(pk=shelf[0].pk).used_count == 1


def test_categories_are_chosen_by_typing(software, printing, dispatcher, desk):
    assert list(categories_matching("打印")) == [printing]
    assert list(categories_matching("sw 软件")) == [software, printing]
    assert list(categories_matching("dy")) == [printing]
    assert list(categories_matching("rj DAYIN")) == [printing]
    assert list(categories_matching("zz")) == []
    actions.deactivate_category(printing, at=AT, by=dispatcher.as_actor())
    results = desk.get(reverse("knowledge:category_options") + "?q=软件").json()["results"]
    assert [r["label"] for r in results] == ["软件"]
