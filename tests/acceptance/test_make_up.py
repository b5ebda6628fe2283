"""``bin/up``, as ``make up`` runs it: everything on this machine, for this machine alone."""

import contextlib
import functools
import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.acceptance.browser import JSON, Person
from tests.acceptance.expected import expected_rows, read_back
from tests.acceptance.up import PROMISED_SECONDS, Up
from tests.servers.ports import reserve_port

LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
LISTENING = "0A"
GATEWAY = re.compile(r"gateway's stand-in listens on (http://127\.0\.0\.1:\d+)")
HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One for the module; the last test ends it."""
    up = Up(tmp_path_factory.mktemp("up"), reserve_port())
    try:
        yield up
    finally:
        up.process.end()
        for pid in up.processes():
            os.kill(pid, signal.SIGKILL)


def test_the_link_comes_within_ninety_seconds_and_signs_in_once_by_post(up: Up) -> None:
    assert up.seconds < PROMISED_SECONDS
    assert up.link.startswith(f"{up.site}/")
    parts = urlsplit(up.link)
    address = f"{parts.path}?{parts.query}"
    [token] = parse_qs(parts.query)["token"]
    person, preview = Person(up.site), Person(up.site)
    for _ in range(2):
        page = preview.get(address)
        assert page.status_code == 200
        assert page.headers["Referrer-Policy"] == "no-referrer"
    assert preview.get("/schedules/").status_code != 200, "a look does not sign in"
    assert person.post(parts.path, {"token": token}).status_code == 303
    assert person.get("/schedules/").status_code == 200
    assert preview.post(parts.path, {"token": token}).status_code == 400
    assert preview.get("/schedules/").status_code != 200
    logs = [path for path in up.data.rglob("*.log*") if path.is_file()]
    assert logs
    assert not [path for path in logs if token.encode() in path.read_bytes()]
    assert up.process.log.read_text().count(token) == 1, "printed, and not logged"


def test_a_report_is_made_by_a_click_of_anybody_on_this_machine(up: Up) -> None:
    make_report(up)


def test_a_payment_is_settled_by_one_click_on_the_start_page(up: Up) -> None:
    person = Person(up.site)
    fields = dict(HIDDEN.findall(person.get("/").text))
    form = {name: fields[name] for name in ("token", "amount", "currency", "reference")}
    address = person.pay(form)
    assert person.pay(form) == address, "pressed twice"
    page = person.get(address).text
    assert "Thank you" in page
    document = up.wait_for(
        lambda: (found := person.get(f"{address}status/").json())["is_final"] and found,
        60,
        "the payment has ended",
    )
    assert (document["status"], document["amount"]) == ("SETTLED", 1250)
    assert "Charged once" in person.get(address).text
    [gateway] = GATEWAY.findall(up.process.log.read_text())
    counts = requests.get(f"{gateway}/counts", timeout=10).json()
    assert (counts["charges"], counts["amount"]) == (1, 1250)


def test_an_error_by_a_click_is_a_mail_in_the_data_folder(up: Up) -> None:
    answer = Person(up.site).post("/report-error/", {})
    assert answer.status_code == 500
    words = b"This error was raised on purpose"
    mails = up.data / "mail"
    [mail] = up.wait_for(
        lambda: [path for path in mails.glob("*.log") if words in path.read_bytes()],
        120,
        "the error is mailed",
    )
    assert b"To: admin@localhost" in mail.read_bytes()


def test_it_listens_on_loopback_alone(up: Up) -> None:
    listening = listening_addresses(up.processes())
    assert len(listening) >= 3, "the pages and both stand-ins"
    assert up.port in {int(address.partition(":")[2], 16) for address in listening}
    assert not [address for address in listening if address.partition(":")[0] not in LOOPBACK]


def test_the_secret_is_its_owners_alone(up: Up) -> None:
    secret = up.data / "secret_key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(up.data.stat().st_mode) == 0o700
    assert len(secret.read_text()) >= 50


def test_a_port_in_use_is_one_sentence(up: Up) -> None:
    done = up.another(up.port)
    assert (done.returncode, done.stdout) == (1, "")
    sentence = f"Port {up.port} is in use; choose another one: make up PORT={up.port + 1}\n"
    assert done.stderr == sentence


def test_a_second_one_on_the_same_data_is_one_sentence(up: Up) -> None:
    done = up.another(reserve_port())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert str(up.data) in done.stderr


@pytest.mark.parametrize("name", ["default@%h", "io@%h"])
def test_a_killed_worker_is_restarted(up: Up, name: str) -> None:
    before = up.wait_for(lambda: up.main_process(name), 30, "the worker runs")
    os.kill(before, signal.SIGKILL)
    up.wait_for(lambda: up.main_process(name) not in {before, 0}, 60, "another worker runs")
    make_report(up)


def test_a_killed_web_process_is_restarted(up: Up) -> None:
    """Last but one: whoever asked before is answered again."""
    before = up.wait_for(
        lambda: up.main_process("config.wsgi:application"), 30, "the pages are there"
    )
    os.kill(before, signal.SIGKILL)
    up.wait_for(
        lambda: up.main_process("config.wsgi:application") not in {before, 0}, 60, "they are again"
    )
    up.wait_for(functools.partial(answers, up), 60, "the page answers")


def test_ctrl_c_ends_every_process(up: Up) -> None:
    assert len(up.processes()) > 6
    said = len(up.process.log.read_text())
    os.killpg(up.process.pid, signal.SIGINT)
    assert up.process.wait(timeout=90) == 0
    up.wait_for(lambda: not up.processes(), 10, "nothing is left")
    assert "Traceback" not in up.process.log.read_text()[said:]


def make_report(up: Up) -> None:
    person = Person(up.site)
    asked = person.ask(period="day", group_by="topic", fresh="true")
    document = up.wait_for(
        lambda: (found := person.get(asked["status_url"], **JSON).json())["is_final"] and found,
        90,
        "the report has ended",
    )
    assert document["state"] == "SUCCESS", document["error"]
    [artifact] = document["artifacts"]
    assert read_back(person.get(artifact["url"]).content) == expected_rows("day", "topic")


def answers(up: Up) -> bool:
    with contextlib.suppress(OSError):
        return Person(up.site).get("/healthz/").status_code == 200
    return False


def listening_addresses(pids: list[int]) -> set[str]:
    """The addresses, as the kernel writes them, of the processes' listening TCP sockets."""
    inodes = {inode for pid in pids for inode in sockets(pid)}
    return {
        fields[1]
        for table in ("tcp", "tcp6")
        for fields in map(str.split, Path("/proc/net", table).read_text().splitlines()[1:])
        if fields[3] == LISTENING and fields[9] in inodes
    }


def sockets(pid: int) -> Iterator[str]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(link.readlink())
            if target.startswith("socket:["):
                yield target.removeprefix("socket:[").removesuffix("]")
