#!/usr/bin/env python3
"""Run and test the service desk on a machine that has Python 3.11 or newer and nothing else.

  python3 dev.py run [--port N]     web, worker and beat, with PostgreSQL and Redis of their own
  python3 dev.py test [ARGS]        every check and every test; ARGS go to pytest
  python3 dev.py test --only A,B    some of the checks
  python3 dev.py manage COMMAND     a management command in the same environment
  python3 dev.py env                that environment, for a shell: eval "$(python3 dev.py env)"
  python3 dev.py lock [--upgrade]   renew the lock files

Everything it makes lies in `.dev/` and `node_modules/`: delete them to start afresh. Where
DATABASE_URL or REDIS_URL is set, that server is used, and none is started.
"""

from __future__ import annotations

import sys

# No syntax newer than Python 3.7 in this file, so that an old Python gets as far as this line.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("The service desk needs Python 3.11 or newer; this is " + sys.version.split()[0])
if sys.platform == "win32":
    sys.exit("dev.py runs on Linux and macOS; on Windows use it inside WSL.")

import argparse
import signal
from typing import NoReturn

from devtools import commands
from devtools.basics import Halt


def interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def checks(names: str) -> list[str]:
    chosen = names.split(",")
    for name in chosen:
        if name not in commands.CHECKS:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(commands.CHECKS)}")
    return chosen


def main(words: list[str]) -> int:
    if words[:1] == ["manage"]:  # its options are its own
        return commands.manage(words[1:])
    parser = argparse.ArgumentParser(
        usage="python3 dev.py COMMAND", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter, add_help=False,
    )  # fmt: skip
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    parser.add_argument("command", choices=["run", "test", "manage", "env", "lock"])
    parser.add_argument("--port", type=int, default=8000, help="the first port to try")
    parser.add_argument("--only", type=checks, default=[], help=",".join(commands.CHECKS))
    options, others = parser.parse_known_args(words)
    if others and options.command not in ("test", "lock"):
        parser.error(f"{options.command} does not take {' '.join(others)}")
    if options.command == "run":
        return commands.run(options.port)
    if options.command == "test":
        return commands.test(options.only, others)
    return commands.show_environment() if options.command == "env" else commands.lock(others)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        sys.exit(main(sys.argv[1:]))
    except Halt as halt:
        sys.exit(f"\n{halt}")
    except KeyboardInterrupt:
        sys.exit(130)
