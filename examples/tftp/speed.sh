#!/usr/bin/env bash
# Speed over loopback, both sides on one CPU: our server and those of others with atftp's client, and
# our server with our client. Prints a line for each cell, tabs between its fields:
#
#   MiB, blksize, windowsize, server, client, octets, seconds, CPU seconds of the server, of the client
#
# Octets are 0 where the file did not come whole in time. `figures tftp FILE` makes README's tables.
# Whatever else the machine does meanwhile comes and goes: the servers take turns in each cell, and
# the fastest round of each counts; one that stalls in any round has stalled.
#
#   examples/tftp/speed.sh [MIB…] > speed.tsv       64 and 512, if nothing is said
#
#   CELLS="512:1 1428:16"   blksize:windowsize, fewer than all nine
#   SERVERS="ours dnsmasq"  fewer than all there are
#   ATFTPD, TFTPD           where atftpd is (Debian removes it where tftpd-hpa is installed:
#                           apt-get download atftpd; dpkg -x atftpd_*.deb FOLDER), and where the
#                           server of the crate `tftpd` is (cargo install tftpd --root FOLDER)
#   CPU=0                   which CPU
#   ROUNDS=3                turns of each server in a cell; 1 for files of more than 64 MiB
#   AT_LEAST=1              seconds that the transfers of a cell have to take together
set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:$HOME/.cargo/bin"
TIMEFORMAT='%R %U %S'
cells=${CELLS:-512:1 512:16 512:64 1428:1 1428:16 1428:64 65464:1 65464:16 65464:64}
servers=${SERVERS:-ours ours-single-port ours-ours tftpd-hpa atftpd dnsmasq tftpd}
atftpd=${ATFTPD:-atftpd} tftpd=${TFTPD:-tftpd}
pin=(taskset -c "${CPU:-0}")
root=$(cd "$(dirname "$0")/../.." && pwd)
ours=${CARGO_TARGET_DIR:-$root/target}/release/tftp
(cd "$root" && cargo build --quiet --release -p tftp)
# In memory: it is not the disk that is measured.
folder=$(mktemp -d /dev/shm/tftp-speed.XXXXXX 2>/dev/null || mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
mkdir "$folder/root"
chmod 755 "$folder" "$folder/root"

say() { printf '%s\n' "$*" >&2; }

# The command of a server, and its port; nothing where it is not there.
command_of() {
    port=7169
    case $1 in
        ours | ours-ours) command=("$ours" serve "$folder/root" --listen "127.0.0.1:$port") ;;
        ours-single-port)
            command=("$ours" serve "$folder/root" --listen "127.0.0.1:$port" --single-port) ;;
        tftpd-hpa)
            in.tftpd -V 2>/dev/null | grep -q tftp-hpa || return 1
            command=(in.tftpd -L -u root -a "127.0.0.1:$port" -s "$folder/root") ;;
        atftpd)
            command=("$atftpd" --daemon --no-fork --logfile /dev/null --bind-address 127.0.0.1
                --port "$port" "$folder/root") ;;
        dnsmasq)
            # Its port cannot be chosen.
            port=69
            command=(dnsmasq --no-daemon --conf-file=/dev/null --port=0 --enable-tftp --user=root
                --listen-address=127.0.0.1 --bind-interfaces "--tftp-root=$folder/root") ;;
        tftpd) command=("$tftpd" -i 127.0.0.1 -p "$port" -d "$folder/root" -r -q) ;;
    esac
    command -v "${command[0]}" >/dev/null
}

get() { # client, blksize, windowsize, seconds
    case $1 in
        ours)
            timeout "$4" "${pin[@]}" "$ours" --json get 127.0.0.1 f --port "$port" \
                --blksize "$2" --windowsize "$3" -o "$folder/copy" ;;
        atftp)
            timeout "$4" "${pin[@]}" atftp --option "blksize $2" --option "windowsize $3" \
                -g -r f -l "$folder/copy" 127.0.0.1 "$port" ;;
    esac >/dev/null 2>&1
}

