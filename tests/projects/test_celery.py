"""An ASGI project with channels, a celery worker and beat, and redis behind all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.bed.hosts import Host
from tests.bed.more import image_with_redis
from tests.conftest import Hosts
from tests.faults.watch import wait_until
from tests.projects.notes import Notes
from tests.projects.project import ASGI_SERVER, SERVER, Project
from tests.projects.story import Story, leave_note, notes_are_there
from tests.projects.visitor import upgrade, visit
from tests.runs import Result

SETTINGS = """

import os

REDIS_URL = os.environ["REDIS_URL"]
INSTALLED_APPS += ["channels"]
ASGI_APPLICATION = "mysite.asgi.application"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}}
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_BEAT_SCHEDULE = {"tick": {"task": "notes.tasks.tick", "schedule": 1.0}}
"""
ASGI = """\
import os

from channels.generic.websocket import WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

django_application = get_asgi_application()
websockets = URLRouter([path("ws/", WebsocketConsumer.as_asgi())])
application = ProtocolTypeRouter({"http": django_application, "websocket": websockets})
"""
CELERY = """\
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

app = Celery("mysite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""
TASKS = """\
from celery import shared_task
from django.conf import settings
from redis import Redis


def redis():
    return Redis.from_url(settings.REDIS_URL)


@shared_task
def tick():
    redis().incr("ticks")


@shared_task
def work(word):
    redis().rpush("done", word)
"""
VIEWS = """

def begin(request, word):
    from notes.tasks import work

    work.delay(word)
    # Falls due in the middle of what comes next.
    work.apply_async([f"later-{word}"], countdown=15)
    return HttpResponse("begun")


def done(request):
    from notes.tasks import redis

    words = [word.decode() for word in redis().lrange("done", 0, -1)]
    return HttpResponse(f"{int(redis().get('ticks') or 0)} ticks: {','.join(sorted(words))}")
"""


def leave(host: Host, word: str) -> None:
    """Leave a note, and two tasks."""
    leave_note(host, word)
    assert visit(host, f"/begin/{word}/").text == "begun"


def there(host: Host, words: Sequence[str]) -> None:
    """Assert that the notes are there, that each task was done once or will be, and that beat goes on; one of it."""
    notes_are_there(host, words)
    due = sorted([*words, *(f"later-{word}" for word in words[:-1])])
    told = f"curl -s {host.website_url}done/"
    wait_until(host, f"{told} | grep -Eq ' ticks: ({','.join(due)}|{','.join(sorted([*due, *_last(words)]))})$'", 60)
    was = visit(host, "/done/").text.split()[0]
    wait_until(host, f"! {told} | grep -q '^{was} '", 20)
    assert host.run("pgrep -fc '[c]elery -A mysite beat'").stdout.strip() == "1"
    assert upgrade(host, "/ws/") == 101


def _last(words: Sequence[str]) -> list[str]:
    return [f"later-{word}" for word in words[-1:]]


STORY = Story(
    "ASGI with channels, celery worker and beat, redis",
    {
        "health_url": "http://127.0.0.1:8000/health/",
        "env": {"REDIS_URL": "redis://127.0.0.1:6379/0"},
        "processes": {
            "worker": "celery -A mysite worker",
            "beat": "celery -A mysite beat",
        },
    },
    leave=leave,
    there=there,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project."""
    made = Notes(tmp_path_factory.mktemp("celery"), "channels", "channels-redis", "celery[redis]", "uvicorn[standard]")
    made.append("mysite/settings.py", SETTINGS)
    made.write("mysite/asgi.py", ASGI)
    made.write("mysite/celery.py", CELERY)
    made.write("mysite/__init__.py", "from mysite.celery import app as celery_app\n\n__all__ = ['celery_app']\n")
    made.write("notes/tasks.py", TASKS)
    made.append("notes/views.py", VIEWS)
    health = '    path("health/", views.health),\n'
    more = '    path("begin/<word>/", views.begin),\n    path("done/", views.done),\n'
    made.change("mysite/urls.py", health, health + more)
    # Redis asks for the last one where Python is as old as on the host, and here it is not.
    made.served_by = (*SERVER, *ASGI_SERVER, "async-timeout")
    made.require()
    made.commit_three()
    return made


@pytest.fixture(scope="module")
def bare_host(hosts: Hosts) -> Host:
    """A host with redis."""
    return hosts(bare=True, image=image_with_redis())[0]


def test_tasks_are_done_once_whatever_becomes_of_the_version_that_has_begun_them(
    plays: Callable[[], dict[str, Result]],
) -> None:
    plays()
