"""Chinese is complete, and its placeholders are those of the source."""

from __future__ import annotations

import re

from servicedesk.core.management.commands.catalogue import catalogue, messages, missing


def test_every_text_is_translated():
    assert missing() == []


def test_no_translation_is_left_over():
    used = {(c, m if isinstance(m, str) else m[0]) for c, m in messages()}
    with catalogue() as content:
        left = [m.id for m in content if m.id and (m.context, _first(m.id)) not in used]
    assert left == []


def test_translations_keep_the_placeholders():
    wrong = []
    with catalogue() as content:
        for message in content:
            if not message.id:
                continue
            strings = (
                message.string if isinstance(message.string, tuple | list) else [message.string]
            )
            # A singular may spell its number out (“one more minute”).
            sources = [message.id] if isinstance(message.id, str) else message.id
            wanted = set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", " ".join(sources)))
            wrong += [
                (message.id, text)
                for text in strings
                if set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", text)) - wanted
            ]
    assert wrong == []


# What stands for a person's name.
PERSON = r"%\((?:person|caller|who|owner|engineers?|to|from|by|me|names?)\)s"


def test_no_space_stands_between_a_name_and_chinese_text():
    with catalogue() as content:
        wrong = [
            text
            for message in content
            for text in ([message.string] if isinstance(message.string, str) else message.string)
            if re.search(f"[\u4e00-\u9fff] {PERSON}|{PERSON} [\u4e00-\u9fff]", text)
        ]
    assert wrong == []


def _first(message_id):
    return message_id if isinstance(message_id, str) else message_id[0]
