# SPDX-License-Identifier: Apache-2.0
# At a log-in on a text terminal of this machine: shows what idem does, once, and again when that has
# changed. Read by every log-in shell, so it does nothing anywhere else, sets no variable, and takes a
# second at most until there is something to show (idem-agent welcome sees to that).
case $- in
*i*)
    if [ -S /run/idem-agent/control ] && [ -x /usr/bin/idem-agent ] && [ -t 0 ] && [ -t 1 ] &&
        [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}${SSH_CONNECTION:-}" ]; then
        /usr/bin/idem-agent welcome --terminal || :
    fi
    ;;
esac