# The server's own times appear when it ends. The processes that tftpd-hpa makes for its transfers
# are forgotten by the system as they end: `perf` counts them.
serve() {
    if [ "$1" = tftpd-hpa ]; then
        if ! command -v perf >/dev/null; then
            { "${pin[@]}" "${command[@]}" >/dev/null 2>&1; } 2>/dev/null
            echo '0 unknown 0' >"$folder/server"
            return
        fi
        perf stat -x ' ' -e task-clock -o "$folder/perf" "${pin[@]}" "${command[@]}" >/dev/null 2>&1
        awk '/task-clock/ { print 0, $1 / 1000, 0 }' "$folder/perf" >"$folder/server"
    else
        { time "${pin[@]}" "${command[@]}" >/dev/null 2>&1; } 2>"$folder/server"
    fi
}

cell() { # MiB, server, client, blksize, windowsize
    local octets=0 seconds=0 cpu=0 real user system limit=$((20 + $1 / 4))
    rm -f "$folder/server"
    serve "$2" &
    local shell=$!
    # The server is the shell's child.
    sleep 0.5
    pid=$(pgrep -P $shell)
    # Where `perf` is between them, the child of that.
    pid=$(pgrep -P "$pid" -x in.tftpd || echo "$pid")
    while :; do
        { time get "$3" "$4" "$5" $limit; } 2>"$folder/client" || true
        read -r real user system <"$folder/client"
        if ! cmp -s "$folder/root/f" "$folder/copy"; then
            octets=0
            break
        fi
        rm -f "$folder/copy"
        octets=$((octets + $1 * 1048576))
        seconds=$(awk "BEGIN { print $seconds + $real }")
        cpu=$(awk "BEGIN { print $cpu + $user + $system }")
        if awk "BEGIN { exit !($seconds >= ${AT_LEAST:-1}) }"; then break; fi
    done
    rm -f "$folder/copy"
    sleep 0.1
    kill "$pid" 2>/dev/null || true
    wait $shell 2>/dev/null || true
    pid=
    # A shell says first that its child was killed.
    read -r real user system < <(tail -n 1 "$folder/server")
    printf '%s\t' "$1" "$4" "$5" "${2%-ours}" "$3" "$octets" "$seconds"
    if [ "$user" = unknown ]; then
        printf '%s\t%s\n' "$user" "$cpu"
    else
        awk "BEGIN { printf \"%.3f\t%.3f\n\", $user + $system, $cpu }"
    fi
}

[ $# -gt 0 ] || set -- 64 512
for mib in "$@"; do
    head -c $((mib * 1048576)) /dev/urandom >"$folder/root/f"
    chmod 644 "$folder/root/f"
    there=
    for server in $servers; do
        if command_of "$server"; then
            there+=" $server"
        else
            say "!!! $server is not installed: it was NOT measured"
        fi
    done
    rounds=${ROUNDS:-$((mib > 64 ? 1 : 3))}
    for cell in $cells; do
        rm -f "$folder"/row-*
        for ((round = 0; round < rounds; round++)); do
            for server in $there; do
                # Who has stalled once is not waited for again.
                ! cut -f 6 "$folder/row-$server" 2>/dev/null | grep -qx 0 || continue
                command_of "$server"
                client=atftp
                [ "$server" != ours-ours ] || client=ours
                cell "$mib" "$server" "$client" "${cell%:*}" "${cell#*:}" >>"$folder/row-$server"
            done
        done
        for server in $there; do
            awk -F '\t' '{ rate = $6 / ($7 > 0 ? $7 : 1) } $6 == 0 { print; found = 1; exit }
                NR == 1 || rate > most { most = rate; best = $0 } END { if (!found) print best }' \
                "$folder/row-$server"
        done
    done
done
