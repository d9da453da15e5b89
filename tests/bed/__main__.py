"""The bed's command line: python -m tests.bed demo | demo-down | hosts N | hosts-down | engine | image."""

import argparse
import sys

from docker.errors import DockerException

from tests.bed.by_hand import hosts_down, hosts_up
from tests.bed.demo import demo, demo_down
from tests.bed.engine import ensure_engine
from tests.bed.image import ensure_image
from tests.bed.progress import BedError, say


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bed", description="The test bed, by hand.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("demo", help="start a host, provision it and deploy the sample site to it")
    one.add_argument("--port", type=port, default=0, help="the site's port")
    commands.add_parser("demo-down", help="remove the demo")
    several = commands.add_parser("hosts", help="start bare hosts")
    several.add_argument("number", type=count)
    commands.add_parser("hosts-down", help="remove the bare hosts")
    commands.add_parser("engine", help="make sure that a Docker engine answers")
    commands.add_parser("image", help="build the host image, if it isn't there")
    return parser.parse_args()


def port(text: str) -> int:
    """A port that a program may listen on here."""
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: give a number from 1024 to 65535")
    return int(text)


def count(text: str) -> int:
    """How many hosts."""
    if not text.isdecimal() or not 1 <= int(text) <= 20:
        raise argparse.ArgumentTypeError(f"{text} is no number of hosts: give one from 1 to 20")
    return int(text)


def run(asked: argparse.Namespace) -> None:
    """Do what was asked for."""
    match asked.command:
        case "demo":
            demo(asked.port)
        case "demo-down":
            demo_down()
        case "hosts":
            hosts_up(asked.number)
        case "hosts-down":
            hosts_down()
        case "engine":
            ensure_engine()
        case "image":
            ensure_engine()
            say(f"  The host image is {ensure_image()}")


if __name__ == "__main__":
    try:
        run(arguments())
    except BedError as error:
        sys.exit(f"error: {error}")
    except DockerException as error:
        sys.exit(f"error: the Docker engine says: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
