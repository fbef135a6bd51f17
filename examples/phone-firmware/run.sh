#!/usr/bin/env bash
# Builds the phone, boots it in QEMU in a network namespace of its own, and checks that it fetches
# its configuration, registers, takes a call and hangs up cleanly. Needs root, /dev/net/tun, and
# Debian's qemu-system-arm, dnsmasq-base, sip-tester and iproute2.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

for need in qemu-system-arm dnsmasq sipp ip; do
    PATH="$PATH:/usr/sbin" command -v "$need" >/dev/null || { echo "SKIPPED: $need is not installed: nothing was shown here" >&2; exit 0; }
done
[ -e /dev/net/tun ] || { echo 'SKIPPED: there is no /dev/net/tun: nothing was shown here' >&2; exit 0; }

work="$(mktemp -d)"
space="phone-$$"
in_space=(ip netns exec "$space")
finish() {
    ip netns pids "$space" 2>/dev/null | xargs -r kill 2>/dev/null || true
    ip netns del "$space" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

# Rust's own target where rustup has it, else Debian's compiler and its source of `core`.
target=thumbv7m-none-eabi
if rustup target list --installed 2>/dev/null | grep -qx $target || rustup target add $target >/dev/null 2>&1; then
    DEFMT_LOG=info cargo build -q --release --target $target
else
    linker="$(dirname "$(rustc --print target-libdir)")/bin/rust-lld"
    DEFMT_LOG=info RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER="$linker" \
        /usr/bin/cargo build -q --release --target $target -Z build-std=core,compiler_builtins \
        -Z build-std-features=compiler-builtins-mem
fi
image="${CARGO_TARGET_DIR:-target}/$target/release/phone"
(cd ../.. && cargo build -q --release -p live-server -p tftp)
hosts="${CARGO_TARGET_DIR:-../../target}/release"

mkdir "$work/root"
cat >"$work/root/phone-525400123456.cfg" <<'CONFIG'
user = alice
password = secret
domain = example.test
server = 10.77.0.1:5060
transport = udp
ring = ring.pcmu
microphone = loop
CONFIG
head -c 1600 /dev/zero | tr '\0' '\377' >"$work/root/ring.pcmu"
printf 'domain = "example.test"\n[[user]]\nname = "alice"\npassword = "secret"\n' >"$work/users.toml"

ip netns add "$space"
"${in_space[@]}" ip link set lo up
"${in_space[@]}" ip tuntap add dev tap0 mode tap
"${in_space[@]}" ip addr add 10.77.0.1/24 dev tap0
"${in_space[@]}" ip link set tap0 up
"${in_space[@]}" dnsmasq --no-daemon --port=0 --interface=tap0 --bind-interfaces \
    --dhcp-range=10.77.0.50,10.77.0.50,1h --dhcp-option=66,10.77.0.1 >"$work/dhcp.log" 2>&1 &
"${in_space[@]}" "$hosts/tftp" serve "$work/root" --listen 10.77.0.1:69 >"$work/tftp.log" 2>&1 &
"${in_space[@]}" "$hosts/live-server" --users "$work/users.toml" --udp 10.77.0.1:5060 >"$work/server.log" 2>&1 &

mkfifo "$work/keyboard"
"${in_space[@]}" qemu-system-arm -M mps2-an385 -nographic -monitor none -serial stdio \
    -serial "file:$work/log.bin" -kernel "$image" \
    -nic tap,ifname=tap0,script=no,downscript=no,model=lan9118,mac=52:54:00:12:34:56 \
    <"$work/keyboard" >"$work/console" 2>&1 &
exec 3>"$work/keyboard"

# await TEXT SECONDS: waits until the phone has printed it.
await() {
    local tries=$(($2 * 10))
    until grep -qF "$1" "$work/console"; do
        tries=$((tries - 1))
        if [ $tries -le 0 ]; then
            printf 'the phone did not say "%s" within %s s:\n' "$1" "$2" >&2
            cat "$work/console" "$work/server.log" "$work/tftp.log" >&2
            exit 1
        fi
        sleep 0.1
    done
    printf 'ok: %s\n' "$1"
}

await 'phone: configured by phone-525400123456.cfg' 20
await 'phone: ring tone of 1600 octets' 5
await 'phone: registered for' 5
"${in_space[@]}" sipp -sn uac 10.77.0.50:5060 -s alice -m 1 -d 2000 -i 10.77.0.1 -p 5070 -nostdin \
    >"$work/sipp.log" 2>&1 &
caller=$!
await 'phone: ringing' 5
echo answer >&3
await 'phone: talking' 2
await 'phone: they hung up' 10
wait $caller || { echo 'the caller was not content' >&2; tail -n 30 "$work/sipp.log" >&2; exit 1; }
echo 'ok: the caller was content'
echo memory >&3
await 'memory: live' 2
grep '^memory' "$work/console"
