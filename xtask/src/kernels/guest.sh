#!/bin/busybox sh
# The first process of the guest: finds the host's file system, makes it writable for the guest alone, runs the command.
b=/bin/busybox
fail() { $b echo "guest: $*" >/dev/console; $b poweroff -f; }
$b mount -t devtmpfs dev /dev || fail "no devtmpfs"
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
for driver in $($b cat /drivers/order); do
    $b insmod /drivers/$driver.ko || fail "cannot load $driver"
done
$b mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose host /host || fail "cannot mount the host's files"
$b mount -t tmpfs tmpfs /rw && $b mkdir /rw/upper /rw/work
$b mount -t overlay -o lowerdir=/host@USERLAND@,upperdir=/rw/upper,workdir=/rw/work overlay /newroot || fail "cannot mount the overlay"
# With programs of its own, the guest has these folders of the host besides.
number=0
for dir in @SHARED@; do
    number=$((number + 1))
    $b mkdir -p /newroot$dir /rw/upper$number /rw/work$number
    $b mount -t overlay -o lowerdir=/host$dir,upperdir=/rw/upper$number,workdir=/rw/work$number overlay /newroot$dir || fail "cannot mount $dir"
done
for dir in proc sys dev run; do $b mkdir -p /newroot/$dir; done
$b mount -t tmpfs -o mode=755 tmpfs /newroot/run
$b mkdir /newroot/run/lock /newroot/run/guest
$b cp /bin/busybox /command /newroot/run/guest/
$b cat >/newroot/run/guest/init <<'END'
#!/run/guest/busybox sh
b=/run/guest/busybox
$b mkdir -p /dev/pts /dev/shm /lib/modules/@RELEASE@
$b mount -t devpts devpts /dev/pts
$b mount -t tmpfs shm /dev/shm
$b mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
$b mount -t bpf bpf /sys/fs/bpf 2>/dev/null
$b mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
$b mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
$b mount --bind @MODULES@ /lib/modules/@RELEASE@ 2>/dev/null
$b ln -sf /proc/self/fd /dev/fd 2>/dev/null
$b hostname guest
$b ip link set lo up
exec <@PORT@ >@PORT@ 2>&1
$b stty raw -echo
/run/guest/command </dev/null
status=$?
$b echo "@MARK@ $status"
# The last bytes are still on their way through the serial port.
$b sleep 0.2
$b poweroff -f
END
$b chmod 755 /newroot/run/guest/init
for dir in dev proc sys; do $b mount --move /$dir /newroot/$dir; done
exec $b switch_root /newroot /run/guest/busybox sh /run/guest/init
