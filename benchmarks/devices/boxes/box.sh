# What edgesr does on a box: sh box.sh FOLDER TOKEN VERB WORDS. It needs tar, gzip and what every Unix has.
# Answers follow a line with the TOKEN, since login scripts may print before it. Everything is kept in FOLDER.
umask 077
token=$2 verb=$3
cd "$1" || exit 90
here=$(pwd -P)
node=$(uname -n)
shift 3
case $here in *:*) echo "$here: the path of a home folder must have no colon" >&2 && exit 90 ;; esac

answer() {
    echo
    echo "$token"
}

# Deletes what processes left that ended without cleaning up, as in a power cut.
sweep() {
    for old in job."$node".* part."$node".* whole."$node".*; do
        if [ -e "$old" ] && ! kill -0 "${old##*.}" 2>/dev/null; then rm -rf "$old"; fi
    done
}

# What this machine is, and what of edgesr it has.
probe() {
    sweep
    answer
    echo "machine=$(uname -m)"
    echo "system=$(uname -s) $(uname -r)"
    echo "user=$(id -un 2>/dev/null)"
    echo "folder=$here"
    echo "page_bytes=$(getconf PAGE_SIZE 2>/dev/null)"
    if command -v getprop >/dev/null; then
        echo "model=$(getprop ro.product.manufacturer) $(getprop ro.product.model), Android $(getprop ro.build.version.release)"
    fi
    for file in /proc/device-tree/model /sys/devices/virtual/dmi/id/product_name; do
        if [ -r "$file" ]; then echo "model=$(tr -d '\000' <"$file")"; fi
    done
    seen=''
    while IFS= read -r line; do
        case $line in processor*) echo "core=${line##*: } - -" ;; esac
        case $line in "model name"* | Features* | flags* | Hardware*)
            case $seen in *"${line%%:*}"*) ;; *) echo "cpuinfo=$line" ;; esac
            seen=$seen${line%%:*}
            ;;
        esac
    done </proc/cpuinfo
    for core in /sys/devices/system/cpu/cpu[0-9]*; do
        capacity='' khz=''
        if [ -r "$core/cpu_capacity" ]; then read -r capacity <"$core/cpu_capacity"; fi
        if [ -r "$core/cpufreq/cpuinfo_max_freq" ]; then read -r khz <"$core/cpufreq/cpuinfo_max_freq"; fi
        if [ -d "$core" ]; then echo "core=${core##*cpu} ${capacity:--} ${khz:--}"; fi
    done
    df -Pk . 2>/dev/null | while read -r _ _ _ free _; do
        case $free in [0-9]*) echo "free_kib=$free" ;; esac
    done
    shell=/bin/sh
    if ! [ -x "$shell" ]; then shell=/system/bin/sh; fi
    printf '#!%s\nexit 0\n' "$shell" >"part.$node.$$"
    chmod 700 "part.$node.$$"
    if "./part.$node.$$" 2>/dev/null; then echo executes=yes; else echo executes=no; fi
    rm -f "part.$node.$$"
    for program in tar gzip; do
        if command -v "$program" >/dev/null; then echo "program=$program"; fi
    done
    for complete in */complete; do
        if [ -f "$complete" ]; then echo "has=${complete%/complete}"; fi
    done
    echo end=
}

# A .tar.gz on standard input becomes the folder of that name, whole or not at all.
unpack() {
    sweep
    part=part.$node.$$ whole=whole.$node.$$
    trap 'rm -rf "$here/$part" "$here/$whole"' EXIT
    trap 'exit 143' HUP INT TERM PIPE
    mkdir "$part" || exit 91
    if command -v gzip >/dev/null; then
        { gzip -dc && : >"$whole"; } | { tar -xf - -C "$part" && cat >/dev/null; } && [ -f "$whole" ] || exit 92
    else
        tar -xzf - -C "$part" || exit 92
    fi
    : >"$part/complete" || exit 92
    if [ -d "$1" ] && ! [ -f "$1/complete" ]; then rm -rf "$1"; fi
    if ! [ -d "$1" ]; then mv "$part" "$1" || exit 93; fi
    answer
    echo unpacked
}

