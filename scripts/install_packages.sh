#!/usr/bin/env bash
# Installs the Debian packages that are missing: scripts/install_packages.sh build|test
set -euo pipefail

packages=(cmake ninja-build g++ ccache pkg-config libdnnl-dev libhwy-dev libvips-dev libqpdf-dev nlohmann-json3-dev
          libpcre2-dev libleptonica-dev libgumbo-dev libfribidi-dev libcli11-dev libfmt-dev libspdlog-dev
          libpoppler-cpp-dev poppler-data libfontconfig-dev libfreetype-dev libseccomp-dev libcurl4-openssl-dev
          libssl-dev libmicrohttpd-dev prometheus-cpp-dev libsqlite3-dev libzip-dev)
case "${1:-}" in
  build) ;;
  test)
    packages+=(libgtest-dev libgmock-dev clang clang-tidy clang-format libclang-rt-dev libomp-dev git mandoc zsh
               python3 python3-venv python3-numpy python3-pil fonts-dejavu fonts-liberation fonts-lato fonts-open-sans
               fonts-roboto fonts-crosextra-carlito fonts-crosextra-caladea fonts-freefont-ttf
               python3-jsonschema poppler-utils qpdf libfaketime) ;;
  *) echo "usage: scripts/install_packages.sh build|test" >&2; exit 2 ;;
esac
[[ -z "${LECTERN_NO_INSTALL:-}" ]] || exit 0

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "install_packages: this needs Debian or Ubuntu with apt-get; elsewhere install the counterparts of" \
       "'${packages[*]}' and set LECTERN_NO_INSTALL=1" >&2
  exit 1
fi

# The pattern ${Provides} finds packages that are installed under another name, as pkgconf is for pkg-config.
installed=" $(dpkg-query -W -f='${db:Status-Status} ${Package} ${Provides}\n' | sed -n 's/^installed //p' |
              sed 's/([^)]*)//g' | tr ',\n' '  ') "
missing=()
for package in "${packages[@]}"; do
  [[ "$installed" == *" $package "* ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=(env)
if [[ "$(id -u)" -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "install_packages: as root, run: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo env)
fi

echo "installing ${#missing[@]} packages: ${missing[*]}"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "install_packages: apt-get could not install: ${missing[*]}" >&2
  exit 1
fi
