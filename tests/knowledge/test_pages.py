from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from knowledge import actions
from knowledge.models import Article, FaultCategory
from servicedesk.core.actors import SYSTEM
from tests.accounts.test_tokens import make
from tests.conftest import AT
from tests.customers.conftest import browser

pytestmark = pytest.mark.django_db

XSS = "<script>alert(1)</script>"


def url(name: str, *args: object) -> str:
    return reverse(f"knowledge:{name}", args=args)


def test_an_entry_is_written_published_changed_and_retired(control, product, printing):
    given = {
        "title": "积分不到账", "symptom": "没有积分", "solution": "补传",
        "product": str(product.uid), "category": str(printing.uid),
    }  # fmt: skip
    answer = control.post(url("new"), given)
    made = Article.objects.get()
    assert answer.url == url("article", made.number)

    for verb, sent, status in [
        ("publish", {}, "published"), ("use", {}, "published"), ("retire", {"reason": "旧"}, "retired"),
    ]:  # fmt: skip
        assert control.post(url("act", made.number, verb), sent).status_code == 302
        made.refresh_from_db()
        assert made.status == status

    assert control.post(url("act", made.number, "publish")).status_code == 302
    control.post(url("edit", made.number), given | {"solution": "先补传再核对"})
    made.refresh_from_db()
    assert (made.solution, made.used_count) == ("先补传再核对", 1)


def test_a_refused_form_comes_back_with_what_was_typed(desk, product):
    answer = desk.post(url("new"), {"title": "标题在这里", "product": str(product.uid)})

    text = answer.content.decode()
    assert answer.status_code == 422
    assert "标题在这里" in text
    assert not Article.objects.exists()


def test_a_refused_button_says_why(control, draft, dispatcher):
    actions.edit(draft, category=None, at=AT, by=dispatcher.as_actor())

    answer = control.post(url("act", draft.number, "publish"))

    assert answer.status_code == 422
    assert "请先选择故障分类" in answer.content.decode()


def test_the_list_is_filtered(article, engineer, hardware, printing, control):
    actions.create_article(
        title="另一条", symptom="x", solution="y", category=hardware, at=AT, by=engineer.as_actor()
    )

    def shown(query: str) -> tuple[bool, bool]:
        text = control.get(url("list") + query).content.decode()
        return "小票打印不出来" in text, "另一条" in text

    assert shown("") == (True, True)
    assert shown("?q=打印服务") == (True, False)
    assert shown(f"?category={hardware.uid}") == (False, True)
    assert shown(f"?category={printing.parent.uid}") == (True, False)
    assert shown("?status=published") == (True, False)
    assert shown("?status=retired") == (False, False)
    assert shown(f"?product={article.product.uid}") == (True, True)
    assert shown("?product=nonsense&category=1&status=x") == (False, False)


def test_search_as_you_type_gets_the_rows_alone(article, desk):
    answer = desk.get(url("list") + "?q=打印", headers={"HX-Request": "true"})

    assert "小票打印不出来" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_a_draft_does_not_exist_for_readers(draft, business):
    client = browser(business)

    assert client.get(url("article", draft.number)).status_code == 404
    assert client.post(url("act", draft.number, "use")).status_code == 404


def test_what_does_not_exist_is_404(control, article):
    assert control.get(url("article", "KB-1")).status_code == 404
    assert control.post(url("act", article.number, "explode")).status_code == 404
    assert control.get(url("category_edit", uuid4())).status_code == 404


@pytest.mark.parametrize(
    ("role", "writes", "manages"),
    [("helpdesk", True, False), ("engineer", True, False), ("dispatcher", True, True),
     ("business", False, False)],
)  # fmt: skip
def test_who_may_open_which_page(role, writes, manages, request, article, printing):
    client = browser(request.getfixturevalue(role))
    expected = {
        url("list"): True, url("article", article.number): True, url("categories"): True,
        url("new"): writes, url("edit", article.number): writes,
        url("category_new"): manages, url("category_edit", printing.uid): manages,
    }  # fmt: skip

    for page, allowed in expected.items():
        assert client.get(page).status_code == (200 if allowed else 403), page
    assert client.post(url("act", article.number, "retire"), {"reason": "x"}).status_code == (
        302 if manages else 403
    )


def test_strangers_are_sent_to_the_log_in(client, article):
    for page in (url("list"), url("article", article.number), url("suggestions")):
        assert "log-in" in client.get(page).url


