"""A real small mail server on loopback, which keeps what it takes, and misbehaves when it is told to."""

import email
import email.policy
import re
import socketserver
import threading
import time
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Self

from tests.servers.ports import reserve_port

#: How an error mail begins to tell of a kind.
COUNTED = re.compile(r"^(Once|([\d,]+) times)\b.*", re.MULTILINE)
#: How one begins that several kinds share: with the number of all of them.
SHARED = re.compile(r"^([\d,]+) times in all, .*\n")


@dataclass(frozen=True, kw_only=True)
class Received:
    """``at`` is when the whole mail was there, in seconds since 1970."""

    at: float
    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        found = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")

    def count(self, words: str = "") -> int:
        """How many errors an error mail tells of, of the kinds in whose part ``words`` stand."""
        shared = SHARED.match(self.text)
        parts = self.text[shared.end() :].split("\n\n") if shared else [self.text]
        counts = {
            part: number_of(found) for part in parts if (found := COUNTED.match(part.strip()))
        }
        if shared:
            assert sum(counts.values()) == number_in(shared[1]), self.text
        return sum(count for part, count in counts.items() if words in part)


class MailServer:
    """``mails`` are those that it took, also one whose answer it lost."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or reserve_port()
        self.mails: list[Received] = []
        #: What it answers to the end of a mail instead of taking it, such as "554 No".
        self.refusal = ""
        #: After how many more mails it loses its answer: it hangs up on having taken it.
        self.answers_to_lose = 0
        self._server = _Server(("127.0.0.1", self.port), _Conversation)
        self._server.owner = self

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def total(self, words: str = "") -> int:
        """What all mails say together of such kinds; one that came twice says it once."""
        return sum({mail.id: mail.count(words) for mail in self.mails}.values())

    def of(self, words: str) -> list[Received]:
        return [mail for mail in self.mails if words in mail.text]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    owner: MailServer


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.sender, self.recipients = "", list[str]()
        self.say("220 ready")
        while line := self.rfile.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            if not self.answer(verb.upper(), rest):
                return

    def answer(self, verb: str, rest: str) -> bool:
        """False to hang up."""
        owner = self.server.owner
        match verb:
            case "MAIL":
                self.sender, self.recipients = address_in(rest), []
            case "RCPT":
                self.recipients.append(address_in(rest))
            case "DATA":
                self.say("354 go on")
                content = self.read_content()
                if owner.refusal:
                    self.say(owner.refusal)
                    return True
                owner.mails.append(
                    Received(
                        at=time.time(),
                        sender=self.sender,
                        recipients=tuple(self.recipients),
                        content=content,
                    )
                )
                if owner.answers_to_lose:
                    owner.answers_to_lose -= 1
                    return False
            case "QUIT":
                self.say("221 bye")
                return False
        self.say("250 fine")
        return True

    def read_content(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


def number_of(found: re.Match[str]) -> int:
    return number_in(found[2]) if found[2] else 1


def number_in(text: str) -> int:
    return int(text.replace(",", ""))


def address_in(text: str) -> str:
    found = re.search(r"<([^>]*)>", text)
    return found[1] if found else ""
