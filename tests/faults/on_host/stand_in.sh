#!/bin/sh
# Stands in for a program of the host or for one of its scripts: does what that does, unless a rule says otherwise.
# A rule is a file NAME.command: how (fail, hold, always), how often to let it pass first, and what to match.
name=${0##*/}
for rule in /var/lib/faults/*.command; do
    [ -e "$rule" ] || continue
    { read -r how; read -r pass; read -r pattern; } <"$rule"
    # shellcheck disable=SC2254
    case "$name $*" in $pattern) ;; *) continue ;; esac
    if [ "$pass" = 1 ] && [ ! -e "$rule.passed" ]; then
        : >"$rule.passed"
        continue
    fi
    if [ "$how" != always ]; then
        [ -e "$rule.hit" ] && continue
        : >"$rule.hit"
    fi
    if [ "$how" = hold ]; then
        while [ ! -e "$rule.go" ]; do sleep 0.2; done
    else
        echo "$name: made to fail" >&2
        exit 1
    fi
done
exec "/var/lib/stood-in/$name" "$@"
