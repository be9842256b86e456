"""Freeze, sign, seal, verify (forms.md “Signature and seal”, GEN-2)."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from io import BytesIO

import pypdf
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role, permissions_of
from servicedesk.core import documents, paper, seal, sealing, verification
from servicedesk.core.actors import SYSTEM, Actor
from servicedesk.core.document_forms import OwnSignatureForm
from servicedesk.core.documents import Method, Status
from servicedesk.core.errors import Refused, Stale
from servicedesk.core.models import Document, Signature, SignLink
from tests.conftest import AT
from tests.core.forms_of_tests import KIND, PLAIN, data, stroke
from tests.seals import openssl_verifies

pytestmark = pytest.mark.django_db


@pytest.fixture
def form(engineer):
    return frozen(engineer)


def frozen(engineer, **changes):
    usual = {
        "number": "ZZ-20260302-0001", "data": data(), "signers": {"engineer": engineer.pk},
        "at": AT, "by": SYSTEM,
    }  # fmt: skip
    return documents.freeze(KIND, engineer, **usual | changes)


def link_for(form, engineer, **options):
    usual = {
        "block": "customer",
        "method": Method.HANDED_OVER,
        "signer_name": "王店长",
        "at": timezone.now(),
    }
    token = documents.make_link(form, **usual | options, by=engineer.as_actor())
    return token, SignLink.objects.get(token_sha256=documents.token_hash(token))


def sign_as_customer(form, engineer, **changes):
    _token, link = link_for(form, engineer)
    return documents.sign_by_link(
        link,
        **{
            "signer_name": "王店长",
            "strokes": stroke(),
            "shown_sha256": form.data_sha256,
            "answers": {"stars": 5},
            "at": timezone.now(),
            "by": documents.signer(link),
        }
        | changes,
    )


def sign_as_engineer(form, engineer, **changes):
    return documents.sign_own(
        form,
        **{
            "block": "engineer",
            "strokes": stroke(1.5),
            "shown_sha256": form.data_sha256,
            "at": timezone.now(),
            "by": engineer.as_actor(),
        }
        | changes,
    )


@pytest.fixture
def sealed(form, engineer):
    sign_as_customer(form, engineer)
    sign_as_engineer(form, engineer)
    assert sealing.seal_waiting() == 1
    form.refresh_from_db()
    return form


def content(document):
    with default_storage.open(document.file) as file:
        return file.read()


# --- freezing ---------------------------------------------------------------------------------


def test_the_same_data_give_the_same_document(form, engineer):
    again = frozen(engineer)

    assert again == form


def test_other_data_give_the_next_version_and_void_the_unsigned_one(form, engineer):
    _token, link = link_for(form, engineer)

    second = frozen(engineer, data=data(need="另一个"))

    form.refresh_from_db()
    link.refresh_from_db()
    assert (second.version, second.supersedes, form.status) == (2, form, Status.VOID)
    assert link.revoked_at is not None


def test_a_sealed_document_stays_beside_its_correction(sealed, engineer):
    second = frozen(engineer, data=data(need="更正"))

    sealed.refresh_from_db()
    assert sealed.status == Status.SEALED
    assert (second.version, second.supersedes, second.status) == (2, sealed, Status.OPEN)


def test_a_form_without_places_to_sign_is_sealed_at_once(engineer):
    document = documents.freeze(
        PLAIN, engineer, number="ZZ-20260302-0002", data=data(), at=AT, by=SYSTEM
    )

    assert sealing.seal_waiting() == 1
    document.refresh_from_db()
    assert document.status == Status.SEALED


@pytest.mark.parametrize("column", ["data = '{}'", "data_sha256 = 'x'", "number = 'ZZ'"])
def test_the_database_refuses_to_thaw_a_document(form, column):
    with (
        pytest.raises(DatabaseError, match="frozen"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE core_document SET {column} WHERE id = %s", [form.pk])  # noqa: S608


# --- only the customer signs for the customer (GEN-2) ------------------------------------------


@pytest.mark.parametrize("role", [*Role])
def test_no_role_signs_for_the_customer(form, engineer, role):
    _token, link = link_for(form, engineer)
    colleague = Actor(kind="user", id=engineer.pk, label="谁", permissions=permissions_of(role))

    with pytest.raises(PermissionDenied):
        documents.sign_by_link(
            link, signer_name="王店长", strokes=stroke(), shown_sha256=form.data_sha256,
            answers={}, at=timezone.now(), by=colleague,
        )  # fmt: skip
    with pytest.raises(PermissionDenied):
        documents.sign_own(
            form, block="customer", strokes=stroke(), shown_sha256=form.data_sha256,
            at=timezone.now(), by=colleague,
        )  # fmt: skip
    assert not form.signatures.exists()


def test_the_system_does_not_sign_for_the_customer_either(form, engineer):
    with pytest.raises(PermissionDenied):
        sign_as_customer(form, engineer, by=SYSTEM)


def test_the_permission_to_sign_as_customer_belongs_to_no_role():
    assert not any("documents.sign_as_customer" in permissions_of(role) for role in Role)


@pytest.mark.parametrize("statement", ["UPDATE core_signature SET strokes = '[]'",
                                       "DELETE FROM core_signature"])  # fmt: skip
def test_no_later_write_touches_a_signature(form, engineer, statement):
    sign_as_customer(form, engineer)

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_the_model_refuses_to_be_saved_again(form, engineer):
    signature = sign_as_customer(form, engineer)

    with pytest.raises(TypeError):
        signature.save()
    with pytest.raises(TypeError):
        signature.delete()


# --- what counts as a signature -----------------------------------------------------------------


@pytest.mark.parametrize(
    "strokes",
    [stroke(points=1), stroke(points=19), [[{"x": 5.0, "y": 5.0, "t": 1.0, "p": 0.5}] * 40]],
    ids=["a dot", "a slip", "a dot held"],
)
def test_a_dot_is_no_signature(form, engineer, strokes):
    with pytest.raises(Refused) as refused:
        sign_as_customer(form, engineer, strokes=strokes)

    assert refused.value.field == "strokes"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000, "[" * 500_000, '[[{"x": 1%s, "y": 1, "t": 1, "p": 1}]]' % ("0" * 400),
        '[[{"x": 1%s, "y": 1, "t": 1, "p": 1}]]' % ("0" * 5000), '[[{"x": 1e400}]]', "{}", "1", "null",
        '[[1]]', '["a"]',
    ],
    ids=range(10),
)  # fmt: skip
def test_strokes_that_no_pad_sends_are_refused(text):
    given = OwnSignatureForm({"strokes": text, "shown_sha256": "x"})

    assert list(given.errors) == ["strokes"]


def test_a_used_signature_is_refused(form, engineer):
    sign_as_customer(form, engineer)
    other = frozen(engineer, number="ZZ-20260302-0009")

    with pytest.raises(Refused, match=r"anew|重新"):
        sign_as_customer(other, engineer)


def test_a_signature_is_bound_to_what_was_shown(form, engineer):
    with pytest.raises(Stale):
        sign_as_customer(form, engineer, shown_sha256="0" * 64)

    assert not Signature.objects.exists()


def test_a_link_works_once(form, engineer):
    _token, link = link_for(form, engineer)
    arguments = {
        "signer_name": "王店长", "strokes": stroke(), "shown_sha256": form.data_sha256,
        "answers": {}, "at": timezone.now(), "by": documents.signer(link),
    }  # fmt: skip
    documents.sign_by_link(link, **arguments)

    with pytest.raises(Refused):
        documents.sign_by_link(link, **arguments)


def test_a_refused_signature_leaves_the_link_alive(form, engineer):
    """The link is used up in the transaction of the signature, not before."""
    _token, link = link_for(form, engineer)
    with pytest.raises(Refused):
        documents.sign_by_link(
            link, signer_name="王店长", strokes=stroke(points=2), answers={},
            shown_sha256=form.data_sha256, at=timezone.now(), by=documents.signer(link),
        )  # fmt: skip

    link.refresh_from_db()
    assert link.used_at is None


def test_an_expired_link_signs_nothing(form, engineer):
    _token, link = link_for(form, engineer)

    with pytest.raises(Refused):
        documents.sign_by_link(
            link, signer_name="王店长", strokes=stroke(), answers={},
            shown_sha256=form.data_sha256, at=timezone.now() + timedelta(hours=73),
            by=documents.signer(link),
        )  # fmt: skip


def test_a_program_asks_no_customer(form, api_client_user):
    """It has none before it."""
    with pytest.raises(PermissionDenied, match="may not hand over"):
        link_for(form, api_client_user)


def test_another_link_ends_the_former(form, engineer):
    token, _link = link_for(form, engineer)
    link_for(form, engineer)

    assert Client().get(reverse("documents:sign", args=[token])).status_code == 404


# --- the customer's page ------------------------------------------------------------------------


def own_link(form, engineer, **options):
    """A link for the customer's own device, with the digits that prove him."""
    return link_for(form, engineer, method=Method.OWN_DEVICE, phone_last4="0137", **options)


