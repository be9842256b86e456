"""What the phone's own script asks. All answers are JSON, also those to people not logged in."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page

from servicedesk.core import handover, offline_forms, phone, phone_uploads
from servicedesk.core.assets import asset_version
from servicedesk.core.errors import Refused
from servicedesk.core.http import DeskRequest, json_problem
from servicedesk.core.models import PhoneCommand, PhoneUpload
from servicedesk.core.phone import KINDS, OPEN, NotRefused, OtherContent, Said

# A body of JSON; photos come in pieces by another door.
LARGEST = 500_000
LONGEST_NAME = 60
MOST_FIELDS = 200
# Larger than any clock is wrong, and within what a column of eight bytes and a date can hold.
LARGEST_OFFSET = 100 * 366 * 86_400_000
SHA256 = re.compile(r"[0-9a-f]{64}")
View = Callable[..., HttpResponse]


class NotUnderstood(Exception):
    """The body is not what this address takes; says what is wrong, for programmers."""


def door(*methods: str) -> Callable[[View], View]:
    def wrap(view: View) -> View:
        @wraps(view)
        def run(request: DeskRequest, **kwargs: Any) -> HttpResponse:
            if request.method not in methods:
                return json_problem("method-not-allowed", 405, ", ".join(methods))
            try:
                return view(request, **kwargs)
            except NotUnderstood as error:
                return json_problem("not-understood", 400, str(error))
            except (RequestDataTooBig, phone_uploads.TooLarge):
                return json_problem("too-large", 413, _("This is too large."))
            except Http404:
                return json_problem("not-found", 404, _("There is no such record."))
            except Refused as refusal:
                return json_problem("refused", 409, refusal.message)
            except OtherContent:
                return json_problem(
                    "other-content", 422, _("This was sent before, with other words.")
                )
            except NotRefused:
                text = _("This was recorded, sent again or thrown away already.")
                return json_problem("not-refused", 409, text)
            except OperationalError:
                # Somebody holds the record, or the database restarts.
                again = json_problem("try-again", 503, _("Busy just now. It is tried again."))
                again["Retry-After"] = "5"
                return again

        run.speaks_json = True  # type: ignore[attr-defined]
        return run

    return wrap


# --- commands ---------------------------------------------------------------------------------


@never_cache
@door("GET", "POST")
def commands(request: DeskRequest) -> HttpResponse:
    """POST: one command. GET: what of his is refused or still waits, from any of his devices."""
    now = timezone.now()
    if request.method == "GET":
        rows = phone.open_commands(request.actor.id)
        return JsonResponse(
            {"commands": [_answer(row) | _told(row) for row in rows], "server_time": now}
        )
    body = _body(request)
    whose = _text(body, "user", longest=36)
    if whose != str(request.user.uid):  # type: ignore[union-attr]
        mine = str(request.user.uid)  # type: ignore[union-attr]
        text = _("Somebody else is logged in now.")
        return json_problem("other-person", 403, text, user=mine)
    said = _said(body)
    done = phone.receive(said, at=now, by=request.actor)
    unsent = _number(body, "unsent", 0, 1_000_000)
    phone.seen(
        said.device, unsent=unsent, clock_offset_ms=said.clock_offset_ms, app=said.app,
        user_agent=request.headers.get("User-Agent", ""), at=now, by=request.actor,
    )  # fmt: skip
    return JsonResponse(_answer(done))


@never_cache
@door("GET")
def command(request: DeskRequest, op_id: uuid.UUID) -> HttpResponse:
    return JsonResponse(_answer(_own(request, op_id)))


@never_cache
@door("POST")
def retry(request: DeskRequest, op_id: uuid.UUID) -> HttpResponse:
    """Send what was refused again, with other words."""
    refused, body = _own(request, op_id), _body(request)
    known = {
        "subject": refused.kind,
        "number": refused.number,
        "verb": refused.verb,
        "after": str(refused.after) if refused.after else None,
        "happened_at": refused.happened_at.isoformat(),
        "base_version": refused.base_version,
        "clock_offset_ms": refused.clock_offset_ms,
        "device": str(refused.device),
    }
    fixed = {name: known[name] for name in ("subject", "number", "verb", "after")}
    said = _said(known | body | fixed)
    return JsonResponse(_answer(phone.mend(refused, said, at=timezone.now(), by=request.actor)))


@never_cache
@door("POST")
def discard(request: DeskRequest, op_id: uuid.UUID) -> HttpResponse:
    """Throw away what was refused or waits, and say why."""
    found, reason = _own(request, op_id), _text(_body(request), "reason", longest=300).strip()
    if not reason:
        raise NotUnderstood("reason is empty")
    done = phone.discard(found, reason=reason, at=timezone.now(), by=request.actor)
    return JsonResponse(_answer(done))


def _own(request: DeskRequest, op_id: uuid.UUID) -> PhoneCommand:
    return get_object_or_404(PhoneCommand, op_id=op_id, user_id=request.actor.id)


def _answer(command: PhoneCommand) -> dict[str, Any]:
    newer = phone.replaced(command) if command.state == PhoneCommand.State.REFUSED else None
    return {
        "op_id": str(command.op_id),
        "state": command.state,
        "code": command.code,
        "message": command.message,
        "errors": command.errors,
        "changes": command.changes,
        "next": command.next_url,
        "version": command.version_after,
        "status": command.status_after,
        "at": command.at,
        "skew_minutes": phone.skew_minutes(command.clock_offset_ms),
        "replaces": str(command.replaces.op_id) if command.replaces else None,
        "replaced_by": str(newer.op_id) if newer else None,
    }


def _told(command: PhoneCommand) -> dict[str, Any]:
    """What the queue page shows of a command that another device has sent."""
    return {
        "verb": command.verb,
        "label": KINDS[command.kind].label(command.verb),
        "number": command.number,
        "subject": command.kind,
        "fields": phone.told_fields(command),
        "files": command.files,
        "happened_at": command.happened_at,
        "received_at": command.received_at,
        "device": str(command.device),
        "base_version": command.base_version,
        "after": str(command.after) if command.after else None,
    }


# --- what is in a body ------------------------------------------------------------------------


def _body(request: HttpRequest) -> dict[str, Any]:
    if int(request.headers.get("Content-Length") or 0) > LARGEST:
        raise RequestDataTooBig
    try:
        text = request.body.decode()
        found = json.loads(text)
        # What no column can hold: half a character, written as an escape.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("the body is not JSON in UTF-8") from error
    if not isinstance(found, dict):
        raise NotUnderstood("the body is not an object")
    if "\\u0000" in text:
        raise NotUnderstood("the body has a character of zeros")
    return found


def _said(body: dict[str, Any]) -> Said:
    kind, verb = _text(body, "subject", longest=60), _text(body, "verb", longest=40)
    if kind not in KINDS or verb not in KINDS[kind].verbs:
        raise NotUnderstood("there is no such subject, or no such verb of it")
    op_id, after = _uid(body, "op_id"), body.get("after")
    said = Said(
        op_id=op_id,
        device=_uid(body, "device"),
        kind=kind,
        number=_text(body, "number", longest=40),
        verb=verb,
        fields=_fields(body.get("fields", {})),
        files=_files(body.get("files", {})),
        base_version=_number(body, "base_version", 0, 2_000_000_000),
        after=_uid(body, "after") if after is not None else None,
        happened_at=_moment(body, "happened_at"),
        clock_offset_ms=_number(body, "clock_offset_ms", -LARGEST_OFFSET, LARGEST_OFFSET),
        app=_text(body, "app", longest=40, default=""),
        discard=_text(body, "discard", longest=300, default="").strip(),
        at_once=body.get("at_once") is True,
    )
    if said.after == op_id:
        raise NotUnderstood("a command cannot come after itself")
    try:
        phone.corrected(said.happened_at, said.clock_offset_ms, received_at=said.happened_at)
    except OverflowError as error:
        raise NotUnderstood("happened_at and clock_offset_ms give no date") from error
    return said


def _text(body: dict[str, Any], name: str, *, longest: int, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > longest:
        raise NotUnderstood(f"{name} is not a text of at most {longest} characters")
    return value


def _uid(body: dict[str, Any], name: str) -> uuid.UUID:
    try:
        return uuid.UUID(_text(body, name, longest=36))
    except ValueError as error:
        raise NotUnderstood(f"{name} is not a UUID") from error


def _number(body: dict[str, Any], name: str, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise NotUnderstood(f"{name} is not a whole number that makes sense")
    return value


def _moment(body: dict[str, Any], name: str) -> datetime:
    try:
        value = parse_datetime(_text(body, name, longest=40))
    except ValueError:
        value = None
    if value is None or timezone.is_naive(value):
        raise NotUnderstood(f"{name} is not a time with its offset (RFC 3339)")
    return value


def _fields(found: Any) -> dict[str, str | list[str]]:
    if not isinstance(found, dict) or len(found) > MOST_FIELDS:
        raise NotUnderstood("fields is not an object")
    for value in found.values():
        texts = value if isinstance(value, list) else [value]
        if len(texts) > MOST_FIELDS or not all(isinstance(text, str) for text in texts):
            raise NotUnderstood("a field is a text or a list of texts")
    # A whole form may have been sent; its token is nothing to keep.
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}


def _files(found: Any) -> dict[str, str]:
    if not isinstance(found, dict) or len(found) > MOST_FIELDS:
        raise NotUnderstood("files is not an object")
    if not all(isinstance(uid, str) and len(uid) <= 36 for uid in found.values()):
        raise NotUnderstood("a file is the uid of an upload")
    return found


# --- what the phone takes along ---------------------------------------------------------------


@gzip_page
@door("GET")
def pack(request: DeskRequest) -> HttpResponse:
    """All that the phone needs for today and tomorrow without a network.

    The tag leaves out what only says when it was made: an unchanged pack is not sent again.
    """
    now = timezone.now()
    content: dict[str, Any] = {
        "app": asset_version(),
        "user": {"uid": str(request.user.uid), "name": request.actor.label},  # type: ignore[union-attr]
        "language": get_language(),
    }
    for kind in KINDS.values():
        content |= kind.pack(request, now)
    plain = json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False, sort_keys=True)
    etag = f'"{hashlib.sha256(plain.encode()).hexdigest()[:32]}"'
    response = get_conditional_response(request, etag=etag) or JsonResponse(
        {"server_time": now, "made_at": now, **content}
    )
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response


@never_cache
@login_not_required
@door("GET")
def ping(request: DeskRequest) -> HttpResponse:
    """Am I really online, how late is it, who am I; and a fresh token for what is sent."""
    user: Any = request.user
    return JsonResponse(
        {
            "server_time": timezone.now(),
            "csrf": get_token(request),
            "user": str(user.uid) if user.is_authenticated else None,
        }
    )


@never_cache
@door("POST")
def sync(request: DeskRequest) -> HttpResponse:
    """The device tells how much it still holds; the desk sees it."""
    now, body = timezone.now(), _body(request)
    unsent = _number(body, "unsent", 0, 1_000_000)
    if unsent is None:
        raise NotUnderstood("unsent is missing")
    phone.seen(
        _uid(body, "device"),
        unsent=unsent,
        oldest_unsent_at=_moment(body, "oldest_at") if body.get("oldest_at") else None,
        clock_offset_ms=_number(body, "clock_offset_ms", -LARGEST_OFFSET, LARGEST_OFFSET),
        app=_text(body, "app", longest=40, default=""),
        user_agent=request.headers.get("User-Agent", ""),
        at=now,
        by=request.actor,
    )
    waiting = phone.open_commands(request.actor.id).filter(state__in=OPEN).count()
    return JsonResponse({"server_time": now, "open": waiting})


@never_cache
@door("POST")
def paper(request: DeskRequest) -> HttpResponse:
    """A form that a customer can sign on this phone without a network, and a pad to sign it on."""
    now, body = timezone.now(), _body(request)
    name, number = _text(body, "subject", longest=60), _text(body, "number", longest=40)
    if name not in KINDS:
        raise NotUnderstood("there is no such subject")
    subject = KINDS[name].find(number, request.actor)
    found = KINDS[name].paper(subject) if subject is not None else None
    if subject is None or found is None:
        raise Http404
    pin = handover.pin_check(request, _uid(body, "device"))
    # Without the PIN the phone could not be got back.
    wanted = pin is not None and body.get("pad") is True
    return JsonResponse(
        {
            "number": str(subject.number),
            "version": subject.version,
            "data": found.data,
            "more": found.more,
            "html": offline_forms.page_of(request, found, number=subject.number),
            "zone": settings.TIME_ZONE,
            "offset": timezone.localtime(now).isoformat()[-6:],
            "pin": pin,
            "pad": offline_forms.pad_for(subject, found, at=now, by=request.actor)
            if wanted
            else None,
        }
    )


# --- files ------------------------------------------------------------------------------------


@never_cache
@door("POST")
def uploads(request: DeskRequest) -> HttpResponse:
    """Announce a file. The same content again is the same upload, so it goes on by itself."""
    body = _body(request)
    size, sha256 = _number(body, "size", 1, 2_000_000_000), _text(body, "sha256", longest=64)
    if size is None or not SHA256.fullmatch(sha256):
        raise NotUnderstood("a file has a size and a SHA-256 in hexadecimal")
    found, new = phone_uploads.begin(
        name=_text(body, "name", longest=500),
        size=size,
        sha256=sha256,
        content_type=_text(body, "content_type", longest=100, default=""),
        at=timezone.now(),
        by=request.actor,
    )
    return JsonResponse(_state(found), status=201 if new else 200)


@never_cache
@door("GET", "HEAD", "PATCH")
def upload(request: DeskRequest, uid: uuid.UUID) -> HttpResponse:
    """GET: how far it is. PATCH: the next piece, whose place is in the header Upload-Offset."""
    found = get_object_or_404(PhoneUpload, uid=uid, user_id=request.actor.id)
    if request.method == "PATCH":
        if int(request.headers.get("Content-Length") or 0) > phone_uploads.LARGEST_PIECE:
            raise phone_uploads.TooLarge
        offset = request.headers.get("Upload-Offset", "")
        if not (offset.isascii() and offset.isdecimal()):
            raise NotUnderstood("Upload-Offset is not a number")
        try:
            found = phone_uploads.add_piece(
                found, offset=int(offset[:12]), content=request.body, at=timezone.now()
            )
        except phone_uploads.WrongOffset as wrong:
            text = _("The piece does not fit on what is there.")
            return json_problem("offset", 409, text, offset=wrong.offset)
        except phone_uploads.WrongDigest:
            text = _("The file was damaged on its way; it is sent anew.")
            return json_problem("digest", 422, text, offset=0)
    response = JsonResponse(_state(found))
    response["Upload-Offset"] = str(found.received)
    return response


def _state(upload: PhoneUpload) -> dict[str, Any]:
    return {
        "uid": str(upload.uid),
        "offset": upload.received,
        "complete": upload.completed_at is not None,
    }
