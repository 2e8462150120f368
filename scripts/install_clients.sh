#!/usr/bin/env bash
# Installs the clients that the tests of the server use into build/clients: OpenAI's packages and schemathesis, from PyPI
# and npm. What is there already stays.
#
#   scripts/install_clients.sh             prints why where it cannot, and ends with 3
set -euo pipefail
cd "$(dirname "$0")/.."

python_packages=('openai==1.109.1' 'schemathesis==4.32.5')
node_package='openai@6.49.0'
clients=build/clients
wanted="${python_packages[*]} $node_package"
mkdir -p "$clients"
exec 9>"$clients/lock"
flock 9
[[ "$(cat "$clients/installed" 2>/dev/null)" != "$wanted" ]] || exit 0

fail() {
  echo "install_clients: $1" >&2
  exit 3
}
[[ -x "$clients/bin/python" ]] || /usr/bin/python3 -m venv "$clients" || fail "needs python3-venv"
"$clients/bin/pip" install --quiet --disable-pip-version-check "${python_packages[@]}" || fail "pip cannot install"
if command -v npm >/dev/null; then
  npm install --silent --no-audit --no-fund --prefix "$clients/node" "$node_package" || fail "npm cannot install"
fi
echo "$wanted" >"$clients/installed"