def customers_phone(token, **headers):
    """A browser in which the digits were given."""
    client = Client(**headers)
    client.post(reverse("documents:sign", args=[token]), {"digits": "0137"})
    return client


def post(client, token, **changes):
    import json

    form = SignLink.objects.get(token_sha256=documents.token_hash(token)).document
    body = {
        "act": "sign", "signer_name": "王店长", "strokes": json.dumps(stroke()),
        "shown_sha256": form.data_sha256, "answers-stars": "5",
    }  # fmt: skip
    return client.post(reverse("documents:sign", args=[token]), body | changes)


def test_the_customer_reads_signs_and_gets_a_copy(form, engineer):
    token, _link = own_link(form, engineer)
    client = customers_phone(token)
    page = client.get(reverse("documents:sign", args=[token]))
    assert "大兴百货" in page.text
    assert "<b>粗体</b>" not in page.text

    assert post(client, token).status_code == 302
    sign_as_engineer(form, engineer)
    sealing.seal_waiting()

    thanks = client.get(reverse("documents:sign", args=[token]))
    assert reverse("documents:signed_copy", args=[token]) in thanks.text
    copy = client.get(reverse("documents:signed_copy", args=[token]))
    assert copy.getvalue().startswith(b"%PDF")


@override_settings(TRUSTED_PROXY=True)
def test_a_signature_names_the_address_of_the_signer_not_of_the_proxy(form, engineer):
    token, _link = own_link(form, engineer)
    client = customers_phone(
        token, REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": "203.0.113.7"}
    )
    client.get(reverse("documents:sign", args=[token]))

    assert post(client, token).status_code == 302

    assert form.signatures.get().ip == "203.0.113.7"


