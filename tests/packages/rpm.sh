# Inside, with systemd: the life of the RPM package, by Debian's rpm. `set -eu` holds.
# shellcheck shell=sh
config=/etc/wirespan/wirespan.yaml
ok() { echo "ok: $*"; }
# What Debian's dpkg has installed is not known to rpm.
with() { rpm --force-debian --nodeps --quiet "$@"; }
first=$(find /packages -name 'wirespan-*.rpm' ! -name 'wirespan-99*')
newer=$(echo /packages/wirespan-99*.rpm)

rpm --query --package --list "$first" | grep -qx /usr/lib/systemd/system/wirespan.service
rpm --query --package --configfiles "$first" | grep -qx "$config"
rpm --query --package --scripts "$first" | grep -q 'systemctl preset wirespan'
userdel wirespan 2>/dev/null || true
with --install "$first"
getent passwd wirespan >/dev/null
/usr/bin/wirespan config validate "$config"
systemctl is-enabled wirespan
ok "installed from RPM, with a user of its own"
echo '# changed by the administrator' >>"$config"
with --upgrade "$newer"
[ "$(rpm --query wirespan)" != "" ] && rpm --query wirespan | grep -q 99.0.0
grep -q 'changed by the administrator' "$config"
ok "upgraded; the changed configuration is kept"
with --erase wirespan
[ ! -e /usr/bin/wirespan ] && grep -q 'changed by the administrator' "$config.rpmsave"
[ -z "$(find /etc/systemd/system -name 'wirespan*')" ]
ok "erased; the changed configuration lies beside its place"
touch /packages/passed
