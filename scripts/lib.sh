# Sourced by the other scripts: where things are, how to speak, which tools must be there.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$root/.cache/bin
state=$root/.local
local_tool=$bin/clientele-local
# What this project builds for itself comes first; cargo may be installed without being in PATH yet.
export PATH="$root/.cache/go/bin:$bin:$PATH:$HOME/.cargo/bin"
cd "$root"

say() { printf '==> %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Whether these scripts may install packages: on Debian, as root. Elsewhere a missing tool is named.
may_install() {
  [ "$(id -u)" = 0 ] && have apt-get && grep -q '^ID=debian' /etc/os-release 2>/dev/null
}

apt_install() {
  say "installing $*"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >/dev/null 2>&1 && return
  apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q "$@" >/dev/null
}

# at_least HAVE WANT: compares dotted versions.
at_least() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

need_linker() {
  have cc && return
  may_install || die "no C compiler, which Rust links with: install gcc or clang"
  apt_install gcc libc6-dev
}

need_cargo() {
  need_linker
  local want version
  want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  if ! have cargo && may_install && apt-cache show rustup >/dev/null 2>&1; then
    apt_install rustup
  fi
  if have rustup && ! { have cargo && cargo --version >/dev/null 2>&1; }; then
    rustup default "$want" >&2
  fi
  have cargo || die "no cargo: install Rust $want or later (https://rustup.rs)"
  version=$(cargo --version | cut -d' ' -f2)
  at_least "$version" "$want" && return
  have rustup || die "cargo $version is too old: install Rust $want or later (https://rustup.rs)"
  say "installing Rust $want"
  rustup toolchain install "$want" --profile minimal >&2
  export RUSTUP_TOOLCHAIN=$want
}

# Since 1.21 Go fetches the release that go.mod asks for by itself. Debian's is older, but can fetch a newer one as
# what it is: a module.
need_go() {
  local toolchain=v0.0.1-go1.26.8.linux-amd64 version
  if have go; then
    version=$(go version | sed 's/.* go\([0-9.]*\).*/\1/')
    at_least "$version" 1.21 && return
  fi
  if ! may_install || [ "$(uname -m)" != x86_64 ]; then
    die "no Go 1.21 or later: install it (https://go.dev/dl), or set KUBEBUILDER_ASSETS (see deploy/local)"
  fi
  have go || apt_install golang-go
  say "fetching Go 1.26"
  (cd / && go mod download "golang.org/toolchain@$toolchain")
  mkdir -p .cache
  rm -rf .cache/go
  cp -r "$(go env GOMODCACHE)/golang.org/toolchain@$toolchain" .cache/go
  chmod -R u+w .cache/go
  chmod +x .cache/go/bin/* .cache/go/pkg/tool/*/*
  hash -r
}

# Several replicas of `clientele mail` count in Redis. Without one here, the tests that need it say so and are left out.
need_redis() {
  have redis-server && return
  if ! may_install; then
    say "no redis-server: tests with Redis are left out"
    return
  fi
  apt_install redis-server
}

# What decisions about mail are measured beside. It is not set up, and its service is not started.
need_postfwd() {
  have postfwd2 || [ -x /usr/sbin/postfwd2 ] && return
  if ! may_install; then
    say "no postfwd: nothing is measured beside it"
    return
  fi
  apt_install postfwd
}

# Mail is tried with a real Postfix, which tests start for themselves: the one of the system is neither set up nor started. Without
# one here, the tests that need it say so and are left out.
need_postfix() {
  [ -x /usr/sbin/postfix ] && return
  if ! may_install; then
    say "no postfix: tests with Postfix are left out"
    return
  fi
  echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
  apt_install postfix libsasl2-modules
}

# libFuzzer, which is C++, is built along with the fuzz targets. Coverage is all that is asked of the compiler, so Rust may be stable.
need_cargo_fuzz() {
  local version=0.13.2
  if ! have c++; then
    may_install || die "no C++ compiler, which libFuzzer is built with: install g++ or clang"
    apt_install g++
  fi
  [ "$(.cache/bin/cargo-fuzz --version 2>/dev/null)" = "cargo-fuzz $version" ] && return
  step "build cargo-fuzz" cargo install --quiet --locked "cargo-fuzz@$version" --root .cache
}

need_kubectl() {
  have kubectl && return
  "$root/scripts/control-plane"
}

# The demo's operator.
operator_address=127.0.0.1:18080

# What the demo starts, in the order in which it is ended.
demo_programs=(postfix mail relay operator)

# begin NAME COMMAND...: starts a program that outlives this script, with its output in .local/NAME.log.
begin() {
  local name=$1 program
  shift
  setsid nohup "$@" >"$state/$name.log" 2>&1 </dev/null &
  # `env` with its variables becomes what comes after them.
  for program in "$@"; do
    [[ $program = env || $program = *=* ]] || break
  done
  echo "$! $(basename "$program")" >"$state/$name.pid"
}

# A process id in a file may be somebody else's by now: the name must be right too.
runs() {
  local pid program
  read -r pid program 2>/dev/null <"$state/$1.pid" && [ "$(ps -o comm= -p "$pid")" = "$program" ]
}

stop() {
  local pid
  runs "$1" || return 0
  read -r pid _ <"$state/$1.pid"
  kill "$pid"
  for _ in $(seq 100); do
    runs "$1" || return 0
    sleep 0.1
  done
  kill -KILL "$pid"
}

# step NAME COMMAND...: says how long it took.
step() {
  local name=$1 began=$SECONDS
  shift
  say "$name"
  "$@" || die "$name failed after $((SECONDS - began)) s"
  say "$name: $((SECONDS - began)) s"
}
