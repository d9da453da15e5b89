"""One screen holds any preview: 40 lines of 100 columns, on which no risk and no refusal is lost without a word."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from switchback.hosts.pyinfra_words import obey_no_color
from switchback.plan.model import (
    Deletion,
    Fallback,
    HostPreview,
    Link,
    PastWindow,
    Preview,
    Script,
    Service,
    Step,
    Window,
)
from switchback.plan.parts import (
    Changes,
    Commit,
    Migration,
    Migrations,
    Names,
    Operation,
    Package,
    Packages,
    Risk,
    Shared,
    Static,
)
from switchback.preview.colour import painted
from switchback.preview.folding import Fold, Part, Shorter, folded
from switchback.preview.screen import screen
from switchback.preview.text import ALL, HEIGHT, WIDTH, Line, Tone, columns, listed, wrapped

FOLDER = Path(__file__).with_name("screens")
LIVE, NEXT = "django-20261102-100000-bbbbbbb", "django-20261101-100000-aaaaaaa"


def host(name: str = "web1", **told: Any) -> HostPreview:
    """A deploy of one commit to a host, but for what is told otherwise."""
    values: dict[str, Any] = {
        "host": name,
        "primary": name == "web1",
        "was": LIVE,
        "version": None,
        "healthy": True,
        "code": Changes(
            ref="main",
            sha="c" * 40,
            was="b" * 40,
            forward=1,
            commits=(Commit(sha="ccccccc", author="Ada", subject="Say hello"),),
            files=1,
            insertions=2,
            deletions=1,
        ),
        "packages": Packages(source="unchanged"),
        "migrations": Migrations(source="django", applied=()),
        "static": Static(source="django"),
        "service": Service(unit="django", restart="restart"),
        "window": Window(shown=True, why="maintenance: always"),
        "fallback": Fallback(way="none"),
        "steps": (Step(name="migrate", does=True),),
        "windows": (PastWindow(deploy="x", outcome="committed", seconds=7.3),),
        "settings": {},
        **told,
    }
    return HostPreview(**values)


def preview(*hosts: HostPreview, kind: str = "deploy") -> Preview:
    """A preview of some hosts."""
    return Preview.model_validate({"kind": kind, "made": "2026-11-03T10:00:00Z", "hosts": hosts})


def migration(number: int, *risks: Risk, **told: Any) -> Migration:
    """One of many migrations."""
    app = ("shop", "blog", "accounts", "stock")[number % 4]
    what = Operation(says=f"Add field column_{number} to thing", risks=risks)
    return Migration(
        **{"app": app, "name": f"{number:04}_thing_column_{number}", "reversible": True, "operations": (what,), **told}
    )


LOCKS = Risk(kind="locks", says="builds an index while nobody can write to the table (AddIndexConcurrently lets them)")
LOSES = Risk(kind="loses data", says="drops the column with all that is in it")
MANY = tuple(
    migration(
        number, *([LOCKS] if number % 9 == 0 else []), *([LOSES] if number % 40 == 7 else []), loses=number % 40 == 7
    )
    for number in range(180)
)
COMING = tuple(Package(name=f"package-{number}", version=f"{number}.0") for number in range(150))
PACKAGES = [Package(name=f"package-{number}", was=f"{number}.0", version=f"{number}.1") for number in range(400)]
RESTORES = "once visitors are in, after the watch, the backup is not restored any more: it lacks what they wrote"
FIRST = "no version is live, so there are no packages to ask the new code with"
STUCK = migration(2, Risk(kind="unknown", says="runs Python of the project's own"), reversible=False)


def fleet(alike: bool) -> Preview:
    """A deploy to six hosts."""
    names = [f"web{number}" for number in range(1, 7)]
    migrations = Migrations(source="django", applied=(), pending=MANY[:3])
    told = [
        host(
            name,
            migrations=migrations,
            fallback=Fallback(way="reverse"),
            # They never take as long on each.
            windows=(PastWindow(deploy="x", outcome="committed", seconds=7.0 + number / 10),),
        )
        for number, name in enumerate(names)
    ]
    if not alike:
        static = [Static(source="django", changed=Names(count=number, names=("site.css",))) for number in range(6)]
        packages = [Packages(source="resolved", up=tuple(PACKAGES[: number * 3])) for number in range(6)]
        notices = [(f"{number} GB are left",) if number % 2 else () for number in range(6)]
        code = [one.code and one.code.model_copy(update={"was": f"{number}" * 40}) for number, one in enumerate(told)]
        told = [
            one.model_copy(update={"static": s, "packages": p, "notices": n, "code": c, "was": f"{LIVE}{number}"})
            for number, (one, s, p, n, c) in enumerate(zip(told, static, packages, notices, code, strict=True))
        ]
    return preview(*told)


SCREENS: dict[str, Callable[[], Preview]] = {
    "180_migrations": lambda: preview(
        host(
            migrations=Migrations(source="django", applied=(), pending=MANY),
            fallback=Fallback(
                way="restore",
                cannot_undo=(RESTORES,),
            ),
        )
    ),
    "400_packages": lambda: preview(
        host(
            packages=Packages(source="resolved", added=COMING, up=tuple(PACKAGES[150:390]), down=tuple(PACKAGES[390:]))
        )
    ),
    "6_hosts_alike": lambda: fleet(alike=True),
    "6_hosts_that_differ": lambda: fleet(alike=False),
    "first_deploy": lambda: preview(
        host(
            was=None,
            code=Changes(ref="main", sha="c" * 40, was=None),
            config=Changes(
                ref="main", sha="c" * 40, was=None, made=("+ manage.py", "+ wsgi.py"), says=("set: DEBUG = False",)
            ),
            packages=Packages(source="resolved", added=COMING[:3]),
            migrations=Migrations(source="files", why=FIRST, pending=MANY[:2]),
            static=Static(source="unknown", why=FIRST),
            fallback=Fallback(way="reverse"),
            windows=(),
        )
    ),
    "revert": lambda: preview(
        host(
            version=NEXT,
            code=Changes(
                ref=NEXT,
                sha="a" * 40,
                was="b" * 40,
                back=1,
                left=(Commit(sha="bbbbbbb", author="Ada", subject="Say hello"),),
            ),
            migrations=Migrations(source="django", applied=(), leaving=MANY[:1]),
            database="keep",
            database_offers=("reverse", "restore"),
        ),
        kind="revert",
    ),
    "refused": lambda: preview(
        host(
            migrations=Migrations(source="django", applied=(), pending=(STUCK,)),
            fallback=Fallback(way="refused", cannot_undo=(f"{STUCK.label} can't be reversed",)),
            problems=(
                f"these migrations can't be reversed: {STUCK.label}\nSet restore_script, so that the database can be "
                "restored from this deploy's own backup, or accept that the schema stays: --data irreversible=accept",
            ),
        )
    ),
    "nothing_to_do": lambda: preview(host(idle=f"{LIVE} is live and healthy already: nothing to do")),
}


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is(name: str) -> None:
    lines = [one.text for one in screen(SCREENS[name]())]
    file = FOLDER / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        file.write_text("\n".join(lines) + "\n")
    assert file.read_text().splitlines() == lines


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.txt")), ids=lambda file: file.stem)
def test_a_screen_has_room_for_all_that_is_on_it(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert len(lines) <= HEIGHT
    assert max(map(columns, lines)) <= WIDTH


def test_more_refusals_than_there_is_room_for_are_counted_and_it_is_said_where_they_are() -> None:
    hosts = [
        host(f"web{one}", problems=tuple(f"no {one}-{number}: {'x ' * 60}" for number in range(20)))
        for one in (1, 2, 3)
    ]
    lines = [one.text for one in screen(preview(*hosts))]
    assert len(lines) <= HEIGHT
    assert lines[0] == "--> This would be refused; nothing was changed: 60 problems"
    (rest,) = [line for line in lines if "more of these" in line]
    assert rest == "    would be refused: 57 more of these: --data show=all has them"


def test_all_that_is_folded_away_is_there_where_all_is_asked_for() -> None:
    whole = " ".join(" ".join(one.text for one in screen(SCREENS["180_migrations"](), everything=True)).split())
    assert all(one.label in whole for one in MANY)
    whole = " ".join(" ".join(one.text for one in screen(SCREENS["400_packages"](), everything=True)).split())
    assert all(f"{one.name} " in whole for one in PACKAGES)


class Terminal(io.StringIO):
    """What takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("name", "value", "coloured"), [("TERM", "xterm", True), ("TERM", "dumb", False), ("NO_COLOR", "1", False)]
)
def test_a_terminal_has_colours_unless_it_or_its_user_has_none(
    name: str, value: str, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(name, value)
    # Taken back after the test.
    monkeypatch.setitem(vars(click.utils), "should_strip_ansi", vars(click.utils)["should_strip_ansi"])
    obey_no_color()
    terminal, pipe = Terminal(), io.StringIO()
    for file in (terminal, pipe):
        click.echo(painted(Line("would be refused", Tone.REFUSED)), file=file)
    assert ("\x1b[31m" in terminal.getvalue()) == coloured
    assert pipe.getvalue() == "would be refused\n"


def test_what_can_not_be_undone_goes_last_and_all_else_in_its_order() -> None:
    lines = tuple(Line(str(number)) for number in range(5))
    parts = [Part(lines, (Shorter(when, lines[:1]),)) for when in reversed(Fold)]
    # With less and less room, one part after the other is a line.
    for number in range(len(parts) + 1):
        now, gave_way = folded(parts, 5 * len(parts) - 4 * number)
        assert [len(one.lines) for one in now] == [5] * (len(parts) - number) + [1] * number
        assert gave_way == bool(number)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 13, ["one two three"]),
        ("one two three", 9, ["one two", "  three"]),
        ("  one two three", 9, ["  one two", "    three"]),
        ("one\ntwo", 9, ["one", "two"]),
        ("abcdefghijkl", 5, ["abcde", "  fgh", "  ijk", "  l"]),
        ("a 日本語日本語", 8, ["a", "  日本語", "  日本語"]),
        ("\x1b[31mred", 20, ["\\x1b[31mred"]),
        ("", 9, [""]),
    ],
)
def test_a_text_is_wrapped_at_words_by_the_columns_that_it_takes(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width) == lines


