#!/bin/sh
# Looks for the tools that are named, and says how to install what is missing.
#   scripts/prerequisites.sh cargo cc python
set -eu

if command -v brew >/dev/null 2>&1; then
    system=brew
elif command -v apt-get >/dev/null 2>&1; then
    system=apt
elif command -v dnf >/dev/null 2>&1; then
    system=dnf
else
    system=other
fi

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

missing=0
lacks() {
    missing=1
    printf '%s\n    %s\n' "$1" "$2" >&2
}

# Whether "rustc 1.95.0 (...)" is of a version like "1.95", or later.
newer_or_same() {
    version=${1#rustc }
    major=${version%%.*}
    minor=${version#*.}
    minor=${minor%%.*}
    [ "$major" -gt "${2%%.*}" ] || { [ "$major" -eq "${2%%.*}" ] && [ "$minor" -ge "${2#*.}" ]; }
}

if ! [ -w "$here" ]; then
    lacks "$here cannot be written to, and what is built and installed goes there. Use a clone that is yours:" \
        "git clone '$here' ~/orgmirror"
fi

# Megabytes: what a build adds to, or what the first one makes.
room=200
[ -d "$here/target" ] || [ -n "${CARGO_TARGET_DIR:-}" ] || room=3000
free=$(df -Pk "$here" 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
if [ "${free:-$room}" -lt "$room" ]; then
    lacks "The disk that $here is on has $free MB left; $room MB are needed. Make room, or build elsewhere:" \
        "export CARGO_TARGET_DIR=/a/directory/on/another/disk"
fi

for tool in "$@"; do
    case $tool in
    cargo)
        if ! command -v cargo >/dev/null 2>&1 || ! command -v rustc >/dev/null 2>&1; then
            lacks "Rust is missing (cargo, rustc). Install it with:" \
                "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
        else
            needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$here/Cargo.toml" | head -n 1)
            if ! found=$(rustc --version 2>&1); then
                lacks "rustc does not start: $found" "rustup default stable"
            elif ! newer_or_same "$found" "$needed"; then
                if command -v rustup >/dev/null 2>&1; then
                    how="rustup update stable && rustup default stable"
                else
                    how="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
                fi
                lacks "Rust is too old: $found. $needed or later is needed. Update it with:" "$how"
            fi
        fi
        ;;
    cc)
        if ! command -v cc >/dev/null 2>&1; then
            case $system in
            brew) how="xcode-select --install" ;;
            apt) how="sudo apt-get install build-essential" ;;
            dnf) how="sudo dnf install gcc" ;;
            *) how="install gcc or clang with your system's package manager" ;;
            esac
            lacks "A C compiler is missing (cc). Install it with:" "$how"
        fi
        ;;
    python)
        python=${PYTHON:-python3}
        case $system in
        brew) how="brew install python" ;;
        apt) how="sudo apt-get install python3 python3-venv" ;;
        dnf) how="sudo dnf install python3" ;;
        *) how="install python3 (3.10 or later) with your system's package manager" ;;
        esac
        if ! command -v "$python" >/dev/null 2>&1; then
            lacks "Python is missing ($python). Install it with:" "$how"
        elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
            lacks "$python is $("$python" -V 2>&1); 3.10 or later is needed. Install it, or name another with PYTHON=...:" "$how"
        elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            lacks "$python has no venv module. Install it with:" "$how"
        fi
        ;;
    *)
        echo "prerequisites.sh: it knows cargo, cc and python, not '$tool'" >&2
        exit 2
        ;;
    esac
done
exit $missing
