"""Channels with daphne, and a Celery worker whose messages are files."""

from __future__ import annotations

import pytest

from tests.bed.hosts import Host
from tests.projects.project import SERVED, Project
from tests.projects.tools import DJANGO, startproject
from tests.projects.visitor import styles, visit
from tests.runs import Runs

CELERY = """\
import os
import time

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
queue = "/home/app/queue"
os.makedirs(queue, exist_ok=True)
options = {"data_folder_in": queue, "data_folder_out": queue, "control_folder": queue}
app = Celery("mysite", broker="filesystem://")
app.conf.update(broker_transport_options=options, result_backend=None, task_ignore_result=True)


@app.task
def work(name, seconds):
    time.sleep(seconds)
    with open(f"/home/app/{name}", "w") as file:
        file.write("done")
"""
URLS = """\
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path

from mysite.celery import work


def start(request, name, seconds):
    work.delay(name, seconds)
    return HttpResponse("begun")


urlpatterns = [
    path("", lambda request: HttpResponse("a front page")),
    path("work/<name>/<int:seconds>/", start),
    path("admin/", admin.site.urls),
]
"""
SETTINGS = """\
SECRET_KEY = "of the test"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "app", "USER": "app"}}
"""
SUPERVISORD = """\
[supervisord]
nodaemon=true
logfile=/home/app/supervisord.log
pidfile=/home/app/supervisord.pid

[unix_http_server]
file=/home/app/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix:///home/app/supervisor.sock

[program:web]
directory=/home/app/django-current/config
command=/home/app/django-current/venv/bin/python -m daphne -b 127.0.0.1 -p 8000 asgi:application
redirect_stderr=true
stdout_logfile=/home/app/web.log

[program:worker]
directory=/home/app/django-current/config
environment=PYTHONPATH="/home/app/django-current/code"
command={worker}
startsecs=2
stopwaitsecs=60
redirect_stderr=true
stdout_logfile=/home/app/worker.log
"""
WORKER = "/home/app/django-current/venv/bin/python -m celery -A mysite.celery worker --pool solo --loglevel info"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, with a config whose worker can't start, one whose worker does not exist, and one that is right."""
    made = Project(tmp_path_factory.mktemp("channels"), DJANGO, "channels", "daphne", "celery", "psycopg[binary]")
    code, config = made.code, made.config
    startproject(code.folder)
    code.write("mysite/celery.py", CELERY)
    code.write("mysite/urls.py", URLS)
    made.require("supervisor")
    code.commit("good")
    code.append("mysite/urls.py", "# another commit\n")
    code.commit("better")
    made.configure(SETTINGS)
    config.write("asgi.py", SERVED.format(kind="asgi"))
    workers = {"right": WORKER, "broken": f"{WORKER} --nonsense", "missing": "/home/app/venv/bin/no-such-worker"}
    for tag, worker in workers.items():
        config.write("supervisord.conf", SUPERVISORD.format(worker=worker))
        config.commit(tag)
    return made


def test_it_is_live_with_its_worker(site: Host, run: Runs) -> None:
    run("deploy", site, data={"code": "good", "config": "right"}).worked()
    assert "a front page" in visit(site).text
    assert set(styles(site).values()) == {200}
    assert "begun" in visit(site, "/work/first/0/").text
    site.run(["timeout", "20", "sh", "-c", "until [ -s /home/app/first ]; do sleep 0.1; done"])


@pytest.mark.parametrize(
    ("config", "words", "outcome"),
    [
        ("broken", "No such option", "proven healthy"),
        ("missing", "no-such-worker, which is not there", "the live site was never touched"),
    ],
)
def test_a_worker_that_can_not_start_is_named_and_not_kept(
    site: Host, run: Runs, config: str, words: str, outcome: str
) -> None:
    result = run("deploy", site, data={"code": "good", "config": config})
    assert result.code == 1
    assert "worker" in result.told
    assert words in result.told
    assert outcome in result.told
    assert "a front page" in visit(site).text


def test_a_task_that_takes_long_is_finished_before_its_worker_is_replaced(site: Host, run: Runs) -> None:
    assert "begun" in visit(site, "/work/long/8/").text
    site.run(["timeout", "20", "sh", "-c", "until grep -q 'work.*received' /home/app/worker.log; do sleep 0.1; done"])
    run("deploy", site, data={"code": "better", "config": "right"}).worked()
    assert site.run(["cat", "/home/app/long"]).stdout == "done"
