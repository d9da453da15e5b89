"""The demo's host, which `make demo` starts."""

import json
from pathlib import Path

from switchback.errors import Refused
from switchback.inventory import inventory

_details = Path(__file__).resolve().parents[1] / ".bed" / "demo.json"
if not _details.exists():
    raise Refused("There is no demo host. `make demo` starts one.")
app = inventory(__file__, hosts=list(json.loads(_details.read_text()).items()))
