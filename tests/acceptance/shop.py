"""A small plain Django and Celery project, as it was before it adopted the platform."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers.processes import Process, wait_for
from tests.servers.session import ROOT
from tests.support.commands import BIN

FILES = {
    "manage.py": """
import os, sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
""",
    "shop/__init__.py": """
from shop.celery import app as celery_app
""",
    "shop/celery.py": """
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
""",
    "shop/settings.py": """
import os

SECRET_KEY = "not a secret"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_celery_results",
    "orders",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": os.environ["SHOP_PORT"],
        "NAME": os.environ["SHOP_DATABASE"],
        "USER": "tests",
        "PASSWORD": os.environ["SHOP_PASSWORD"],
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CELERY_BROKER_URL = os.environ["SHOP_BROKER"]
CELERY_RESULT_BACKEND = "django-db"
CELERY_TASK_ROUTES = {"orders.tasks.mail": {"queue": "emails"}}
CELERY_BEAT_SCHEDULE = {
    "clean": {"task": "orders.tasks.clean", "schedule": 1.0},
}
""",
    "orders/__init__.py": "",
    "orders/tasks.py": '''
from celery import Task, shared_task


class Audited(Task):
    """A base of the project's own."""


@shared_task
def price(pieces, each):
    return pieces * each


@shared_task
def total(prices):
    return sum(prices)


@shared_task
def mail(text):
    return f"sent: {text}"


@shared_task(bind=True, max_retries=3)
def flaky(self):
    if self.request.retries == 0:
        raise self.retry(exc=RuntimeError("not yet"), countdown=0.2)
    return f"try {self.request.retries + 1}"


@shared_task
def fail(text):
    raise ValueError(text)


@shared_task
def clean():
    return "clean"


@shared_task(base=Audited)
def audit():
    return "audited"
''',
}


class Shop:
    """The project in a folder of its own. ``env`` names its database and its broker."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.env = {
            **env,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "LANG": "C.UTF-8",
        }
        self.processes: list[Process] = []
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.lstrip())

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new))

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("manage.py", *arguments)

    def shell(self, source: str) -> Any:
        """The value of ``result`` after ``source`` ran in a fresh process of the project."""
        prelude = "import json\nimport django\n\ndjango.setup()\nfrom orders import tasks\n"
        done = self.run("-c", f"{prelude}{source}\nprint(json.dumps(result))")
        assert done.returncode == 0, done.stderr + self.logs()
        return json.loads(done.stdout)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *words: str, ready: str = "") -> Process:
        """Start a process of the project; it is ready when its log says so."""
        name = f"{words[-1] if words[0] == 'manage.py' else words[0]}{len(self.processes)}"
        command = (
            [sys.executable, *words]
            if words[0] == "manage.py"
            else [str(BIN / "celery"), "-A", "shop", *words, "--loglevel", "INFO"]
        )
        log = self.folder / f"{name}.log"
        process = Process(name, command, env=self.env, log=log, cwd=self.folder)
        self.processes.append(process)
        wait_for(
            lambda: ready in log.read_text(errors="replace"),
            60,
            what=f"{name} is ready",
            details=self.logs,
        )
        return process

    def logs(self) -> str:
        parts = [f"--- {process.name} ---\n{process.tail()}" for process in self.processes]
        return "\n".join(parts)

    def close(self) -> None:
        for process in self.processes:
            process.end()
