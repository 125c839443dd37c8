#!/bin/sh
# Installs the packages of a folder on a Debian that is thrown away: this machine's own, below a layer in memory. As root.
#   run.sh FOLDER NEWER_RPM
# systemd is the first process in a namespace of processes of its own, where the agent refuses to trace (kernel programs tell process ids of
# the host): what it does there is to install, start, upgrade, remove and purge. What is installed then traces outside of that namespace, as
# the user of the service and with its capabilities.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "${3:-}" != inside ]; then
    exec unshare --mount "$0" "$1" "$2" inside
fi

top=$(mktemp -d)
mount -t tmpfs none "$top"
mkdir "$top/upper" "$top/work" "$top/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$top/root"
root=$top/root
mkdir "$root/packages"
cp "$here"/*.sh "$1"/*.deb "$1"/*.rpm "$2" "$root/packages/"
# Not the host's identity, nor what keeps its services from being started, nor units of the host.
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
rm -f "$root/usr/sbin/policy-rc.d"
rm -rf "$root/etc/systemd/system"/*.wants

# Boots, runs a part of debian.sh or rpm.sh as a service, and ends.
boot() {
    rm -f "$root/packages/passed" "$root/packages/output"
    cat >"$root/etc/systemd/system/packages.service" <<UNIT
[Unit]
Wants=dbus.service
After=dbus.service
[Service]
Type=oneshot
Environment=HOME=/root
StandardOutput=append:/packages/output
StandardError=inherit
ExecStart=/bin/sh -eu /packages/$1 $2
ExecStopPost=/bin/systemctl --no-block poweroff
UNIT
    # Drops most capabilities unless told otherwise; those of the unit are what is tried.
    timeout 300 systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --link-journal=no \
        --capability=CAP_BPF,CAP_PERFMON --system-call-filter='bpf perf_event_open' \
        /lib/systemd/systemd systemd.unit=packages.service >"$top/console" 2>&1 </dev/null || true
    cat "$root/packages/output"
    if [ ! -e "$root/packages/passed" ]; then
        tail -n 20 "$top/console"
        echo "failed: $1 $2"
        exit 1
    fi
}

boot debian.sh install
mount --bind /sys "$root/sys"
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
chroot "$root" /bin/sh -eu /packages/trace.sh
umount --lazy "$root/sys" "$root/proc" "$root/dev"
boot debian.sh upgrade
boot debian.sh remove
boot rpm.sh all
