#!/usr/bin/env bash
# Builds the phone and the lab, boots the phone in QEMU beside real servers, and checks what it does.
# Needs root, /dev/net/tun, and Debian's qemu-system-arm, dnsmasq-base, tftpd-hpa, kamailio,
# kamailio-presence-modules, sip-tester, baresip-core, iproute2 and util-linux: where one of them is
# missing it says so, and that nothing was shown. Arguments go to the lab: names of checks,
# --fuzz-seconds N, --json, --log, --list, --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PATH="$PATH:/usr/sbin:/sbin"

# Rust's own target where rustup has it, else Debian's compiler and its source of `core`.
target=thumbv7m-none-eabi
if rustup target list --installed 2>/dev/null | grep -qx $target || rustup target add $target >/dev/null 2>&1; then
    DEFMT_LOG=info cargo build -q --locked --release --target $target --bin phone
else
    linker="$(dirname "$(rustc --print target-libdir)")/bin/rust-lld"
    DEFMT_LOG=info RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER="$linker" \
        /usr/bin/cargo build -q --locked --release --target $target --bin phone \
        -Z build-std=core,compiler_builtins -Z build-std-features=compiler-builtins-mem
fi
image="${CARGO_TARGET_DIR:-target}/$target/release/phone"
(cd ../.. && cargo build -q --locked -p live-server -p tftp -p phone-lab)
hosts="${CARGO_TARGET_DIR:-../../target}/debug"

status=0
"$hosts/phone-lab" --image "$image" --live-server "$hosts/live-server" --tftp "$hosts/tftp" "$@" || status=$?
# 77: something is missing, and was named.
[ $status -eq 77 ] || exit $status
