"""What differs between kinds of databases while they are migrated: how long a lock is waited for, who holds it, and
whose a session is. A module each; `kind` says what there is to know of one."""
