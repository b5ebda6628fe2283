"""Those who pay, through the pages: they press twice, and press again when nobody answers."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, Queue

import requests

from tests.chaos.payments.plan import Plan

FORM = "/tricks/payments/"
TOKEN = re.compile(r'name="token" value="([^"]+)"')
PAUSE = 0.2
SECONDS = 20


@dataclass(kw_only=True)
class People:
    """``led_to`` has, for each reference, every address that an answer led to."""

    plan: Plan
    site: str
    led_to: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def start(self, references: Iterable[str]) -> None:
        self.waiting: Queue[str] = Queue()
        for reference in references:
            self.led_to[reference] = []
            self.waiting.put(reference)
        self.threads = [
            threading.Thread(target=self.pay_all, args=(number,), daemon=True)
            for number in range(self.plan.clients)
        ]
        for thread in self.threads:
            thread.start()

    @property
    def are_paying(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)

    def pay_all(self, number: int) -> None:
        dice = self.plan.random(f"person {number}")
        person = Person(site=self.site, counts=self.counts)
        while True:
            try:
                reference = self.waiting.get_nowait()
            except Empty:
                return
            presses = dice.choice([1, 1, 2, 3])
            amount = self.plan.amount_of(reference)
            self.led_to[reference] += person.pay(reference, amount, presses)


@dataclass(kw_only=True)
class Person:
    site: str
    counts: Counter[str]
    session: requests.Session = field(default_factory=requests.Session)

    def pay(self, reference: str, amount: int, presses: int) -> list[str]:
        """Fill in one form and press its button so often at the same moment; where that led to.

        Who gets no answer presses again until there is one.
        """
        page = self.until_answered(lambda: self.session.get(self.site + FORM, timeout=SECONDS))
        [token] = TOKEN.findall(page.text)
        form = {
            "token": token,
            "amount": f"{amount // 100}.{amount % 100:02}",
            "currency": "EUR",
            "reference": reference,
            "csrfmiddlewaretoken": self.session.cookies["csrftoken"],
        }
        if presses == 1:
            return [self.press(form)]
        self.counts["pressed twice or more"] += 1
        with ThreadPoolExecutor(presses) as fingers:
            return list(fingers.map(lambda _: self.press(form), range(presses)))

    def press(self, form: dict[str, str]) -> str:
        answer = self.until_answered(
            lambda: self.session.post(
                self.site + FORM, data=form, timeout=SECONDS, allow_redirects=False
            )
        )
        assert answer.status_code == 303, f"{answer.status_code}: {answer.text[:500]}"
        return answer.headers["Location"]

    def until_answered(self, ask: Callable[[], requests.Response]) -> requests.Response:
        while True:
            try:
                answer = ask()
                if answer.status_code < 500:
                    return answer
                self.counts["answered with an error"] += 1
            except requests.RequestException:
                self.counts["not answered"] += 1
            time.sleep(PAUSE)
