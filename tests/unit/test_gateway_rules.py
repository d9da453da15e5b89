"""gateway.yml: what it may say, and what is said of a mistake in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from switchback.gateway.owned import check_owned
from switchback.gateway.rules import Rule, fingerprint, is_name, read_rules
from switchback.settings.errors import Refused

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
PRINT = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.yml"


def test_a_key_that_says_nothing_may_deploy_and_plan_what_is_on_the_settings_branches(file: Path) -> None:
    file.write_text("keys:\n  ci:\n")
    assert read_rules(file).of("ci") == Rule()
    assert Rule().may == ("deploy", "plan")
    assert (Rule().environment, Rule().branches, Rule().signed_by) == ("prod", (), None)


def test_what_stands_at_the_top_holds_for_all_keys_that_say_nothing_else(file: Path) -> None:
    file.write_text(
        "signed_by: signers\nbranches: main, release/*\n"
        f"keys:\n  ci: {{key: {KEY} ci@example}}\n  ann: {{may: [deploy, plan, revert], branches: [wild]}}\n"
    )
    rules = read_rules(file)
    assert rules.of("ci") == Rule(key=KEY, signed_by="signers", branches=("main", "release/*"))
    assert rules.of("ann") == Rule(may=("deploy", "plan", "revert"), signed_by="signers", branches=("wild",))
    assert rules.of("bob") is None


def test_a_key_is_found_by_its_fingerprint_as_well(file: Path) -> None:
    file.write_text(f"keys:\n  ci: {{key: {KEY}}}\n  '{PRINT.replace('+', 'A')}': {{environment: staging}}\n")
    rules = read_rules(file)
    assert fingerprint(KEY) == PRINT
    assert rules.of(PRINT) == rules.of("ci")
    other = rules.of(PRINT.replace("+", "A"))
    assert other and other.environment == "staging"


def test_a_fingerprint_that_two_keys_have_is_nobodys(file: Path) -> None:
    file.write_text(f"keys:\n  ci: {{key: {KEY}}}\n  ann: {{key: {KEY}}}\n")
    assert read_rules(file).of(PRINT) is None


@pytest.mark.parametrize("name", ["ci", "ann@laptop", "a.b_c-1", PRINT])
def test_what_a_key_may_be_called(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "-x", "--handed-over", "install", "a b", 'a"b', "a/b", "a\n", "é", "x" * 65, "SHA256:x", "$(id)", "a,b"],
)
def test_and_what_it_may_not(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "keys must name the keys"),
        ("keys: [ci]", "keys must name the keys"),
        ("keys:\n  'a b': {}", "must be a word (letters, digits, _ . @ -) or a fingerprint"),
        ("keys:\n  ci: deploy", "must have what it may, as in `may: [deploy, plan]`"),
        ("keys: {ci: {may: [deploy, provision]}}", "keys: ci: may must be deploy, plan, revert, status"),
        ("keys: {ci: {mya: deploy}}", 'unknown key "mya" — did you mean "may"?'),
        ("branchs: main\nkeys: {ci: {}}", 'unknown key "branchs" — did you mean "branches"?'),
        ("key: x\nkeys: {ci: {}}", 'unknown key "key"'),
        ("keys: {ci: {branches: [-x]}}", "branches must be a git ref"),
        ("keys: {ci: {branches: refs/heads/main}}", "branches must be names of branches"),
        ("keys: {ci: {environment: ../prod}}", "environment must be an environment's name"),
        ("keys: {ci: {key: ssh-ed25519 AAAA}}", "key must be a public key"),
        (f"keys: {{ci: {{key: {KEY.replace('ed25519', 'rsa')}}}}}", "key must be a public key"),
        (f"keys:\n  ci:\n    key: 'command=\"id\" {KEY}'", "key must be a public key"),
        (f'keys:\n  ci:\n    key: "{KEY}\\n{KEY}"', "key must be a public key"),
        ("keys: {ci: {code_repo_url: 'ext::id'}}", "code_repo_url must be a git repository"),
        ("keys: {ci: {signed_by: ''}}", "signed_by must be the path of a file"),
        ("keys: [", "this is not YAML"),
        ("keys:\n  ci: {}\n  ann: {}\n  ci: {may: revert}", ":4: ci is already on line 2: keep one of them"),
        ("keys:\n  ci:\n    signed_by: a\n    signed_by: b", ":4: signed_by is already on line 3: keep one of them"),
        ("keys: {ci: {}, 'ci': {}}", ":1: ci is already on line 1: keep one of them"),
    ],
)
def test_a_mistake_is_said_with_its_place(text: str, said: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(Refused) as refused:
        read_rules(file)
    assert len(refused.value.problems) == 1
    assert said in refused.value.problems[0]
    assert refused.value.problems[0].startswith(str(file))


def test_whoever_else_can_write_it_says_what_a_key_may_so_that_is_refused(file: Path) -> None:
    with pytest.raises(Refused, match="can't be read"):
        check_owned(file)
    file.write_text("")
    file.chmod(0o644)
    check_owned(file)
    for mode in (0o664, 0o646):
        file.chmod(mode)
        with pytest.raises(Refused, match="chmod go-w"):
            check_owned(file)


def test_the_example_is_refused_until_it_has_a_key_and_then_is_what_it_says(file: Path) -> None:
    example = (Path(__file__).parents[2] / "group_data" / "gateway.yml.example").read_text()
    file.write_text(example)
    with pytest.raises(Refused, match="key must be a public key"):
        read_rules(file)
    file.write_text(example.replace("ssh-ed25519 AAAA…", KEY))
    assert read_rules(file).of("ci") == Rule(key=KEY)
    # What it shows beside is taken as well, when it is no comment any more.
    shown = re.sub(r"^# (?=\w+: )", "", example.replace("ssh-ed25519 AAAA…", KEY), flags=re.MULTILINE)
    file.write_text(shown)
    rule = read_rules(file).of("ci")
    assert rule and (rule.branches, rule.signed_by) == (("main", "release/*"), "allowed_signers")
    assert rule.code_repo_url and rule.config_repo_url and rule.config_branches
