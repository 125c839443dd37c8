if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers wirespan.conf
elif ! getent passwd wirespan >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir / --shell /sbin/nologin wirespan
fi
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    # A first installation obeys what the distribution presets; an upgrade leaves that as it is.
    if [ "$1" -eq 1 ]; then systemctl preset wirespan.service || :; fi
fi
