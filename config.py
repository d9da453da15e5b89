"""pyinfra reads this first: a malformed --data is refused here, before pyinfra trips over it."""

from switchback.options import read_command_line

read_command_line()