def test_looking_uses_no_link_up(form, engineer):
    token, link = own_link(form, engineer)
    for _ in range(3):
        assert Client().get(reverse("documents:sign", args=[token])).status_code == 200

    link.refresh_from_db()
    assert link.used_at is None


@pytest.mark.parametrize(
    "change",
    [
        {"strokes": ""},
        {"strokes": "[]"},
        {"strokes": "nonsense"},
        {"strokes": '[[{"x": "NaN", "y": 1, "t": 1, "p": 1}]]'},
        {"strokes": '[[{"x": 1e99, "y": 1, "t": 1, "p": 1}]]'},
        {"strokes": '{"a": 1}'},
        {"signer_name": ""},
        {"signer_name": "长" * 101},
        {"answers-stars": ""},
        {"answers-stars": "6"},
        {"shown_sha256": "0" * 64},
    ],
)
def test_bad_input_comes_back_with_what_was_typed(form, engineer, change):
    token, _link = own_link(form, engineer)

    answer = post(customers_phone(token), token, **change)

    assert answer.status_code == 422
    if "signer_name" not in change:
        assert 'value="王店长"' in answer.text
    assert not Signature.objects.exists()


def test_refusing_with_a_reason_is_an_outcome(form, engineer):
    from tests.journal import journal

    token, _link = own_link(form, engineer)
    client = customers_phone(token)

    answer = post(client, token, act="refuse", reason="问题没有解决")

    assert answer.status_code == 302
    assert journal(engineer)[-1][0] == "document.signature_refused"
    assert client.get(reverse("documents:sign", args=[token])).status_code == 200