@pytest.mark.parametrize(
    ("names", "width", "told"),
    [(["a", "b"], 9, "a, b"), (["aaa", "bbb", "c" * 9], 14, "aaa and 2 more"), (["a" * 9, "b"], 3, "2"), ([], 9, "0")],
)
def test_as_many_names_are_listed_as_there_is_room_for(names: list[str], width: int, told: str) -> None:
    assert listed(names, width) == told


# --- Whatever a preview holds

# Words as they come from hosts and repositories: long ones, wide ones, and what a terminal would obey.
WORDS = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="ab c日本\u0301\x1b\n\t", max_size=300),
    st.sampled_from(["x" * 250, "日本語" * 60, "one two three " * 30]),
)
NAMED = st.tuples(st.lists(WORDS, max_size=3), st.sampled_from([1, 12])).map(lambda told: tuple(told[0] * told[1]))


def many(of: st.SearchStrategy[Any], most: int = 5) -> st.SearchStrategy[tuple[Any, ...]]:
    """Some, or a great many of the same sort; texts are not the same."""
    return st.tuples(st.lists(of, max_size=most), st.sampled_from([1, 1, 12])).map(lambda told: _numbered(*told))


def _numbered(some: Sequence[Any], times: int) -> tuple[Any, ...]:
    return tuple(f"{number} {one}" if isinstance(one, str) else one for number, one in enumerate([*some] * times))


