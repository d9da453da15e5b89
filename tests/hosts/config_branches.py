"""Changes of the config, as its owner would push them."""

from tests.bed.hosts import Host

PUSH = """
set -eu
rm -rf /root/work && git clone --quiet /srv/git/config.git /root/work && cd /root/work
eval "$1"
git add --all
git -c user.name=Sam -c user.email=sam@example.org commit --quiet --message "Change what runs the site"
git push --quiet origin HEAD:refs/heads/$2
"""


def push_config(host: Host, change: str, branch: str) -> None:
    """Push a branch of the host's config repository: `main`, changed by a command in it."""
    host.run(["sh", "-c", PUSH, "sh", change, branch])
