# Registry with the configuration $1. It collects its garbage when the file $2 is there, at its start or later, and removes it.
# Later it waits until nobody holds $3, as a start of the node does that pushes images.
#
# The collector must not run beside a registry that takes pushes, so it dies with this shell:
# https://distribution.github.io/distribution/about/garbage-collection/
set -u
exec 9>"$3"
trap 'kill "$registry" 2>/dev/null; wait "$registry"; exit 0' TERM INT
registry=

while :; do
    if [ -e "$2" ]; then
        setpriv --pdeathsig=KILL docker-registry garbage-collect "$1" &
        if wait $!; then rm -f "$2"; else mv -f "$2" "$2.failed"; fi
    fi
    setpriv --pdeathsig=TERM docker-registry serve "$1" 9>&- &
    registry=$!
    sleep 1 9>&- & wait $!
    flock --unlock 9
    while ! { [ -e "$2" ] && flock --nonblock 9; }; do
        kill -0 "$registry" 2>/dev/null || exit 1
        sleep 1 9>&- & wait $!
    done
    kill "$registry"
    wait "$registry"
done
