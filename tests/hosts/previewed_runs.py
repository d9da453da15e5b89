"""Runs that are held to their own previews: whatever ends well has done what it said before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from switchback.plan.store import load
from tests.bed.hosts import Host
from tests.hosts.as_previewed import assert_as_previewed, state_of
from tests.runs import LIMIT, Result, Runs

CHANGES_SITE = ("deploy", "build", "revert", "clean")


class PreviewedRuns(Runs):
    """Starts runs, and compares each that ends well with what it showed before."""

    def __call__(
        self,
        deploy: str,
        *hosts: Host,
        data: Mapping[str, object] | None = None,
        args: Sequence[str] = (),
        own: Mapping[str, Mapping[str, Any]] | None = None,
        timeout: float = LIMIT,
    ) -> Result:
        """Run deploys/NAME.py on hosts, wait for its end, and compare. Raises AssertionError for what differs."""
        told = dict(data or {})
        if (
            deploy not in CHANGES_SITE
            or {"--dry", "--limit"} & set(args)
            or {"pin", "unpin", "save_plan"} & told.keys()
        ):
            return super().__call__(deploy, *hosts, data=data, args=args, own=own, timeout=timeout)
        plan = Path(self._folder) / f"preview-{self._number}.json"
        # With a host that is down, the run is refused.
        before = {host.name: state_of(host) for host in hosts if host.container.status == "running"}
        result = super().__call__(deploy, *hosts, data={**told, "save_plan": plan}, args=args, own=own, timeout=timeout)
        if result.code == 0:
            shown = {one.host: one for one in load(plan).hosts}
            for host in hosts:
                assert_as_previewed(shown[host.name], before[host.name], state_of(host))
        return result
