"""Where the bed keeps what it makes."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BED = ROOT / ".bed"
DEMO = BED / "demo.json"
# How tests have gone, which outlives all hosts.
RUNS = BED / "runs"
