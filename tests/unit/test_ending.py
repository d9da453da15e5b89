"""What a person reads after a run: how it ended, as the last thing on the screen, and no more than fits there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from agent.words.history import Cost
from agent.words.journal import Commit
from agent.words.notes import Asked
from agent.words.outcomes import Outcome
from agent.words.result import Result
from switchback import typed
from switchback.ending.ending import Ending, ending
from switchback.ending.layout import WIDTH, command
from switchback.ending.recovered import recovered_lines
from switchback.ending.screen import DONE, NOT_WELL, WELL, Screen, end_lines
from switchback.ending.why import Why, why
from switchback.runs.run import Run
from switchback.settings.options import CommandLine
from tests.sample.build import CODE, PROJECT
from tests.unit.examples import LIVE, NEW, OLD, run

ID = "20261123-120000-deploy-ab12"
INVENTORY = CommandLine(inventory="inventories/prod.py")
COMMITTED, UNKNOWN = Outcome.COMMITTED, Outcome.UNKNOWN
WENT_ON = Result(True)
TRACEBACK = (
    "      state = self.apply_migration(",
    '    File "/home/app/NEW/venv/lib/python3.11/site-packages/django/db/migrations/executor.py", line 255, in apply',
    "      state = migration.apply(state, schema_editor)",
    '    File "/home/app/NEW/code/items/migrations/0003_prices.py", line 6, in price',
    '      cheapest = Item.objects.get(name="The cheapest item")',
    '    File "/home/app/NEW/venv/lib/python3.11/site-packages/django/db/models/query.py", line 635, in get',
    "      raise self.model.DoesNotExist(",
    "  Item.DoesNotExist: Item matching query does not exist.",
)
FELL_BACK = Result(
    False,
    Outcome.FELL_BACK,
    "fell back at migrate: OLD is live and proven healthy, maintenance is off; evidence: /var/lib/x",
    ("migrate failed: /home/app/NEW/venv/bin/python manage.py did not finish migrate", *TRACEBACK),
    state="OLD is live and proven healthy, maintenance is off",
    undone=("database", "maintenance"),
    spent=Cost(Asked(100, 90, 21.3), Asked(50, 0, 0.0), 1, maintenance=21.6),
    seconds=34.2,
    backup="/home/app/backups/app.dump",
    evidence=True,
    failed="migrate",
)


def screen(runs: Sequence[Run], endings: Sequence[Ending], warnings: Sequence[str] = ()) -> list[str]:
    return end_lines(Screen(runs, endings, INVENTORY, warnings))


def words(lines: Sequence[str]) -> str:
    """What is said, however it is laid out."""
    return " ".join(" ".join(lines).split())


def three(**changes: Any) -> list[Run]:
    hosts = ("web1", "web2", "web3")
    return [run(host=host, hosts=hosts, **changes) for host in hosts]


def test_a_deploy_that_went_well_is_told_of_with_its_address_and_the_way_back() -> None:
    cost = Cost(Asked(112, 110, 5.77), Asked(57, 6, 1.07), 1, maintenance=5.8)
    told = Ending("web1", COMMITTED, "committed: x", cost=cost, seconds=9.1, backup="/home/app/backups/app.dump")
    assert screen([run()], [told]) == [
        "--> Deployed: main (ccccccc) is live and healthy, after 9.1 s",
        "    site      https://www.example.com/",
        "    visitors  saw the maintenance page for 5.8 s (the app was down for 1.1 s of that)",
        f"    live      {NEW}",
        f"    before    {LIVE}",
        "    back      pyinfra inventories/prod.py deploys/revert.py -y",
        "    backup    /home/app/backups/app.dump",
    ]


def test_a_failure_is_told_of_with_the_line_that_matters_first_and_with_what_to_type_at_the_end() -> None:
    told = replace(FELL_BACK, reason=tuple(line.replace("NEW", NEW) for line in FELL_BACK.reason))
    assert screen([run()], [ending("web1", [WENT_ON, told])]) == [
        "--> Fell back at migrate: main (ccccccc) is not live, the site is as it was, after 34 s",
        "    Item.DoesNotExist: Item matching query does not exist.",
        "    migrate failed: venv/bin/python manage.py did not finish migrate",
        '        File "code/items/migrations/0003_prices.py", line 6, in price',
        '          cheapest = Item.objects.get(name="The cheapest item")',
        "    undone    database, maintenance",
        "    now       OLD is live and proven healthy, maintenance is off",
        "    visitors  saw the maintenance page for 22 s",
        "    backup    /home/app/backups/app.dump",
        "    next      nothing is left to be done on the host; deploy again once that is mended",
        f"    why       pyinfra inventories/prod.py deploys/why.py --data deploy={ID}",
    ]


def test_of_an_output_without_a_traceback_its_last_line_matters_and_the_end_of_the_rest_is_shown() -> None:
    told = why(["it broke", *(f"line {number}" for number in range(30))], NEW)
    assert (told.line, told.sentence) == ("line 29", "it broke")
    assert told.output == tuple(f"line {number}" for number in range(17, 29))
    assert why(["it broke"], NEW) == why(["it broke", "  ", "    ~~~^^"], NEW)
    assert why([], NEW).sentence == ""


def test_what_an_installer_suggests_is_shown_and_matters_less_than_why_it_failed() -> None:
    told = why(["venv failed", "error: no such package", "  cause: nobody has it", "hint: look elsewhere"], NEW)
    assert (told.line, told.output) == ("cause: nobody has it", ("error: no such package", "hint: look elsewhere"))


def test_a_sentence_that_leads_to_what_stands_before_it_leads_no_further() -> None:
    assert why(["checks found:", "E1"], NEW) == Why("E1", "checks found")
    assert why(["checks found:", "E1", "E2"], NEW) == Why("E2", "checks found:", ("E1",))


def test_what_a_server_logs_after_a_traceback_does_not_matter_more_than_that() -> None:
    raised = "django.core.exceptions.ImproperlyConfigured: PAYMENT_KEY is not set"
    log = ["Traceback (most recent call last):", '  File "/srv/code/warmup.py", line 12, in warm_up', f"    {raised}"]
    told = why(["trial failed: did not start", *log, raised, "[1] [ERROR] Reason: Worker failed to boot."], NEW)
    assert told.line == raised
    assert told.output[0] == '  File "/srv/code/warmup.py", line 12, in warm_up'


def test_a_traceback_that_is_set_in_and_whose_beginning_is_cut_off_is_told_as_a_whole_one() -> None:
    own = ['    File "/srv/code/settings.py", line 24, in <module>', "      KEY = os.environ['KEY']"]
    calls = [
        '    File "<frozen importlib._bootstrap>", line 690, in _load',
        *own,
        '    File "<frozen os>", line 679, in f',
    ]
    told = why(["static failed", *calls, "  KeyError: 'KEY'"], NEW)
    assert (told.line, told.output) == ("KeyError: 'KEY'", tuple(line[2:] for line in own))


def test_what_two_logs_have_is_said_once_and_a_log_that_has_no_more_is_not_named() -> None:
    exited = "  WARN exited: web_00"
    told = why(
        ["it ended", "journal of django:", exited, "/a/supervisord.log:", exited, "/a/web_00.log:", "  bye"], NEW
    )
    # Which of them says it best is not known.
    assert (told.line, told.sentence) == ("", "it ended")
    assert told.output == ("journal of django:", exited, "/a/web_00.log:", "  bye")


def test_of_the_logs_of_several_processes_what_they_all_tripped_over_is_told_once() -> None:
    own = ['  File "/srv/code/warmup.py", line 12, in warm_up', "    warm()"]
    log = ["  Traceback (most recent call last):", *(f"  {line}" for line in own), "  KeyError: 'KEY'"]
    told = why(["not healthy", "/a/web_00.log:", *log, "/a/web_01.log:", *log], NEW)
    assert (told.line, told.output) == ("KeyError: 'KEY'", tuple(own))


def test_where_the_project_has_no_part_in_a_traceback_its_last_calls_are_shown() -> None:
    lines = [f'  File "/usr/lib/python3.11/x.py", line {number}, in f' for number in range(9)]
    told = why(["it broke", *lines, "OSError: no space"], NEW)
    assert (told.line, told.output[-1]) == ("OSError: no space", lines[-1])


@pytest.mark.parametrize("outcome", [one for one in Outcome if one != UNKNOWN])
def test_a_run_has_ended_as_its_host_has_told_whatever_the_sentence_says(outcome: Outcome) -> None:
    says = "committed: needs a person; refused at x"
    told = ending("web1", [WENT_ON, Result(False, outcome, says)])
    assert (told.host, told.outcome, told.sentence) == ("web1", outcome, says)


def test_of_two_outcomes_the_later_one_counts() -> None:
    still = Result(False, Outcome.FALLING_BACK, "still falling back: it goes on by itself")
    assert ending("web1", [still, FELL_BACK, WENT_ON]).outcome == Outcome.FELL_BACK


def test_what_was_decided_and_what_is_not_as_it_should_be_is_told_once_though_each_call_tells_all_so_far() -> None:
    heard = [
        Result(True, warnings=("one",), told=("a",)),
        Result(True, warnings=("one", "two"), told=("a", "b"), outcome=COMMITTED, spent=Cost()),
        # What comes after the commit tells of itself alone.
        Result(True),
    ]
    told = ending("web1", heard)
    assert (told.warnings, told.told, told.cost) == (("one", "two"), ("a", "b"), Cost())
    lines = screen([run()], [told])
    assert [lines.count(f"    {text}") for text in ("one", "two", "a", "b")] == [1, 1, 1, 1]


@pytest.mark.parametrize("heard", [[], [WENT_ON, WENT_ON]])
def test_a_host_without_a_word_is_said_to_fall_back_by_itself(heard: list[Result]) -> None:
    told = ending("web1", heard)
    assert told.outcome == UNKNOWN
    assert told.sentence.startswith("no word from the host")
    assert told.sentence.endswith("it falls back by itself")


def test_the_headline_says_where_it_ended_how_the_worst_first() -> None:
    runs = [run(host=host, hosts=("web1", "web2")) for host in ("web1", "web2")]
    lines = screen(runs, [Ending("web1", Outcome.FELL_BACK, "a"), Ending("web2", Outcome.NEEDS_A_PERSON, "b")])
    assert lines[0].startswith("--> Needs a person on web2; fell back on web1: ")
    assert lines[-1].strip() == "pyinfra inventories/prod.py deploys/recover.py"


def test_after_a_revert_the_way_forth_is_named_and_what_became_of_the_database() -> None:
    newer = "the database is newer than its code, which may not be able to use it: items.0002"
    lines = screen([run(kind="revert", version=OLD)], [Ending("web1", COMMITTED, "committed: x", newer)])
    assert f"return pyinfra inventories/prod.py deploys/deploy.py \\ --data version={LIVE} -y" in words(lines)
    assert f"now {newer}" in words(lines)


@pytest.mark.parametrize("hosts", [("web1",), ("web1", "web2")])
def test_a_host_that_is_not_heard_of_is_given_its_time(hosts: tuple[str, ...]) -> None:
    lines = screen([run(hosts=hosts)], [Ending("web1", UNKNOWN, "no word")])
    assert "falls back by itself, at the latest 60 s after its running step has ended" in words(lines)


def test_where_some_have_committed_the_others_are_named_with_what_brings_them_along() -> None:
    runs = [run(host=host, hosts=("web1", "web2")) for host in ("web1", "web2")]
    lines = screen(runs, [Ending("web1", COMMITTED, "committed: x"), Ending("web2", UNKNOWN, "no word", "no word")])
    assert lines[0].startswith("--> Unknown on web2; committed on web1: ")
    assert "[web2] no word, if it has not committed" in words(lines)
    assert "deploy again to bring the others along" in words(lines)


def test_hosts_with_nothing_to_do_are_named_and_the_way_forth_and_the_times_are_those_of_the_others() -> None:
    hosts, idle = ("web2", "web3"), "no version is live here"
    bare = run(kind="revert", was=None, version="", steps=(), idle=idle)
    runs = [bare, *(run(kind="revert", deploy="the-id", host=host, hosts=hosts, version=OLD) for host in hosts)]
    done = screen(runs, [Ending(host, COMMITTED, "committed: x") for host in hosts])
    assert done[0] == "--> Reverted: the older version is live and healthy on 2 hosts"
    assert f"    idle      [web1] {idle}" in done
    assert f"--data version={LIVE} -y" in words(done)
    lost = screen(runs, [Ending("web2", COMMITTED, "committed: x"), Ending("web3", UNKNOWN, "no word")])
    assert "falls back by itself, at the latest" in words(lost)


def test_hosts_that_limit_has_left_out_are_named_once_the_others_have_committed() -> None:
    only = run(host="web2", hosts=("web2",), left_out=("web1", "web3"))
    assert screen([only], [Ending("web2", COMMITTED, "committed: x")])[-1] == (
        "    next      not on web1, web3, which took no part: deploys/status.py compares all hosts"
    )
    assert "took no part" not in words(screen([only], [Ending("web2", Outcome.FELL_BACK, "fell back at x")]))


def test_a_run_that_did_nothing_has_no_last_screen() -> None:
    assert screen([run(steps=())], []) == []


def test_hosts_that_are_alike_are_told_of_once_and_the_others_in_a_row_each() -> None:
    costs = [Cost(Asked(9, 9, out), Asked(9, 0, 0.0), 1, maintenance=out) for out in (5.0, 5.0, 7.0)]
    told = [Ending(one.host, COMMITTED, "committed: x", cost=cost) for one, cost in zip(three(), costs, strict=True)]
    lines = screen(three(), told)
    assert "    visitors  [web1, web2] saw the maintenance page for 5.0 s" in lines
    assert "              [web3] saw the maintenance page for 7.0 s" in lines
    assert sum("https://www.example.com/" in line for line in lines) == 1


def test_why_the_others_fell_back_is_not_told_of_each_that_followed() -> None:
    failed = ending("web1", [FELL_BACK])
    others = [
        Ending(name, Outcome.FELL_BACK, "fell back", "OLD is live", ("web1 failed, and …",), followed=True)
        for name in ("web2", "web3")
    ]
    lines = words(screen(three(), [failed, *others]))
    assert "[web1] Item.DoesNotExist" in lines
    assert "web1 failed, and" not in lines
    assert "[web2, web3] OLD is live" in lines


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Outcome.REFUSED, "--> Stopped by you at venv: the live site was never touched by main (ccccccc)"),
        (Outcome.FELL_BACK, "--> Stopped by you, fell back at venv: "),
    ],
)
def test_whoever_stopped_a_run_is_told_that_it_was_them_and_not_that_it_was_refused(
    outcome: Outcome, says: str
) -> None:
    stopped = Result(False, outcome, "stopped by ann at venv: x", interrupted=True, failed="venv", seconds=3)
    lines = screen([run()], [ending("web1", [stopped])])
    assert lines[0].startswith(says)
    assert "refused" not in words(lines).lower()


def test_a_command_is_typed_as_it_stands_there_however_long_it_is() -> None:
    argv = ["pyinfra", "inventories/a place.py", *(word for n in range(9) for word in ("--limit", f"web{n}.example"))]
    lines = command("back", argv)
    assert all(line.endswith(" \\") for line in lines[:-1])
    typed = " ".join(line.strip().removesuffix("\\").strip() for line in lines)
    assert typed.startswith("back pyinfra 'inventories/a place.py' --limit web0.example ") or "'" in lines[0]
    assert not any(line.rstrip(" \\").endswith("--limit") for line in lines)


def test_what_is_typed_next_names_the_hosts_as_this_run_did_and_is_called_as_this_was() -> None:
    done = [Ending("web1", COMMITTED, "committed: x")]
    line = CommandLine(inventory="inventories/prod.py", limit=("web1",))
    said = words(end_lines(Screen([run()], done, line)))
    assert "back pyinfra inventories/prod.py --limit web1 deploys/revert.py -y" in said
    own = replace(line, group_data=("deploy/staging.yml",))
    assert "back switchback revert -e staging --limit web1 -y" in words(end_lines(Screen([run()], done, own)))


def test_recover_ends_with_whether_the_host_is_free_and_with_what_is_left_to_do_where_it_is_not() -> None:
    again = typed.command(INVENTORY, "recover")
    free = recovered_lines([ending("web1", [FELL_BACK])], again)
    assert free[0] == "--> Recovered: the next deploy is free to begin"
    assert "    now       OLD is live and proven healthy, maintenance is off" in free
    stuck = replace(FELL_BACK, outcome=Outcome.NEEDS_A_PERSON, state="OLD is live, maintenance is still ON")
    left = words(recovered_lines([ending("web1", [FELL_BACK]), ending("web2", [stuck])], again))
    assert left.startswith("--> Needs a person on web2, as before")
    assert "[web2] OLD is live, maintenance is still ON" in left
    assert left.endswith("pyinfra inventories/prod.py deploys/recover.py")
    assert recovered_lines([], again) == []


TEXT = st.sampled_from(
    ["", "x", "word " * 60, "x" * 250, "  one\ntwo", '  File "/srv/code/x.py", line 3, in f', "KeyError: 'x'"]
)
TEXTS = st.lists(TEXT, max_size=3).map(lambda texts: tuple(texts * 9))
NUMBER = st.floats(0, 99999)
COST = st.builds(
    Cost, st.none() | st.builds(Asked, st.integers(0, 99), st.integers(0, 99), NUMBER), maintenance=NUMBER, before=TEXT
)


# What fails here is a screen with too much on it, which nobody needs to have shrunk for minutes.
@settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.data())
def test_whatever_the_endings_are_they_fit_on_their_screen(data: st.DataObject) -> None:
    hosts = tuple(f"web{number}" for number in range(data.draw(st.sampled_from([1, 2, 8]))))
    kind = data.draw(st.sampled_from(["deploy", "revert", "build", "restart"]))
    well = data.draw(st.booleans())
    runs, endings = [], []
    for host in hosts:
        runs.append(run(host=host, hosts=hosts, kind=kind, was=data.draw(st.none() | st.just(LIVE))))
        told = st.builds(
            Ending,
            st.just(host),
            st.just(COMMITTED) if well else st.sampled_from(Outcome),
            TEXT,
            TEXT,
            TEXTS,
            TEXTS,
            st.sampled_from(["venv", ""]),
            TEXTS,
            TEXTS,
            st.none() | COST,
            NUMBER,
            st.none() | TEXT,
            st.booleans(),
            st.booleans(),
            st.booleans(),
        )
        endings.append(data.draw(told))
    lines = screen(runs, endings, data.draw(TEXTS))
    assert lines[0].startswith("--> ")
    assert len(lines) <= (WELL if {one.outcome for one in endings} == {COMMITTED} else NOT_WELL)
    assert max(map(len, lines)) <= WIDTH
    if any(one.outcome == Outcome.NEEDS_A_PERSON for one in endings):
        assert "deploys/recover.py" in words(lines)


def test_six_hosts_of_which_each_has_something_else_to_tell_fit_and_lose_nothing_that_matters() -> None:
    hosts = tuple(f"web{number}" for number in range(1, 7))
    runs = [run(host=host, hosts=hosts) for host in hosts]
    costs = [Cost(Asked(9, 9, 2.0 + n), Asked(9, 0, 0.0), 1, maintenance=2.0 + n) for n in range(6)]
    told = [
        Ending(host, COMMITTED, "committed: x", cost=cost, seconds=9, backup="/b/app.dump" if host == "web1" else None)
        for host, cost in zip(hosts, costs, strict=True)
    ]
    lines = screen(runs, told)
    assert len(lines) <= WELL
    assert sum("saw the maintenance page" in line for line in lines) == 6
    assert "deploys/revert.py -y" in words(lines)
    assert "/b/app.dump" in words(lines)


def test_each_thing_that_a_step_warns_of_stands_by_itself_and_what_is_told_of_the_site_is_not_said_twice() -> None:
    now = "the database is newer than its code: items.0002_note stays applied"
    warnings = (
        "pause: WARNING: nobody can be asked",
        "checks: WARNING: applied, and in neither: items.0003\n  items.0002_note stays applied\n  so does another",
    )
    lines = screen([run()], [Ending("web1", COMMITTED, "committed: x", now, warnings=warnings)])
    assert [line.strip() for line in lines if "WARNING" in line] == [
        "pause: WARNING: nobody can be asked",
        "checks: WARNING: applied, and in neither: items.0003",
        "checks: WARNING: so does another",
    ]
    assert f"now {now}" in words(lines)


SCREENS = sorted((Path(__file__).parent / "endings").glob("*.txt"))


@pytest.mark.parametrize("file", SCREENS, ids=lambda file: file.stem)
def test_the_last_screen_of_each_tag_keeps_within_its_bounds(file: Path) -> None:
    """They are written by `make test-screens` (tests/hosts/endings.py), from runs on real hosts."""
    first, *others = lines = file.read_text().splitlines()
    well = first.startswith(tuple(f"--> {done}: " for done in DONE.values()))
    assert len(lines) <= (WELL if well else NOT_WELL)
    assert max(map(len, lines)) <= WIDTH
    # Each thing is said once; two servers may log the same, at another time.
    told = [line for line in lines if "[TIME]" not in line]
    assert len({*told}) == len(told)
    # Nothing leads back from these.
    leads_on = "" if file.stem in ("build", "restart", "demo-first") else "deploys/"
    typed_next = leads_on if well else "deploys/why.py"
    assert typed_next in words(others)


def test_each_tag_of_the_sample_and_of_the_demo_has_its_last_screen() -> None:
    # One of them is asked for by its branch, which has another name.
    sample = {one.name for one in CODE} - {"feature"} | {"feature-with-slashes"}
    assert sample | {f"demo-{one.name}" for one in PROJECT} <= {file.stem for file in SCREENS}


def test_a_config_that_was_asked_for_is_named_beside_the_code() -> None:
    about = replace(run().about, config=Commit("bad-settings", "f" * 40))
    lines = screen(
        [run(about=about)], [Ending("web1", Outcome.REFUSED, "refused at static", "x is live", step="static")]
    )
    assert "by main (ccccccc), config bad-settings (fffffff)" in words(lines)
