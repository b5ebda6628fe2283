"""Faults on demand: which is due, how often each still applies, and what each does to a request."""

import dataclasses
import json
import threading
from typing import Any, get_type_hints

from celery_uncovered.advex.reminders.standin.answers import Answer, error

#: What may go wrong instead of what was asked, and what may when it is done.
BEFORE = ("429", "500", "503", "timeout", "killed", "not-json", "redirect", "error")
AFTER = ("500-after", "timeout-after", "cut-after", "killed-after", "slow")
KINDS = (*BEFORE, *AFTER)


class BadRuleError(ValueError):
    """A rule that cannot be read; the message is one sentence."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """``method`` "" means every one, ``times`` None for ever.

    ``seconds`` is how long "timeout" and "slow" wait and what "429" names; ``code`` is that of "error".
    """

    kind: str
    method: str = ""
    times: int | None = None
    seconds: float = 30.0
    code: str = "internal_error"


def parse_rules(body: bytes) -> list[Rule]:
    """Rules of a JSON list; raises BadRuleError."""
    try:
        return [_rule(value) for value in json.loads(body)]
    except BadRuleError:
        raise
    except (ValueError, TypeError) as reason:
        message = f"The faults are no JSON list of rules: {reason}"
        raise BadRuleError(message) from reason


def spoil(rule: Rule, right: Answer) -> Answer:
    """The answer under ``rule``; ``right`` is what it would have been."""
    changes: dict[str, dict[str, Any]] = {
        "429": {"status": 429, "headers": {"Retry-After": str(int(rule.seconds))}},
        "500": {"status": 500},
        "503": {"status": 503},
        "timeout": {"wait": rule.seconds, "is_silent": True},
        "killed": {"kills": True},
        "not-json": {"body": b"<html>The chat is closed</html>"},
        "redirect": {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}},
        "error": {"body": error(rule.code).body},
        "500-after": {"status": 500},
        "timeout-after": {"wait": rule.seconds, "is_silent": True},
        "cut-after": {"is_cut": True},
        "killed-after": {"kills": True},
        "slow": {"wait": rule.seconds},
    }
    return dataclasses.replace(right, **changes[rule.kind])


class FaultBook:
    """The rules in force; the first that fits a method is applied and used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, rules: list[Rule]) -> None:
        with self._lock:
            self._rules += rules

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dataclasses.asdict(rule) for rule in self._rules]

    def take(self, method: str) -> Rule | None:
        with self._lock:
            for index, rule in enumerate(self._rules):
                if rule.method in {"", method}:
                    self._use(index, rule)
                    return rule
        return None

    def _use(self, index: int, rule: Rule) -> None:
        if rule.times is None:
            return
        if rule.times <= 1:
            del self._rules[index]
        else:
            self._rules[index] = dataclasses.replace(rule, times=rule.times - 1)


def _rule(value: dict[str, Any]) -> Rule:
    rule = Rule(**value)
    for name, kind in get_type_hints(Rule).items():
        wanted = (int | float) if kind is float else kind
        if not isinstance(getattr(rule, name), wanted):
            message = f'"{name}" of a rule may not be {getattr(rule, name)!r}.'
            raise BadRuleError(message)
    if rule.kind not in KINDS:
        message = f'Fault "{rule.kind}" is not known; choose one of: {", ".join(KINDS)}.'
        raise BadRuleError(message)
    return rule