# In place of this process, Python with these arguments and no variables but these: the one of the layer BASE, or the
# program of the box that is named.
become_python() {
    if [ "$program" = - ]; then
        set -- "$here/$base/$loader" --inhibit-cache --library-path "$libraries" \
            "$here/$base/usr/bin/python3.11" -S -s -P "$@"
        home=$PWD
    else
        set -- "$program" -P "$@"
        home=$HOME
    fi
    exec env -i $variables HOME="$home" TMPDIR="$PWD" PATH="$PATH" LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 \
        PYTHONPATH="$modules" "$@"
}

# "a:b" as paths below a folder.
below() {
    IFS=: separator=''
    for one in $2; do
        printf '%s' "$separator$1/$one"
        separator=:
    done
}

# The first line of standard input is the job; so many bytes of files follow. Then it stays open: its end is that of the
# client, and the worker's too.
run() {
    seconds=$1 bytes=$2 base=$3 loader=$4 program=$6
    libraries=$(below "$here/$base" "$5") modules=$(below "$here" "$7")
    shift 7
    variables=$*
    sweep
    job=job.$node.$$
    trap 'cd / && rm -rf "$here/$job"' EXIT
    trap 'exit 143' HUP INT TERM PIPE
    mkdir "$job" "$job/in" "$job/out" && cd "$job" || exit 91
    IFS= read -r line && printf '%s\n' "$line" >job.json || exit 94
    exec 3<&0 </dev/null
    if [ "$bytes" -gt 0 ]; then
        (become_python -c "$receive" "$bytes") <&3 || exit 95
    fi
    become_python -c "$start" "$seconds" job.json result.json >/dev/null 2>err.all 3<&- &
    worker=$!
    (
        trap - EXIT
        while IFS= read -r _ <&3; do :; done
        kill -9 "$worker"
    ) >/dev/null 2>&1 &
    lease=$!
    exec 3<&-
    wait "$worker"
    echo $? >code
    kill -9 "$lease" 2>/dev/null
    tail -c 8000 err.all >err
    set -- code err
    for file in result.json out/*/*; do
        if [ -f "$file" ]; then set -- "$@" "$file"; fi
    done
    answer
    tar -cf - "$@"
}

# A worker that stays: what it is asked and what it answers go through this script's own input and output. It ends with
# its input.
stay() {
    base=$1 loader=$2 program=$4
    libraries=$(below "$here/$base" "$3") modules=$(below "$here" "$5")
    shift 5
    variables=$*
    sweep
    job=job.$node.$$
    trap 'cd / && rm -rf "$here/$job"' EXIT
    trap 'exit 143' HUP INT TERM PIPE
    mkdir "$job" && cd "$job" || exit 91
    answer
    (become_python -m edgesr.benchmarks.archive.process)
    exit $?
}

receive='
import io, sys, tarfile
content = sys.stdin.buffer.read(int(sys.argv[1]))
tarfile.open(fileobj=io.BytesIO(content)).extractall("in")
'
start='
import json, os, runpy, signal, sys
signal.alarm(int(sys.argv.pop(1)))
for name in json.load(open("job.json"))["brings"]:
    os.mkdir("out/" + name)
runpy.run_module("edgesr.benchmarks.worker", run_name="__main__", alter_sys=True)
'

# Versions of a Python of the box, and of its packages.
versions() {
    answer
    env -i HOME="$HOME" PATH="$PATH" LANG=C.UTF-8 "$1" -P -c "$tell" </dev/null
}

tell='
import sys
from importlib import metadata
print("python", sys.version.split()[0])
for one in metadata.distributions():
    print(one.metadata["Name"], one.version)
print("end")
'

# Everything that edgesr put here, this file included.
clean() {
    cd / && rm -rf "$here" || exit 96
    answer
    echo cleaned
}

case $verb in probe | unpack | run | stay | versions | clean) "$verb" "$@" ;; esac
