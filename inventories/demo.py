"""The demo's host, which `make demo` starts."""

import json
from pathlib import Path

from switchback.hosts.inventory import inventory
from switchback.settings.errors import Refused

_details = Path(__file__).resolve().parents[1] / ".bed" / "demo.json"
if not _details.exists():
    raise Refused("There is no demo host. `make demo` starts one.")
app = inventory(__file__, hosts=list(json.loads(_details.read_text()).items()))
