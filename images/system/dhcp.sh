#!/usr/bin/busybox sh
# What the DHCP client runs when its lease changes: address and default route, nothing else.
#
# The client sets the variables: $1 is the event, $interface, $ip, $mask (prefix length), $router.
# Name servers are not written anywhere: no program of the core resolves names.
ip() { /usr/bin/busybox ip "$@"; }

case "$1" in
deconfig)
    ip -4 addr flush dev "$interface"
    ip link set dev "$interface" up
    ;;
bound|renew)
    ip -4 addr replace "$ip/$mask" dev "$interface"
    if [ -n "$router" ]; then
        # Several routers may be offered; the first is the preferred one.
        ip -4 route replace default via "${router%% *}" dev "$interface"
    fi
    echo "uplink $interface has $ip/$mask, router ${router:-none}"
    ;;
leasefail|nak)
    echo "no lease on $interface; trying again"
    ;;
esac
