"""A person at the pages, as a script plays them: one session, its cookies, its CSRF token."""

import re
from typing import Any

import requests

JSON = {"Accept": "application/json"}
SECONDS = 30
PAYMENTS = "/tricks/payments/"
TOKEN = re.compile(r'name="token" value="([^"]+)"')


class Person:
    """Signs in by name and password, or not at all."""

    def __init__(self, site: str, name: str = "", password: str = "") -> None:
        self.site = site
        self.session = requests.Session()
        self.session.trust_env = False
        assert self.get("/").status_code == 200  # sets the CSRF cookie
        if name:
            answer = self.post("/sign-in/", {"username": name, "password": password})
            assert answer.status_code == 303, answer.text

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(
            self.site + path, headers=headers, timeout=SECONDS, allow_redirects=False
        )

    def post(self, path: str, data: dict[str, Any], **headers: str) -> requests.Response:
        token = self.session.cookies.get("csrftoken") or ""
        return self.session.post(
            self.site + path,
            data=data,
            headers={"X-CSRFToken": token} | headers,
            timeout=SECONDS,
            allow_redirects=False,
        )

    def ask(self, **wanted: str) -> dict[str, str]:
        """The answer to a JSON client that asks for a report: 202 and three fields."""
        answer = self.post("/reports/hot-repos/", wanted, **JSON)
        assert answer.status_code == 202, answer.text
        document: dict[str, str] = answer.json()
        return document

    def fill_in_payment(self, amount: str, reference: str) -> dict[str, str]:
        """A new form of the payments page, as it would be sent."""
        [token] = TOKEN.findall(self.get(PAYMENTS).text)
        return {"token": token, "amount": amount, "currency": "EUR", "reference": reference}

    def pay(self, form: dict[str, str]) -> str:
        """Press the button; the address of "Thank you"."""
        answer = self.post(PAYMENTS, form)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]


def links_in(text: str) -> list[str]:
    return re.findall(r"https?://\S+", text)
