"""Static files that outlive their version: what is linked where, what is never replaced, and what is dropped."""

from __future__ import annotations

import getpass
import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from agent.versions import assets
from agent.versions.assets import DAY, carry, hashed
from agent.versions.layout import Layout
from tests.unit.examples import LIVE, NEW, OLD
from tests.unit.healthy import host_settings

NOW = 1_795_000_000.0


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(assets, "acting_as", lambda _: nullcontext())
    return Layout(host_settings(versions_dir=str(tmp_path), app_username=getpass.getuser()), tmp_path)


def version(layout: Layout, name: str, **files: str) -> Path:
    """A sealed version whose static files have these hashes."""
    static = layout.part(name, "static")
    (static / "css").mkdir(parents=True)
    paths = {}
    for word, mark in files.items():
        (static / "css" / f"{word}.css").write_text(f"{name} {word}")
        (static / "css" / f"{word}.{mark}.css").write_text(f"{word} {mark}")
        paths[f"css/{word}.css"] = f"css/{word}.{mark}.css"
    (static / "staticfiles.json").write_text(json.dumps({"paths": paths, "version": "1.1"}))
    for folder in (static / "css", static, static.parent):
        folder.chmod(0o555)
    return static


def test_the_hashed_names_are_those_that_the_manifest_gives(layout: Layout, tmp_path: Path) -> None:
    assert hashed(version(layout, LIVE, site="aaa", print="bbb")) == {"css/site.aaa.css", "css/print.bbb.css"}
    assert hashed(tmp_path / "nothing") == set()


def test_a_page_of_the_version_that_is_left_gets_its_files_from_the_live_one(layout: Layout) -> None:
    left, live = version(layout, LIVE, site="aaa", print="bbb"), version(layout, NEW, site="ccc", print="bbb")
    assert carry(layout, LIVE, NEW, 30, NOW) == 1
    assert (live / "css/site.aaa.css").read_text() == "site aaa"
    assert (live / "css/site.aaa.css").samefile(left / "css/site.aaa.css")


def test_nothing_of_the_live_version_itself_is_replaced(layout: Layout) -> None:
    version(layout, LIVE, site="aaa")
    live = version(layout, NEW, site="ccc")
    before = {path.name: path.read_text() for path in live.rglob("*.*")}
    carry(layout, LIVE, NEW, 30, NOW)
    after = {path.name: path.read_text() for path in live.rglob("*.*")}
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"site.aaa.css"}


def test_going_back_takes_the_newer_files_along(layout: Layout) -> None:
    old = version(layout, LIVE, site="aaa")
    version(layout, NEW, site="ccc")
    carry(layout, LIVE, NEW, 30, NOW)
    carry(layout, NEW, LIVE, 30, NOW + 60)
    assert (old / "css/site.ccc.css").read_text() == "site ccc"
    assert hashed(old) == {"css/site.aaa.css"}


def test_files_stay_over_several_deploys_and_are_dropped_by_their_age(layout: Layout) -> None:
    version(layout, OLD, site="aaa")
    version(layout, LIVE, site="bbb")
    new = version(layout, NEW, site="ccc")
    carry(layout, OLD, LIVE, 30, NOW)
    carry(layout, LIVE, NEW, 30, NOW + 20 * DAY)
    assert {path.name for path in new.glob("css/site.*.css")} == {"site.aaa.css", "site.bbb.css", "site.ccc.css"}
    # Once more the same way, when the first one's time is over.
    carry(layout, LIVE, NEW, 30, NOW + 40 * DAY)
    assert {path.name for path in new.glob("css/site.*.css")} == {"site.bbb.css", "site.ccc.css"}


def test_with_no_days_nothing_is_carried(layout: Layout) -> None:
    version(layout, LIVE, site="aaa")
    live = version(layout, NEW, site="ccc")
    assert carry(layout, LIVE, NEW, 0, NOW) == 0
    assert not (live / "css/site.aaa.css").exists()


def test_a_version_stays_sealed_and_doing_it_twice_does_nothing_more(layout: Layout) -> None:
    version(layout, LIVE, site="aaa")
    live = version(layout, NEW, site="ccc")
    assert [carry(layout, LIVE, NEW, 30, NOW) for _ in range(2)] == [1, 0]
    assert {path.stat().st_mode & 0o777 for path in (live, live / "css", live.parent)} == {0o555}


def test_compressed_files_go_along(layout: Layout) -> None:
    left = version(layout, LIVE, site="aaa")
    (left / "css").chmod(0o755)
    (left / "css/site.aaa.css.gz").write_text("packed")
    live = version(layout, NEW, site="ccc")
    assert carry(layout, LIVE, NEW, 30, NOW) == 2
    assert (live / "css/site.aaa.css.gz").exists()


def test_a_manifest_that_leads_out_of_the_version_is_not_followed(layout: Layout) -> None:
    left = version(layout, LIVE, site="aaa")
    (left / "staticfiles.json").write_text(json.dumps({"paths": {"a": "../../secret", "b": "/etc/passwd"}}))
    version(layout, NEW, site="ccc")
    assert carry(layout, LIVE, NEW, 30, NOW) == 0
