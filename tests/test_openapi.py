"""The committed API document is what the code says, so that a change of the API is seen in review."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

ROOT = Path(__file__).parent.parent
RENEW = "python3 dev.py manage spectacular --file docs/openapi.yaml"


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    path = tmp_path_factory.mktemp("openapi") / "openapi.yaml"
    call_command("spectacular", "--file", path, "--validate", "--fail-on-warn")
    return path.read_text(encoding="utf-8")


def test_the_committed_document_is_up_to_date(generated):
    committed = (ROOT / "docs/openapi.yaml").read_text(encoding="utf-8")

    assert committed == generated, f"The API has changed. Renew its document: {RENEW}"


def test_it_does_not_depend_on_the_catalogue(generated):
    assert not any("\u4e00" <= sign <= "\u9fff" for sign in generated)


def test_a_verb_is_described_by_what_it_takes(generated):
    """Not by the record it answers with."""
    document = yaml.safe_load(generated)
    body = document["paths"]["/api/v1/calls/end"]["post"]["requestBody"]
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]

    assert {"outcome", "ticket", "read_back"} <= set(
        document["components"]["schemas"][name]["properties"]
    )
