#!/bin/sh
# Speed over loopback, both sides on one CPU: MB/s of our server and of others with atftp's client,
# and of our server with our client. Prints a Markdown table.
#
#   examples/tftp/speed.sh [MIB]        ATFTPD=/path/to/atftpd  where it is not installed
set -eu
mib=${1:-64}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
(cd "$root" && cargo build --quiet --release -p tftp)
ours=$target/release/tftp
folder=$(mktemp -d /dev/shm/tftp-speed.XXXXXX 2>/dev/null || mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
chmod 755 "$folder"
head -c $((mib * 1048576)) /dev/urandom > "$folder/f"
chmod 644 "$folder/f"
cells="512:1 512:16 512:64 1428:1 1428:16 1428:64 65464:1 65464:16 65464:64"

row() { # name, client, port
    line="| $1 |"
    for cell in $cells; do
        blksize=${cell%:*} windowsize=${cell#*:}
        begin=$(date +%s%N)
        if [ "$2" = ours ]; then
            timeout 60 taskset -c 0 "$ours" --json get 127.0.0.1 f --port "$3" \
                --blksize "$blksize" --windowsize "$windowsize" -o "$folder/copy" >/dev/null 2>&1 || begin=0
        else
            timeout 60 taskset -c 0 atftp --option "blksize $blksize" --option "windowsize $windowsize" \
                -g -r f -l "$folder/copy" 127.0.0.1 "$3" >/dev/null 2>&1 || begin=0
        fi
        end=$(date +%s%N)
        if [ "$begin" = 0 ] || ! cmp -s "$folder/f" "$folder/copy"; then
            line="$line failed |"
        else
            line="$line $((mib * 1048576000 / ((end - begin) / 1000) / 1000)) |"
        fi
        rm -f "$folder/copy"
    done
    echo "$line"
}

with() { # name, client, port, command
    name=$1 client=$2 port=$3
    shift 3
    taskset -c 0 "$@" >/dev/null 2>&1 &
    server=$!
    sleep 0.5
    row "$name" "$client" "$port"
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}

echo "| server, client |$(for cell in $cells; do printf ' %s |' "$cell" | tr ':' '/'; done)"
echo "| --- |$(for cell in $cells; do printf ' ---: |'; done)"
with "ours, atftp" atftp 7169 "$ours" serve "$folder" --listen 127.0.0.1:7169
with "ours (single port), atftp" atftp 7170 "$ours" serve "$folder" --listen 127.0.0.1:7170 --single-port
with "ours, ours" ours 7171 "$ours" serve "$folder" --listen 127.0.0.1:7171
if in.tftpd -V 2>/dev/null | grep -q tftp-hpa; then
    with "tftpd-hpa, atftp" atftp 7172 in.tftpd -L -u root -a 127.0.0.1:7172 -s "$folder"
fi
atftpd=${ATFTPD:-/usr/sbin/atftpd}
if [ -x "$atftpd" ]; then
    with "atftpd, atftp" atftp 7173 "$atftpd" --daemon --no-fork --logfile /dev/null \
        --bind-address 127.0.0.1 --port 7173 "$folder"
fi
