"""One database for several hosts, as a site that runs on more than one has it."""

from tests.bed.hosts import Host

# The engine's own networks: nobody else reaches a container there.
PRIVATE = "172.16.0.0/12"


def share_database(first: Host, *others: Host) -> None:
    """Let the app on the other hosts use the first one's PostgreSQL. The app user has to exist on all of them."""
    cluster = first.read("echo /etc/postgresql/*/main").strip()
    first.write(f"{cluster}/conf.d/shared.conf", "listen_addresses = '*'\n")
    rules = first.run(["cat", f"{cluster}/pg_hba.conf"]).stdout
    first.write(f"{cluster}/pg_hba.conf", f"{rules}host app app {PRIVATE} trust\n", mode=0o644)
    first.run(["systemctl", "restart", "postgresql"])
    first.wait()
    address = first.run(["hostname", "-I"]).stdout.split()[0]
    for other in others:
        other.write("/home/app/database_host", f"{address}\n", owner="app")