def test_the_tree_is_grown_moved_and_pruned(control, software):
    control.post(url("category_new"), {"code": "n", "name": "新", "parent": str(software.uid)})
    made = FaultCategory.objects.get(code="N")
    control.post(url("category_edit", made.uid), {"name": "更新", "parent": ""})
    made.refresh_from_db()
    assert made.path == "更新"
    control.post(url("category_deactivate", made.uid))
    made.refresh_from_db()
    assert not made.is_active
    control.post(url("category_reactivate", made.uid))
    assert "更新" in control.get(url("categories")).content.decode()


def test_a_branch_with_leaves_in_use_is_not_pruned(control, printing):
    assert control.post(url("category_deactivate", printing.parent.uid)).status_code == 409


def test_markup_stays_text(control, engineer, printing, dispatcher):
    made = actions.create_article(
        title=XSS, symptom=XSS, cause=XSS, solution=XSS, category=printing, at=AT,
        by=engineer.as_actor(),
    )  # fmt: skip
    actions.publish(made, at=AT, by=dispatcher.as_actor())

    for page in (url("list"), url("article", made.number), url("suggestions") + "?q=script"):
        text = control.get(page).content.decode()
        assert "<script>alert" not in text
        assert "&lt;script&gt;" in text


@pytest.mark.parametrize(("field", "bad"), [("title", "a\nb"), ("solution", "长" * 9000)])
def test_input_that_cannot_be_kept_is_a_message_at_the_field(field, bad, desk):
    given = {"title": "x", "symptom": "y", "solution": "z"} | {field: bad}

    assert desk.post(url("new"), given).status_code == 422
    assert not Article.objects.exists()


@pytest.mark.parametrize("page", ["list", "categories", "suggestions"])
def test_pages_cost_the_same_with_more_rows(
    page, article, engineer, dispatcher, software, desk, django_assert_max_num_queries
):
    def cost() -> int:
        with django_assert_max_num_queries(14) as counted:
            assert desk.get(url(page) + "?q=打印").status_code == 200
        return len(counted)

    cost()
    first = cost()
    for i in range(8):
        category = actions.create_category(
            code=f"C{i}", name=f"类{i}", parent=software, at=AT, by=SYSTEM
        )
        made = actions.create_article(
            title=f"打印{i}", symptom="打印不出来", solution="z", category=category, at=AT,
            by=engineer.as_actor(),
        )  # fmt: skip
        actions.publish(made, at=AT, by=dispatcher.as_actor())

    assert cost() == first


# --- API ---------------------------------------------------------------------------------------


@pytest.fixture
def api(api_client_user):
    _token, text = make(api_client_user)
    return Client(headers={"authorization": f"Bearer {text}"})


def post(client, path, data):
    return client.post(f"/api/v1/{path}", json.dumps(data), content_type="application/json")


def test_systems_read_what_is_published(api, article, engineer):
    actions.create_article(title="草稿", symptom="x", solution="y", at=AT, by=engineer.as_actor())

    (found,) = api.get("/api/v1/articles?q=打印").json()["results"]
    assert found == api.get(f"/api/v1/articles/{article.number}").json()
    assert (found["author"], found["actions"]) == ("张伟", ["use"])
    assert len(api.get("/api/v1/articles").json()["results"]) == 1
    assert post(api, f"articles/{article.number}/use", {}).json()["used_count"] == 1
    assert post(api, f"articles/{article.number}/edit", {"title": "x"}).status_code == 403


def test_colleagues_write_by_verbs(control, printing):
    given = {"title": "积分不到账", "symptom": "没有积分", "solution": "补传"}
    made = post(control, "articles/add", given)
    assert made.status_code == 201
    path = f"articles/{made.json()['number']}"

    assert post(control, f"{path}/publish", {}).status_code == 409
    assert post(control, f"{path}/edit", {"category": str(printing.uid)}).status_code == 200
    assert post(control, f"{path}/publish", {}).json()["status"] == "published"
    assert post(control, f"{path}/retire", {}).status_code == 400
    assert post(control, f"{path}/retire", {"reason": "旧"}).json()["actions"] == ["publish", "use"]


def test_categories_over_the_api(control, api, software):
    given = {"code": "x", "name": "新", "parent": str(software.uid)}
    assert post(api, "fault-categories/add", given).status_code == 403
    made = post(control, "fault-categories/add", given).json()
    path = f"fault-categories/{made['uid']}"

    assert made["path"] == "软件 / 新"
    assert post(control, f"{path}/edit", {"name": "旧"}).json()["path"] == "旧"
    assert post(control, f"{path}/deactivate", {}).json()["actions"] == ["edit", "reactivate"]
    assert post(control, f"{path}/reactivate", {}).json()["is_active"] is True
    assert len(api.get("/api/v1/fault-categories").json()["results"]) == 2