RISKS = st.builds(Risk, kind=st.sampled_from(["locks", "loses data", "unknown"]), says=WORDS)
MIGRATION = st.builds(
    Migration,
    app=st.sampled_from(["shop", "blog"]) | WORDS,
    name=WORDS,
    reversible=st.sampled_from([True, False, None]),
    loses=st.booleans(),
    atomic=st.booleans(),
    operations=st.lists(st.builds(Operation, says=WORDS, risks=st.lists(RISKS, max_size=3).map(tuple)), max_size=3).map(
        tuple
    ),
)
PACKAGE = st.builds(Package, name=WORDS, was=st.none() | WORDS, version=st.none() | WORDS)
CHANGES = st.builds(
    Changes,
    ref=WORDS,
    sha=st.sampled_from(["a" * 40, "b" * 40]),
    was=st.sampled_from([None, "b" * 40]),
    unknown=st.just("") | WORDS,
    back=st.integers(0, 300),
    forward=st.integers(0, 300),
    commits=many(st.builds(Commit, sha=st.just("c" * 7), author=WORDS, subject=WORDS), 3),
    made=st.none() | NAMED,
    says=NAMED,
)
HOSTS = st.builds(
    host,
    idle=st.just("") | WORDS,
    problems=many(WORDS),
    notices=many(WORDS),
    was=st.none() | WORDS,
    version=st.none() | WORDS,
    healthy=st.booleans(),
    code=st.none() | CHANGES,
    config=st.none() | CHANGES,
    packages=st.none()
    | st.builds(
        Packages,
        source=st.sampled_from(["resolved", "pins", "unknown"]),
        why=st.just("") | WORDS,
        added=many(PACKAGE),
        up=many(PACKAGE),
        unsure=NAMED,
        by_script=NAMED,
        refused=st.booleans(),
    ),
    migrations=st.none()
    | st.builds(
        Migrations,
        source=st.sampled_from(["django", "files", "unknown"]),
        why=st.just("") | WORDS,
        applied=st.none() | st.just(()),
        pending=many(MIGRATION),
        missing=NAMED,
        leaving=many(MIGRATION),
        unknown=NAMED,
    ),
    static=st.none()
    | st.builds(
        Static,
        source=st.sampled_from(["django", "unknown"]),
        why=st.just("") | WORDS,
        added=st.builds(Names, count=st.integers(0, 500), names=NAMED),
    ),
    shared=many(
        st.builds(
            Shared,
            path=WORDS,
            place=WORDS,
            how=st.sampled_from(["there", "new"]),
            says=WORDS,
            notice=WORDS,
            differing=WORDS,
        ),
        3,
    ),
    links=many(st.builds(Link, path=WORDS, was=st.none() | WORDS, now=st.none() | WORDS), 3),
    service=st.builds(
        Service, unit=WORDS, restart=st.sampled_from(["", "rolling", "restart"]), why=WORDS, no_trial=WORDS
    ),
    window=st.none() | st.builds(Window, shown=st.sampled_from([True, False, None]), why=WORDS),
    scripts=many(st.builds(Script, step=WORDS, path=WORDS), 3),
    hooks=many(WORDS),
    steps=many(st.builds(Step, name=WORDS, does=st.booleans()), 3),
    deletions=many(st.builds(Deletion, name=WORDS, bytes=st.none() | st.integers(0, 10**12))),
    old_backups=NAMED,
    database=st.sampled_from(["", "keep", "reverse", "restore"]),
    environment=NAMED,
    schedule=NAMED,
    backup=WORDS,
    fallback=st.none()
    | st.builds(Fallback, way=st.sampled_from(["none", "reverse", "refused"]), why=WORDS, cannot_undo=many(WORDS)),
    looked_ahead=st.booleans(),
)