class TestOwnDevice:
    """L2: the last four digits are asked, five tries."""

    @pytest.fixture
    def token(self, form, engineer):
        return own_link(form, engineer)[0]

    def test_the_form_is_hidden_until_the_digits_are_right(self, token):
        client, url = Client(), reverse("documents:sign", args=[token])
        assert "大兴百货" not in client.get(url).text
        assert client.post(url, {"digits": "9999"}).status_code == 422
        assert client.post(url, {"digits": "0137"}).status_code == 302
        assert "大兴百货" in client.get(url).text
        assert "大兴百货" not in Client().get(url).text

    def test_five_wrong_tries_end_the_link(self, token):
        client, url = Client(), reverse("documents:sign", args=[token])
        for _ in range(5):
            assert client.post(url, {"digits": "9999"}).status_code == 422
        assert client.post(url, {"digits": "0137"}).status_code == 410

    def test_signing_without_the_digits_is_refused(self, token):
        assert post(Client(), token).status_code == 422
        assert not Signature.objects.exists()


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "%00"])
def test_an_unknown_token_is_nothing(client, token):
    assert client.get(f"/documents/s/{token}/").status_code in {302, 400, 404}


def test_an_expired_link_says_so(form, engineer):
    token, _link = own_link(form, engineer, at=timezone.now() - timedelta(hours=73))

    assert Client().get(reverse("documents:sign", args=[token])).status_code == 410


# --- the seal -----------------------------------------------------------------------------------


def test_the_sealed_pdf_says_what_was_signed(sealed):
    text = "".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(content(sealed))).pages)

    for words in (
        "测试单",
        "大兴百货",
        "收银台不能积分 <b>粗体</b>",
        "王店长",
        "张伟",
        sealed.number,
    ):
        assert words.replace(" ", "") in text.replace(" ", "")


