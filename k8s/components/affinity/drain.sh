#!/bin/bash
# Before SIGTERM, at which Envoy ends at once and with it every call that it is at. Its connections
# end with their next answer from here on; endpoints are given so many seconds to forget this pod,
# and then nothing is waited for but answers. The grace period bounds that.
#   drain.sh SECONDS
set -euo pipefail

admin() { # METHOD PATH
    printf '%s %s HTTP/1.1\r\nHost: router\r\nConnection: close\r\n\r\n' "$@" >&3
    cat <&3
} 3<>/dev/tcp/127.0.0.1/9901

admin POST /healthcheck/fail
sleep "$1"
while calls=$(admin GET '/stats?filter=^http\.calls\.downstream_rq_active$') &&
    [[ $calls != *"downstream_rq_active: 0"* ]]; do
    sleep 1
done
