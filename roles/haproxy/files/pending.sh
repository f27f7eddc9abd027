#!/bin/sh
# pending.sh BASE PIDFILE ARGUMENTS: what the running HAProxy needs to become what is configured.
# Prints "restart" when its command line is another, "reload" when BASE is newer than what it has read, else nothing.
# The master writes PIDFILE each time it has read its configuration, at start and at every reload.
base=$1 pidfile=$2 arguments=$3
pid=$(systemctl show --property=MainPID --value haproxy.service)
[ "${pid:-0}" -gt 0 ] || exit 0
case " $(tr '\0' ' ' <"/proc/$pid/cmdline") " in
    *" $arguments "*) ;;
    *) echo restart; exit 0 ;;
esac
if [ -n "$(find "$base" -newer "$pidfile")" ]; then echo reload; fi
