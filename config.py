"""pyinfra reads this first: from here on Ctrl-C is no success, and a malformed --data is refused before pyinfra trips
over it."""

from switchback.interrupts import end_at_once
from switchback.options import read_command_line

end_at_once()
read_command_line()
