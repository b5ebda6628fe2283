"""``python -m tests.support.child calls|script``: Django in a child process of a test.

``calls`` answers one JSON line on stdout for each on stdin: a function by name, its arguments.
``script`` runs the Python source on stdin and answers the value of its variable ``result``.
What the code prints goes to stderr, which is the log.
"""

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, TextIO

import django
from django.db import close_old_connections


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    django.setup()
    {"calls": answer_calls, "script": run_script}[sys.argv[1]](answers)


def answer_calls(answers: TextIO) -> None:
    from celery_uncovered.jobs import outbox  # noqa: PLC0415 - after Django's setup

    # On a busy machine, too, what is submitted here is sent: there may be no dispatcher.
    outbox.PATIENCE_SECONDS = 20.0
    for line in sys.stdin:
        call = json.loads(line)
        close_old_connections()
        try:
            value = function(call["function"])(*call["args"], **call["kwargs"])
            answer = {"value": value}
            print(json.dumps(answer, default=str), file=answers)
        except Exception as error:  # noqa: BLE001 - the caller raises it again
            kind = type(error).__qualname__
            answer = {"error": kind, "message": str(error), "traceback": traceback.format_exc()}
            print(json.dumps(answer), file=answers)


def run_script(answers: TextIO) -> None:
    names: dict[str, Any] = {"__name__": "__main__", "result": None}
    exec(compile(sys.stdin.read(), "<script>", "exec"), names)  # noqa: S102 - that is its purpose
    print(json.dumps(names["result"], default=str), file=answers)


def function(name: str) -> Callable[..., Any]:
    """``package.module:Class.method``."""
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
