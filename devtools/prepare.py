"""Tables and translations, in one process, because starting Django takes longer than the work.

Runs in the environment of the product; its last line says whether demo data is wanted.
"""

from __future__ import annotations

import json

import django
from django.core.management import call_command, get_commands


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model

    call_command("migrate", verbosity=0)
    call_command("catalogue", "compile")
    users = get_user_model().objects.exists()
    print(json.dumps({"demo": "demo" in get_commands(), "users": users}))


if __name__ == "__main__":
    main()
