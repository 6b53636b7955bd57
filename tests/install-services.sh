# Installs the servers that tests use and PyPI does not carry: only as root, only on Debian, only what is missing.
# Where it installs nothing, tests that need them are skipped by name (and fail when CI=true).
wanted=''
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || wanted="$wanted rabbitmq-server"
browser="${CHROMIUM:-}"
for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    [ -n "$browser" ] || browser=$(command -v "$name" || true)
done
[ -n "$browser" ] || wanted="$wanted chromium-headless-shell"
ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || wanted="$wanted faketime"
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Not installed, so their tests are skipped:$wanted (as root: apt-get install$wanted)" >&2
    exit 0
fi

# Installing must not start a broker on the machine's usual ports: tests start their own, privately.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
echo "Installing$wanted ..."
export DEBIAN_FRONTEND=noninteractive
apt-get install -y -qq --no-install-recommends $wanted >/dev/null 2>&1 || {
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $wanted >/dev/null
}
