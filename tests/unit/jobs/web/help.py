"""Jobs and people as the web tests need them."""

import io
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from celery_uncovered.jobs.artifacts import save_artifact
from celery_uncovered.jobs.messages import encode
from celery_uncovered.jobs.models import Job
from celery_uncovered.jobs.readers import add_reader

#: A task whose jobs any browser on loopback may read, where settings allow that.
OPEN_TASK = "celery_uncovered.toyex.tasks.produce_hot_repo_report_task"
CLOSED_TASK = "tests.closed_task"
ELSEWHERE = "192.0.2.7"


def make_job(task_id: str = "job-1", *, age: float = 5, **fields: Any) -> Job:
    created = timezone.now() - timedelta(seconds=age)
    body = encode([[], fields.pop("kwargs", {}), {}])
    defaults: dict[str, Any] = {
        "task": CLOSED_TASK,
        "queue": "default",
        "root_id": task_id,
        "message": "{}",
    }
    defaults |= {"body": body, "created_at": created, "queued_at": created}
    return Job.objects.create(id=task_id, **{**defaults, **fields})


def give_file(
    task_id: str, name: str = "report.csv", content: bytes = b"a,b\r\n", **more: Any
) -> Any:
    return save_artifact(
        name, io.BytesIO(content), content_type="text/csv", task_id=task_id, **more
    )


def client_of(user: Any = None, *, address: str = ELSEWHERE, **options: Any) -> Client:
    client = Client(REMOTE_ADDR=address, **options)
    if user is not None:
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def make_user(name: str = "ada", **fields: Any) -> Any:
    return get_user_model().objects.create_user(name, password="swordfish-42", **fields)


def make_operator(name: str = "operator") -> Any:
    return get_user_model().objects.create_superuser(name)


def make_onlooker() -> Any:
    """Sees every job and changes none."""
    user = make_user("onlooker")
    user.user_permissions.add(Permission.objects.get(codename="view_job"))
    return user


def session_reader(task_id: str) -> Client:
    """A browser without a user that asked for the job."""
    client = client_of()
    session = client.session
    session["jobs_reader"] = "token-of-this-session"
    session.save()
    add_reader(task_id, session="token-of-this-session")
    return client


def user_reader(task_id: str) -> Client:
    user = make_user("reader")
    add_reader(task_id, user_id=user.pk)
    return client_of(user)
