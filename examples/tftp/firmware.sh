#!/usr/bin/env bash
# What a TFTP client costs on a Cortex-M3: builds an image that reads a file in blocks of 1428 octets
# and does nothing else, weighs it, and runs it in QEMU to see what RAM it uses. Prints a table with
# tabs; fails where it needs more than 12 KiB of flash or 4 KiB of RAM.
#
#   examples/tftp/firmware.sh > firmware.tsv && cargo run -p figures -- tsv tftp-firmware firmware.tsv
set -euo pipefail
cd "$(dirname "$0")/../phone-firmware"
target=thumbv7m-none-eabi
image=${CARGO_TARGET_DIR:-target}/$target/release/tftp-client
build() { cargo build --quiet --release --target $target --bin tftp-client "$@"; }
work=$(mktemp -d)
qemu=
trap '[ -z "$qemu" ] || kill "$qemu" 2>/dev/null; rm -rf "$work"' EXIT

build
section() { readelf -SW "$image" | awk -v name="$1" '{ sub(/^ *\[ *[0-9]+\] */, "") } $1 == name { print $5 }'; }
flash=0
for name in .text .rodata .data; do
    octets=$(section $name)
    flash=$((flash + 16#${octets:-0}))
done
vectors=$((16#$(section .vector_table)))

build --features tftp-self-test
qemu-system-arm -M mps2-an385 -nographic -monitor none -serial "file:$work/console" -kernel "$image" </dev/null 2>"$work/qemu" &
qemu=$!
for _ in {1..100}; do
    grep -q stack "$work/console" 2>/dev/null && break
    sleep 0.1
done
read -r _ whole _ statics _ stack < "$work/console"
[ "$whole" = true ] || { echo 'the image did not read its file' >&2; exit 1; }
ram=$((statics + stack))

printf 'on a Cortex-M3, blocks of 1428 octets\toctets\n'
printf 'flash: client, start-up code and C library\t%d\n' $flash
printf 'flash: the vector table of the board\t%d\n' $vectors
printf 'RAM: statics, the datagram among them\t%d\n' "$statics"
printf 'RAM: stack, the client among it\t%d\n' "$stack"
[ $flash -le 12288 ] || { echo "more than 12 KiB of flash: $flash" >&2; exit 1; }
[ $ram -le 4096 ] || { echo "more than 4 KiB of RAM: $ram" >&2; exit 1; }
