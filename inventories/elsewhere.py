"""An environment whose settings are elsewhere: in the file that --group-data names, as in
`--group-data deploy/prod.yml`."""

from switchback.hosts.inventory import inventory

app = inventory(__file__)
