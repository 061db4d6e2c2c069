#!/bin/sh
# install.sh PACKAGE...: from Debian, those that are missing. Only the pipelines use it; nobody's machine gets anything from `make`.
set -eu

missing=
for package in "$@"; do
  case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    'install ok installed') ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

# A server that is installed must not be started: the tests start their own.
if [ -d /usr/sbin ] && [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# A list, so without quotes.
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
