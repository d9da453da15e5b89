"""Staging: the hosts that group_data/staging.yml names."""

from switchback.hosts.inventory import inventory

app = inventory(__file__)
