"""What looks like a secret is hidden wherever it stands, and what does not is left to be read."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.text.masking import (
    MASK,
    masked,
    masked_lines,
    masked_message,
    masked_urls,
    masked_values,
    names_secret,
    secrets_in,
    url_secrets,
    without,
)

DRAWN = "vK8mQ2xRt7LpZw4NcYb9"
KEY = ["-----BEGIN OPENSSH PRIVATE KEY-----", "b3BlbnNzaC1rZXktdjEAAAAA", "AAAA", "-----END OPENSSH PRIVATE KEY-----"]

# Each with {} for the secret.
HOLDS_SECRET = (
    "SECRET_KEY = '{}'",
    'SECRET_KEY = "{}"  # never show this',
    "DB_PASSWORD={}",
    "export API_TOKEN={}",
    "  password: {}",
    '    "PASSWORD": "{}",',
    "DATABASES = {{'default': {{'USER': 'app', 'PASSWORD': '{}'}}}}",
    "SENTRY_DSN = 'https://{}@o1.ingest.example.com/1'",
    "url = 'postgres://app:{}@db/app'",
    "redis://:{}@cache:6379/0",
    "https://{}@git.example.com/site.git",
    "git+https://robot:{}@git.example.com/own.git",
    "os.environ['AWS_SECRET_ACCESS_KEY'] = '{}'",
    "Authorization: Bearer {}",
    "stripeApiKey: {}",
    "--password={}",
    "command = worker --api-token {} --verbose",
    "DB_PIN_PASSWORD = 1234{}",
    "access_token := {}",
    "settings(secret_key='{}', debug=False)",
)
# A secret of which only its looks tell.
LOOKS_SECRET = ("ANSWER = '{}'", "client('{}')", "value {}aB3d-E9 in the middle")
# What looks drawn by lot though it has only two kinds of characters.
DRAWN_OF_TWO = (
    "xvkqmzrtpwlncydb7482",
    "XVKQMZRTPWLNCYDB7482",
    "XvKqmZrTpWlNcyDbGhJs",
    "8k4q-9w7z-3t5n-6b2v-1m0p",
    "8K4Q-9W7Z-3T5N-6B2V-1M0P",
)
PLAIN = (
    "DEBUG = False",
    "ALLOWED_HOSTS = ['www.example.com', 'example.com']",
    "MONKEY = 'banana'",
    "    'django.contrib.sessions.middleware.SessionMiddleware',",
    "STATIC_ROOT = '/home/app/django-current/static'",
    "python manage.py runserver --port 8000",
    "SESSION_COOKIE_SECURE = True",
    "commit 98af8fe820aa11bb22cc33dd44ee55ff66778899",
    "command = /home/app/venv/bin/python -m gunicorn --bind fd://0 wsgi:application",
    "website_url: http://127.0.0.1:8840/",
    "git@git.example.com:site/code.git",
    "TIME_ZONE = 'Europe/Amsterdam'",
    "HELP = 'Write to us, or call 112 at Night'",
    "CODE = 'vK8mQ2xRt7LpZw4NcYb'",
    "NOBODY = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1'",
    """if DEBUG:
    LOGGING = {
        'loggers': {

            'django': {'level': 'INFO'},
        },
    }""",
)


@pytest.mark.parametrize("line", HOLDS_SECRET + LOOKS_SECRET)
def test_a_secret_is_hidden(line: str) -> None:
    shown = masked(line.format(DRAWN))
    assert DRAWN not in shown
    assert MASK in shown


@pytest.mark.parametrize("drawn", DRAWN_OF_TWO)
def test_what_looks_drawn_by_lot_is_hidden(drawn: str) -> None:
    assert masked(f"ANSWER = '{drawn}'") == f"ANSWER = '{MASK}'"


@pytest.mark.parametrize("line", PLAIN)
def test_what_is_no_secret_can_be_read(line: str) -> None:
    assert masked(line) == line


# What a person takes for a password: no white space, which would begin another word, and no sign that ends a value.
WORDS = st.text(string.ascii_letters + string.digits + "!$%&*+,.:;<=>?^_~@/-", min_size=8, max_size=60)


@given(st.sampled_from([line for line in HOLDS_SECRET if "://" not in line]), WORDS)
def test_any_secret_is_hidden_where_its_name_gives_it_away(line: str, word: str) -> None:
    secret = "x9" + word
    assert secret not in masked(line.format(secret))


@given(st.sampled_from([line for line in HOLDS_SECRET if "://" in line]), WORDS)
def test_any_password_in_a_url_is_hidden(line: str, word: str) -> None:
    # Without a user's name before it nobody can tell a token with a slash in it from a host.
    secret = "x9" + (word if ":{}@" in line else word.replace("/", "_"))
    assert secret not in masked(line.format(secret))


@given(st.text())
def test_masking_twice_is_masking_once_and_no_line_is_lost(text: str) -> None:
    once = masked(text)
    assert masked(once) == once
    assert once.count("\n") == text.count("\n")


@pytest.mark.parametrize("sign", ["", "+", "-", " "])
def test_a_private_key_is_hidden_from_its_first_line_to_its_last(sign: str) -> None:
    lines = masked_lines([sign + line for line in ["KEY = '''", *KEY, "'''", "DEBUG = False"]], signs=bool(sign))
    assert not any(part in line for part in KEY for line in lines)
    assert lines[-1] == sign + "DEBUG = False"


@pytest.mark.parametrize(
    "lines",
    [
        ["SECRETS = [", "    'hunter2',", "    'letmein',", "]", "DEBUG = False"],
        ["password: |", "  hunter2", "  letmein", "debug: false"],
        ["API_TOKEN = (", '    "hunter2"', '    "letmein"', ")", "DEBUG = False"],
        ["DB_PASSWORD=\\", "  hunter2", "DEBUG=0"],
        ["SECRETS = [", "    'hunter2',", "", "    'letmein',", "]", "if DEBUG:", "    pass"],
        *(
            [f"API_TOKENS = 'hunter2' {sign} ", "    'letmein'", "if DEBUG:", "    pass"]
            for sign in ("\\", "+", "+ (", "+ [", "| {")
        ),
    ],
)
@pytest.mark.parametrize("sign", ["", "+"])
def test_a_value_that_goes_over_several_lines_is_hidden_in_all_of_them(lines: list[str], sign: str) -> None:
    shown = masked_lines([sign + line for line in lines], signs=bool(sign))
    assert not any(word in line for word in ("hunter2", "letmein") for line in shown)
    assert shown[-1] == sign + lines[-1]


def test_of_a_hidden_value_the_place_can_be_seen_and_all_that_is_around_it() -> None:
    text = "DEBUG = False\nSECRETS = [\n    'hunter2',\n]\nDB_PASSWORD = 'hunter2'\nif DEBUG:\n    pass\n"
    shown = f"DEBUG = False\nSECRETS = [\n    {MASK}\n]\nDB_PASSWORD = {MASK}\nif DEBUG:\n    pass\n"
    assert masked(text) == shown


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "dbPassword", "api_token", "SENTRY_DSN", "privateKey", "PGPASSWORD", "key", "ACCESS_KEYCODE"]
)
def test_a_name_that_gives_a_secret_away_is_known(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["MONKEY", "turkey", "author", "compass", "DEBUG", "keyboard", "bypass_cache"])
def test_a_name_that_only_sounds_like_one_is_not(name: str) -> None:
    assert not names_secret(name)


def test_values_are_masked_by_their_name_and_by_their_looks() -> None:
    values = {
        "health_headers": {"X-Auth-Token": "hunter2"},
        "code_repo_url": f"https://me:{DRAWN}@git.example.com/a",
        "commands": ["work --api-token hunter2", ("DEBUG=0",)],
        "n": 1,
    }
    shown = masked_values(values)
    assert shown["health_headers"] == {"X-Auth-Token": MASK}
    assert DRAWN not in str(shown)
    assert shown["commands"] == [f"work --api-token {MASK}", ["DEBUG=0"]]
    assert shown["n"] == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:secret@host/x", "https://***@host/x"),
        ("https://token@host/x", "https://***@host/x"),
        ("https://token:x-oauth-basic@host/x", "https://***@host/x"),
        ("ssh://git:secret@host/x", "ssh://git:***@host/x"),
        ("ssh://git@host:22/x", "ssh://git@host:22/x"),
        ("git@host:x", "git@host:x"),
        (r"found\nhttps://token@host/x", r"found\nhttps://***@host/x"),
        ("ssh://token:@host/x", "ssh://***@host/x"),
        ("from https://a:b@c/d to https://e:f@g/h", "from https://***@c/d to https://***@g/h"),
        ("https://host:8000/a@b", "https://host:8000/a@b"),
        ("https://me:p@ss@host/x", "https://***@host/x"),
        ("https://me:p/ss@host/x", "https://***@host/x"),
        ("https://to@ken@host/x", "https://***@host/x"),
        ('postgres://app:p@s"/s@db/app', "postgres://app:***@db/app"),
        ('{"a": "https://me:pw@host/x", "b": "c@d"}', '{"a": "https://***@host/x", "b": "c@d"}'),
    ],
)
def test_passwords_and_tokens_in_urls_are_never_shown(text: str, shown: str) -> None:
    assert masked_urls(text) == shown


@pytest.mark.parametrize(
    "said",
    [
        "KeyError: 'SECRET_KEY'",
        "decouple.InvalidTokenError: SECRET_KEY",
        "django.core.exceptions.ImproperlyConfigured: Set the SECRET_KEY environment variable",
        "missing key: SECRET_KEY",
        "/home/app/django-20261128-032704-9dbc238-34ebd5d/venv/bin/python: No module named pip",
        "/home/app/django-20261128-032704-9dbc238/config/manage.py is not there",
        "can't open '/home/app/django-20261128-032704-9dbc238-34ebd5d/code/site/settings.py'",
        'FATAL:  password authentication failed for user "app"',
    ],
)
def test_what_only_names_a_secret_or_a_version_can_be_read(said: str) -> None:
    assert masked_message(said) == said


def test_a_path_of_a_version_is_no_secret_in_a_text_either() -> None:
    path = "/home/app/django-20261128-032704-9dbc238-34ebd5d/venv/bin/python"
    assert masked(f"command={path} -m gunicorn") == f"command={path} -m gunicorn"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("SECRET_KEY = 'hunter two'", "ValueError: bad key hunter two, too short"),
        ('DATABASES = {"default": {"PASSWORD": "letmein"}}', "OperationalError: letmein is wrong"),
        ("environment=API_TOKEN=abc-def,DEBUG=0", "ValueError: abc-def is no token"),
        ("", "could not connect: host=db password=hunter2"),
        ("", f"bad value {DRAWN}aB3d-E9 in the middle"),
        ("", "could not parse postgres://app:p@ss/w@db/app"),
    ],
)
def test_a_value_that_is_secret_is_hidden_wherever_it_is_said(config: str, said: str) -> None:
    shown = masked_message(said, secrets_in(config))
    assert MASK in shown
    assert not any(word in shown for word in ("hunter", "letmein", "abc-def", DRAWN, "ss/w"))


def test_of_several_lines_that_are_said_only_the_secrets_are_hidden() -> None:
    assert masked_message("password=hunter2\nDEBUG=0") == f"password={MASK}\nDEBUG=0"


@pytest.mark.parametrize("secrets", [{"letmein", "please-letmein-in"}, {"zero", "a-zero"}, {"zero", "zero-a"}])
def test_of_a_secret_that_another_one_is_part_of_nothing_is_left(secrets: set[str]) -> None:
    assert without(f"bad key {max(secrets, key=len)}, too short", secrets) == f"bad key {MASK}, too short"


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("API_TOKEN=abc-def\nDEBUG=0", {"abc-def"}),
        ("DB_PASSWORD = 'hunter'", {"hunter"}),
        ("DB_PASSWORD = 'hunt'", set()),
        ("USER_NAME = 'hunter'", set()),
        ("TOKEN_FROM = 'API_TOKEN'", set()),
        ("KEY_FILE = '/home/app/site.pem'", set()),
    ],
)
def test_the_secrets_of_a_file_are_what_can_be_looked_for_elsewhere(text: str, secrets: set[str]) -> None:
    assert secrets_in(text) == secrets


@pytest.mark.parametrize(
    ("line", "secrets"),
    [
        ("https://me:s3cr@a.example.com https://t0kent0k:@b.example.com", {"s3cr", "t0kent0k"}),
        ("--index-url https://me:p%40ss%2Fword@pypi.example.com/simple", {"p%40ss%2Fword", "p@ss/word"}),
        ("--extra-index-url=https://t0ken-t0ken@pypi.example.com/simple  # why", {"t0ken-t0ken"}),
        ("own @ git+https://me:s3cret@git.example.com/own.git@v1", {"s3cret"}),
        ("https://me:p:ass:word@git.example.com", {"p:ass:word"}),
        ("own @ git+https://robot@git.example.com/own.git", set()),
        ("--find-links https://wheels.example.com/@scope/x", set()),
        ("own @ git+https://git@git.example.com/own.git", set()),
        ("own @ git+ssh://git@git.example.com/own.git", set()),
    ],
)
def test_the_secrets_of_urls_are_known_by_value(line: str, secrets: set[str]) -> None:
    assert url_secrets(line) == secrets