@st.composite
def previews(draw: st.DrawFn) -> Preview:
    """A run on up to eight hosts, some of them alike."""
    told = draw(st.lists(HOSTS, min_size=1, max_size=2))
    number = draw(st.sampled_from([len(told), 6]))
    hosts = [told[at % len(told)].model_copy(update={"host": f"web{at}", "primary": at == 0}) for at in range(number)]
    return preview(*hosts, kind=draw(st.sampled_from(["deploy", "build", "revert", "restart", "clean"])))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(previews(), st.lists(WORDS, max_size=3))
def test_any_preview_has_room_and_no_refusal_or_risk_goes_without_a_word(told: Preview, refusals: list[str]) -> None:
    lines = screen(told, refusals)
    acting = any(not one.idle or one.deletions for one in told.hosts)
    if not (acting or refusals or told.problems):
        return
    assert len(lines) <= HEIGHT
    assert max(columns(one.text) for one in lines) <= WIDTH
    assert all(one.text.isprintable() for one in lines)
    _assert_all_told(lines, Tone.REFUSED, len({*refusals, *(one for host in told.hosts for one in host.problems)}))
    stuck = {one for host in told.hosts if host.fallback for one in host.fallback.cannot_undo}
    _assert_all_told(
        [one for one in lines if "! can't be undone:" in one.text], Tone.RISK, len(stuck), "! can't be undone: "
    )


def _assert_all_told(lines: Sequence[Line], tone: Tone, number: int, label: str = "would be refused: ") -> None:
    """Assert that each of so many is on the screen, or that it says that there are more, and where."""
    told = [one.text for one in lines if one.tone is tone and one.text.startswith(f"    {label}".rstrip())]
    if number:
        assert told
        assert len(told) >= number or any(ALL in one for one in told)
