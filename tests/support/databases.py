"""Fresh, migrated databases: migrated once per session, then copied."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.servers import session
from tests.servers.postgres import PostgreSQL


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def new_sqlite(path: Path, env: Mapping[str, str]) -> str:
    """The URL of a migrated copy at ``path``."""
    name = f"sqlite-{env['DJANGO_SETTINGS_MODULE']}"

    def make() -> str:
        template = session.subfolder("templates") / f"{name}.sqlite3"
        migrate({**env, "DATABASE_URL": sqlite_url(template)})
        return str(template)

    shutil.copy(session.once(name, make), path)
    return sqlite_url(path)


def new_postgres(server: PostgreSQL, env: Mapping[str, str]) -> str:
    """The URL of a migrated database; the template lives on that server."""

    def make() -> str:
        template = server.new_database()
        migrate({**env, "DATABASE_URL": server.url(template)})
        return template

    name = f"{server.folder.name}-{env['DJANGO_SETTINGS_MODULE']}"
    return server.url(server.new_database(template=session.once(name, make)))


def migrate(env: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=session.ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