def test_the_seal_is_intact_and_a_flipped_byte_breaks_it(sealed):
    original = content(sealed)
    found = seal.inspect(original)
    assert (found.ours, found.intact) == (True, True)
    assert found.stamped_at == sealed.stamped_at

    for place in (len(original) // 3, len(original) // 2, original.index(b"/Title") + 9):
        altered = bytearray(original)
        altered[place] ^= 1
        assert not seal.inspect(bytes(altered)).intact


def test_an_appended_revision_breaks_the_seal(sealed):
    writer = pypdf.PdfWriter(BytesIO(content(sealed)), incremental=True)
    writer.add_metadata({"/Subject": "changed"})
    buffer = BytesIO()
    writer.write(buffer)

    assert seal.inspect(buffer.getvalue()).ours
    assert not seal.inspect(buffer.getvalue()).intact


def test_openssl_agrees_that_the_seal_is_valid(sealed, tmp_path):
    pdf = content(sealed)
    assert openssl_verifies(pdf, tmp_path)

    assert not openssl_verifies(b"x" + pdf[1:], tmp_path)


def test_a_document_is_sealed_once(sealed):
    assert sealing.seal_waiting() == 0


def test_a_worker_that_comes_late_throws_its_file_away(form, engineer):
    sign_as_customer(form, engineer)
    sign_as_engineer(form, engineer)
    late = sealing._claim(timezone.now())
    Document.objects.filter(pk=form.pk).update(lease_until=AT)
    assert sealing.seal_waiting() == 1
    form.refresh_from_db()

    assert sealing.seal_document(late) is False

    again = Document.objects.get(pk=form.pk)
    assert (again.file, again.file_sha256) == (form.file, form.file_sha256)


def test_a_leased_document_is_left_to_its_worker(form, engineer):
    sign_as_customer(form, engineer)
    sign_as_engineer(form, engineer)
    assert sealing._claim(timezone.now()) is not None

    assert sealing.seal_waiting() == 0


def test_a_form_that_cannot_be_rendered_is_given_up_visibly(form, engineer, monkeypatch):
    sign_as_customer(form, engineer)
    sign_as_engineer(form, engineer)
    monkeypatch.setattr(paper, "render", lambda *_a, **_k: "<p>" * 2_000_000)

    assert sealing.seal_waiting() == 0

    form.refresh_from_db()
    assert (form.status, form.attempts) == (Status.FAILED, 3)
    assert "too long" in form.failure


# --- verification --------------------------------------------------------------------------------


def verdict(pdf):
    return verification.judge(pdf).answer


def test_a_file_is_genuine_altered_or_unknown(sealed):
    original = content(sealed)
    altered = bytearray(original)
    altered[len(original) // 2] ^= 1

    assert verdict(original) == "genuine"
    assert verdict(bytes(altered)) == "altered"
    assert verdict(b"%PDF-1.7 nothing") == "unknown"
    assert verdict(b"") == "unknown"


def test_the_page_behind_the_qr_code_tells_signers_and_checks_a_file(sealed):
    url = reverse("documents:verify", args=[sealed.number, sealed.verify_code])
    page = Client().get(url)
    assert "王店长" in page.text
    assert "收银台不能积分" not in page.text

    visitor = Client(REMOTE_ADDR="192.0.2.9")
    answer = visitor.post(url, {"file": SimpleUploadedFile("a.pdf", content(sealed))})

    assert "notice-good" in answer.text


def many_fields(number):
    """A PDF of empty form fields: small to send, long to read."""
    body = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/AcroForm<</Fields["
        + b"<</T(a)>>" * number
        + b"]>> >>endobj\n"
    )
    end = b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer<</Size 2/Root 1 0 R>>\n"
    return body + end + b"startxref\n%d\n%%%%EOF" % len(body)


DEEP = b"%PDF-1.4\n1 0 obj" + b"[" * 50_000 + b"\nendobj\n"
TRAILER = b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer<</Size 2/Root 1 0 R>>\n"
HOSTILE = {
    "nothing": b"%PDF-1.7\n%%EOF",
    "no root": b"%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer<</Size 1/Root 1 0 R>>\n"
    b"startxref\n9\n%%EOF",
    "deep": DEEP + TRAILER + b"startxref\n%d\n%%%%EOF" % len(DEEP),
    "a field of itself": b"%PDF-1.4\n1 0 obj<</Type/Catalog/AcroForm 2 0 R>>endobj\n"
    b"2 0 obj<</Fields[2 0 R]>>endobj\nxref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n"
    b"0000000054 00000 n \ntrailer<</Size 3/Root 1 0 R/Prev 0>>\nstartxref\n89\n%%EOF",
    "half a signature": b"%PDF-1.4\n1 0 obj<</Type/Catalog/AcroForm<</Fields[<</FT/Sig/T(a)/V<</Type"
    b"/Sig/Contents<00>/ByteRange[0 1 2 3]>> >>]>> >>endobj\nxref\n0 2\n0000000000 65535 f \n"
    b"0000000009 00000 n \ntrailer<</Size 2/Root 1 0 R>>\nstartxref\n142\n%%EOF",
}


@pytest.mark.parametrize("pdf", HOSTILE.values(), ids=HOSTILE)
def test_a_crafted_file_is_unknown(db, pdf, tmp_path, settings):
    settings.SEAL_KEY_DIR = tmp_path

    assert not seal.is_ours(pdf), "and a stored file that was crafted stops no check of the archive"
    assert verdict(pdf) == "unknown"


def test_a_file_that_is_long_to_read_is_given_up(db, monkeypatch, caplog):
    monkeypatch.setattr(verification, "WALL_SECONDS", 2)
    started = time.monotonic()

    assert verdict(many_fields(300_000)) == "unknown"

    assert time.monotonic() - started < 6
    assert caplog.records == []


def test_one_file_at_a_time_is_looked_into(monkeypatch):
    monkeypatch.setattr(verification, "WALL_SECONDS", 0.1)
    client = Client(REMOTE_ADDR="192.0.2.7")

    with verification._alone:
        answer = client.post(
            reverse("documents:verify_file"), {"file": SimpleUploadedFile("a.pdf", b"%PDF-1.7")}
        )

    assert answer.status_code == 503
    assert "稍后" in answer.text or "一分钟" in answer.text


def test_an_address_may_ask_so_often_and_no_oftener(monkeypatch, sealed):
    monkeypatch.setattr(verification, "MOST_FILES", 2)
    client, url = Client(REMOTE_ADDR=f"2001:db8::{uuid.uuid4().hex[:4]}"), "documents:verify_file"

    answers = [
        client.post(reverse(url), {"file": SimpleUploadedFile("a.pdf", content(sealed))})
        for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert client.get(reverse(url)).status_code == 200


def test_without_redis_files_are_checked_all_the_same(sealed, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }

    assert verification.may_ask("192.0.2.8", at=timezone.now())


def test_a_wrong_code_finds_nothing(sealed):
    assert Client().get(
        reverse("documents:verify", args=[sealed.number, "0" * 16])
    ).status_code == 404  # fmt: skip


# --- the desk's pages ----------------------------------------------------------------------------


def test_pages_of_a_form_need_a_log_in(sealed):
    for name in ("document", "download"):
        assert Client().get(reverse(f"documents:{name}", args=[sealed.uid])).status_code == 302


def test_a_colleague_reads_and_downloads(sealed, client, helpdesk):
    client.force_login(helpdesk)

    assert client.get(reverse("documents:document", args=[sealed.uid])).status_code == 200
    download = client.get(reverse("documents:download", args=[sealed.uid]))
    assert download.getvalue() == content(sealed)
    assert "attachment" in download["Content-Disposition"]


@pytest.mark.parametrize("text", ["'", "%", "\\", "长" * 5000])
def test_the_archive_survives_what_no_number_contains(client, helpdesk, text):
    client.force_login(helpdesk)
    assert client.get(reverse("documents:archive"), {"q": text}).status_code == 200


def test_the_archive_offers_each_form_once_and_finds_every_way_of_it(sealed, client, helpdesk):
    client.force_login(helpdesk)
    url = reverse("documents:archive")
    kinds = client.get(url).context["form"].fields["kind"].choices[1:]
    assert len({title for _name, title in kinds}) == len(kinds)
    own = next(name for name, title in kinds if title == str(documents.KINDS[sealed.kind].title))
    assert sealed.number in client.get(url, {"kind": own}).text


def test_the_archive_finds_by_number_with_a_constant_number_of_queries(
    sealed, client, helpdesk, engineer, django_assert_num_queries
):
    client.force_login(helpdesk)
    url = reverse("documents:archive")
    assert sealed.number in client.get(url, {"q": sealed.number[-4:]}).text
    assert sealed.number not in client.get(url, {"q": "无此单"}).text
    with connection.execute_wrapper(_count := Counter()):
        client.get(url)
    for number in range(5):
        documents.freeze(
            PLAIN, engineer, number=f"ZZ-20260303-000{number}", data=data(), at=AT, by=SYSTEM
        )
    with django_assert_num_queries(_count.number):
        client.get(url)


class Counter:
    def __init__(self):
        self.number = 0

    def __call__(self, execute, sql, params, many, context):
        self.number += 1
        return execute(sql, params, many, context)
