"""Production: the hosts that group_data/prod.yml names."""

from switchback.hosts.inventory import inventory

app = inventory(__file__)
