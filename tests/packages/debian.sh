# Inside, with systemd: the life of the Debian package. `set -eu` holds, so whatever is not as it should ends this.
# shellcheck shell=sh
export DEBIAN_FRONTEND=noninteractive
package=$(echo /packages/wirespan_*.deb)
config=/etc/wirespan/wirespan.yaml
ok() { echo "ok: $*"; }
status() { dpkg-query -W -f '${db:Status-Status}' wirespan 2>/dev/null || echo none; }

install() {
    dpkg --install "$package"
    [ "$(status)" = installed ]
    getent passwd wirespan | grep -q ':/usr/sbin/nologin$'
    [ "$(stat -c %a:%U /etc/default/wirespan)" = 600:root ]
    ok "installed, with a user of its own"
    /usr/bin/wirespan --version
    /usr/bin/wirespan config validate "$config"
    for page in wirespan wirespan-run wirespan-config-validate; do
        zcat "/usr/share/man/man1/$page.1.gz" | grep -q '^\.TH'
    done
    bash -c '. /usr/share/bash-completion/completions/wirespan && complete -p wirespan' >/dev/null
    ok "the binary, a valid configuration, manual pages and completions"
    systemctl is-enabled wirespan
    [ "$(systemctl show -P Type wirespan)" = notify ]
    systemd-analyze verify wirespan.service
    # It is started at once. Here it refuses: this is no place from where processes can be told.
    for _ in $(seq 50); do
        journalctl --unit wirespan --grep 'PID namespace' >/dev/null 2>&1 && break
        sleep 0.2
    done
    journalctl --unit wirespan --output cat --no-pager
    journalctl --unit wirespan --output cat --no-pager | grep -q 'yes CAP_BPF'
    journalctl --unit wirespan --output cat --no-pager | grep -q 'yes CAP_DAC_READ_SEARCH'
    [ "$(systemctl show -P ExecMainStatus wirespan)" = 1 ]
    ok "systemd started it, with the capabilities of the unit"
}

upgrade() {
    echo '# changed by the administrator' >>"$config"
    # A newer package, with another default.
    dpkg-deb --raw-extract "$package" /tmp/newer
    sed -i 's/^Version: .*/Version: 99.0.0-1/' /tmp/newer/DEBIAN/control
    echo '# changed by the package' >>"/tmp/newer$config"
    dpkg-deb --root-owner-group --build /tmp/newer /tmp/newer.deb >/dev/null
    dpkg --force-confdef --force-confold --install /tmp/newer.deb
    [ "$(dpkg-query -W -f '${Version}' wirespan)" = 99.0.0-1 ]
    grep -q 'changed by the administrator' "$config"
    if grep -q 'changed by the package' "$config"; then exit 1; fi
    grep -q 'changed by the package' "$config.dpkg-dist"
    ok "upgraded; the changed configuration is kept, the new one lies beside it"
}

remove() {
    dpkg --remove wirespan
    [ "$(status)" = config-files ]
    [ ! -e /usr/bin/wirespan ] && grep -q 'changed by the administrator' "$config"
    if systemctl is-active wirespan; then exit 1; fi
    ok "removed; the configuration is kept"
    rm -f "$config.dpkg-dist"
    dpkg --purge wirespan
    [ "$(status)" != installed ] && [ ! -e /etc/wirespan ] && [ ! -e /etc/default/wirespan ]
    [ -z "$(find /etc/systemd/system -name 'wirespan*')" ]
    ok "purged; nothing is left but the user"
}

"$1"
touch /packages/passed
