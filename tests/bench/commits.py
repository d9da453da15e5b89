"""What is deployed: commits over good-1, each with one more migration, another page and other static files."""

from __future__ import annotations

from tests.bed.hosts import Host

MAKE = r"""
set -eu
rm -rf /root/bench && git clone --quiet /srv/git/code.git /root/bench && cd /root/bench
git config user.name Sam && git config user.email sam@example.org
git checkout --quiet good-1
last=0001_initial
for number in $(seq "$1"); do
    name=$(printf '%04d_bench_%d' $((number + 1)) "$number")
    cat >"items/migrations/$name.py" <<END
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("items", "$last")]
    operations = [
        migrations.CreateModel("Bench$number", [("id", models.BigAutoField(primary_key=True, serialize=False))])
    ]
END
    last=$name
    echo "/* $number */" >>static/css/site.css
    sed -i "s|</body>|<p>$number</p></body>|" templates/items/index.html
    git add --all
    git commit --quiet --message "Change $number"
    git push --quiet origin "HEAD:refs/heads/bench-$number"
done
"""


def make_commits(host: Host, number: int) -> None:
    """Make so many on a host, each a branch: bench-1, bench-2 …"""
    host.run(["bash", "-c", MAKE, "bash", str(number)])
