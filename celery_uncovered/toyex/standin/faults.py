"""Which fault is due: the rules in force and how often each still applies."""

import dataclasses
import json
import threading
from typing import Any, get_type_hints

from celery_uncovered.toyex.standin.fault_kinds import KINDS, Rule


class BadRuleError(ValueError):
    """A rule that cannot be read; the message is one sentence."""


def parse_rules(body: bytes) -> list[Rule]:
    """Rules of a JSON list; raises BadRuleError."""
    try:
        return [_rule(value) for value in json.loads(body)]
    except BadRuleError:
        raise
    except (ValueError, TypeError) as error:
        message = f"The faults are no JSON list of rules: {error}"
        raise BadRuleError(message) from error


class FaultBook:
    """The rules in force; the first that fits a page is applied and used up."""

    def __init__(self, rules: list[Rule]) -> None:
        self._lock = threading.Lock()
        self._rules = list(rules)

    def add(self, rules: list[Rule]) -> None:
        with self._lock:
            self._rules += rules

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def rules(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dataclasses.asdict(rule) for rule in self._rules]

    def take(self, page: int) -> Rule | None:
        with self._lock:
            for index, rule in enumerate(self._rules):
                if rule.page in {None, page}:
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
