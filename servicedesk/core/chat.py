"""The robot of a chat room: WeCom (企业微信), DingTalk (钉钉) or Feishu (飞书), as settings say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from servicedesk.core.models import OutboxMessage
from servicedesk.core.outbox import DeliveryError, channel
from servicedesk.core.outgoing import Unreachable, post_json


@dataclass(frozen=True, slots=True)
class Robot:
    """How a room is written to, and by which field of the answer, 0, it says that it worked."""

    message: Callable[[str], dict[str, Any]]
    code: str


def _usual(text: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": text}}


ROBOTS = {
    "wecom": Robot(_usual, "errcode"),
    "dingtalk": Robot(_usual, "errcode"),
    "feishu": Robot(lambda text: {"msg_type": "text", "content": {"text": text}}, "code"),
}


@channel("chat")
def send_chat(message: OutboxMessage) -> None:
    """The address is a secret: it is read when we send, and stands in no row and no log."""
    if not settings.CHAT_WEBHOOK_URL:
        raise DeliveryError("CHAT_WEBHOOK_URL is empty")
    robot = ROBOTS[settings.CHAT_WEBHOOK_KIND]
    try:
        answer = post_json(settings.CHAT_WEBHOOK_URL, robot.message(message.body))
    except Unreachable as error:
        raise DeliveryError(str(error)) from error
    # These robots answer 200 also when they refuse.
    code = answer.get(robot.code) if isinstance(answer, dict) else None
    if code != 0:
        raise DeliveryError(f"The robot refused: {code!r}")
