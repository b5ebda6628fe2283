"""A storm of errors on a real installation, whose mail server and broker are away for a part of it."""

import json
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import requests

from tests.servers.relay import Relay
from tests.servers.session import ROOT
from tests.servers.smtp import MailServer
from tests.stacks import Running, Stack

SETTINGS = "tests.load.settings"
WEB = ("--workers", "2", "--threads", "8")
ADMIN = "ann@example.org"
#: Mails that may come within a minute.
MOST_MAILS = 20
#: How long the last mails may take after the storm: a round that waits for the mail server, and the next.
PATIENCE = 150


@dataclass(frozen=True, kw_only=True)
class Answers:
    """``times`` in seconds, from the moment that a request was due."""

    times: list[float]
    unanswered: int

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.times, n=20)[-1]

    @property
    def p50(self) -> float:
        return statistics.median(self.times)


class Storm:
    """Errors of ``kinds`` kinds to a web process that mails them, or to one that does not.

    The stack must be ``servers``; it reaches broker and mail server over relays, which are shut for
    a part of each storm: the mail server for its first half, the broker for its second quarter.
    """

    def __init__(self, stack: Stack, mails: MailServer, to_mails: Relay, to_broker: Relay) -> None:
        self.stack, self.mails = stack, mails
        self.to_mails, self.to_broker = to_mails, to_broker
        rabbitmq = stack.rabbitmq
        assert rabbitmq
        url = stack.env["CELERY_BROKER_URL"]
        stack.env["CELERY_BROKER_URL"] = url.replace(f":{rabbitmq.port}/", f":{to_broker.port}/")
        stack.env["LOG_LEVEL"] = "WARNING"
        self.silent_web = stack.start("web", *WEB)
        stack.env |= {"ADMINS": ADMIN, "EMAIL_URL": f"smtp://127.0.0.1:{to_mails.port}"}
        self.web = stack.start("web", *WEB)
        stack.start("dispatcher")
        stack.start("worker", "-Q", "io", "-P", "threads")
        stack.start("worker", "-Q", "default")
        for web in (self.silent_web, self.web):
            warm_up(web)

    def strike(self, web: Running, errors: int, kinds: int, seconds: float) -> Answers:
        """Ask for ``errors`` pages that break within ``seconds``, while the servers come and go."""
        faults = threading.Thread(target=self.come_and_go, args=(seconds,))
        port = web.url.rpartition(":")[2]
        words = [port, str(errors), str(kinds), str(seconds)]
        command = [sys.executable, "-m", "tests.load.client", *words]
        faults.start()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        faults.join()
        return Answers(**json.loads(done.stdout))

    def come_and_go(self, seconds: float) -> None:
        self.to_mails.shut()
        time.sleep(seconds / 4)
        self.to_broker.shut()
        time.sleep(seconds / 4)
        self.to_broker.open()
        self.to_mails.open()

    def await_mails(self, errors: int) -> None:
        self.stack.wait_for(
            lambda: self.mails.total("/raise/") >= errors, PATIENCE, f"the mails tell of {errors}"
        )

    def most_mails_in_a_minute(self) -> int:
        moments = sorted(mail.at for mail in self.mails.mails)
        return max(sum(first <= at < first + 60 for at in moments) for first in moments)

    def problems(self, answers: Answers, errors: int, kinds: int) -> list[str]:
        """In what the storm and its mails are not as they should be, in sentences."""
        told = {number: self.mails.total(f"/raise/{number}/)") for number in range(kinds)}
        due = {number: len(range(number, errors, kinds)) for number in range(kinds)}
        most = self.most_mails_in_a_minute()
        found = {
            f"{answers.unanswered} requests were not answered.": answers.unanswered,
            f"The mails tell of {told}, instead of {due}.": told != due,
            f"{most} mails came within a minute.": most > MOST_MAILS,
        }
        return [sentence for sentence, is_wrong in found.items() if is_wrong]


def warm_up(web: Running) -> None:
    """Have its processes import what any page needs."""
    for _ in range(20):
        assert requests.get(f"{web.url}/nothing/", timeout=30).status_code == 404
