#!/bin/sh
# Fetches the public benchmarks and CLIP's weights, each from the first mirror that answers; goes on where it stopped.
set -euf
export LC_ALL=C

usage() {
    cat <<'TEXT'
usage: sh data_download.sh [--dir DIR] [--only NAME]... [--list] [--dry-run] [--keep] [--sources FILE]

  --dir DIR       where everything goes (default: data); archives lie in DIR/archives
  --only NAME     rsitmd, rsicd, nwpu, clip, remoteclip or georsclip; several times for several. Default: the first four
  --list          what there is: files, sizes, checksums, mirrors
  --dry-run       say what would be fetched and from where, and stop
  --keep          keep the archives after unpacking
  --sources FILE  another table of sources, lines of set|file|bytes|checksum|unpack to|address; all of it stays in DIR

The owners of the three sets state no licence and ask for a citation: fetch them for your own research, never pass them on.
NWPU-RESISC45, the pictures of NWPU-Captions, is CC-BY-NC-4.0.
An interrupted download goes on with the same command. Exit code 0: all there; 1: something is missing; 2: wrong usage.
TEXT
}

# set | file | bytes, or - | sha256:… or md5:…, or - where the owner publishes none | folder to unpack into, or - | address
# Lines of one file are its mirrors, tried in order.
sources() {
    if [ -n "$sources_file" ]; then
        grep -v '^ *\(#\|$\)' "$sources_file"
        return
    fi
    github=https://raw.githubusercontent.com
    lfs=https://media.githubusercontent.com/media
    hub=https://huggingface.co
    mirror=https://hf-mirror.com
    bucket=https://opendatasharing.s3.us-west-2.amazonaws.com/SkyScript/benchmark
    drive='https://drive.usercontent.google.com/download?export=download&confirm=t&id='
    cat <<TABLE
rsitmd|RSITMD.zip|-|-|rsitmd|${drive}1NJY86TAAUd8BVs7hyteImv8I2_Lh95W6
rsitmd|RSITMD.zip|-|-|rsitmd|$bucket/RSITMD.zip
rsicd|dataset_rsicd.json|-|-|-|$github/201528014227051/RSICD_optimal/master/dataset_rsicd.json
rsicd|RSICD_images.zip|484955574|sha256:0d3ebda15b8b1e5c2754270d38462251e8c61489b54e463e499c978da4b91d10|rsicd/images|$lfs/201528014227051/RSICD_optimal/master/RSICD_images.zip
rsicd|RSICD_images.zip|-|-|rsicd/images|$bucket/RSICD.zip
nwpu|dataset_nwpu.json|-|-|-|$github/HaiyanHuang98/NWPU-Captions/main/dataset_nwpu.json
nwpu|dataset_nwpu.json|-|-|-|$github/lowlorenz/NWPU-Captions/main/dataset_nwpu.json
nwpu|NWPU_images.tar.gz|407575520|sha256:720d6c3430489c9aa99232c3d53b6b9ca48d4b838918d17e7b6e766483fddbec|nwpu/images|$lfs/HaiyanHuang98/NWPU-Captions/main/NWPU_images.tar.gz
nwpu|NWPU_images.tar.gz|407575520|sha256:720d6c3430489c9aa99232c3d53b6b9ca48d4b838918d17e7b6e766483fddbec|nwpu/images|$lfs/lowlorenz/NWPU-Captions/main/NWPU_images.tar.gz
nwpu|NWPU_images.tar.gz|-|md5:75206b2e16446591afa88e2628744886|nwpu/images|$hub/datasets/isaaccorley/resisc45/resolve/main/NWPU-RESISC45.zip
nwpu|NWPU_images.tar.gz|-|-|nwpu/images|$bucket/nwpu.zip
clip|open_clip_model.safetensors|-|-|-|$hub/timm/vit_base_patch32_clip_224.openai/resolve/main/open_clip_model.safetensors
clip|open_clip_model.safetensors|-|-|-|$mirror/timm/vit_base_patch32_clip_224.openai/resolve/main/open_clip_model.safetensors
remoteclip|RemoteCLIP-ViT-B-32.pt|-|-|-|$hub/chendelong/RemoteCLIP/resolve/main/RemoteCLIP-ViT-B-32.pt
remoteclip|RemoteCLIP-ViT-B-32.pt|-|-|-|$mirror/chendelong/RemoteCLIP/resolve/main/RemoteCLIP-ViT-B-32.pt
georsclip|RS5M_ViT-B-32.pt|-|-|-|$hub/Zilun/GeoRSCLIP/resolve/main/ckpt/RS5M_ViT-B-32.pt
georsclip|RS5M_ViT-B-32.pt|-|-|-|$mirror/Zilun/GeoRSCLIP/resolve/main/ckpt/RS5M_ViT-B-32.pt
TABLE
}

say() { printf '%s\n' "$*"; }
complain() { printf 'error: %s\n' "$*" >&2; }
wrong() { complain "$*"; exit 2; }

dir=data only='' list=no dry=no keep=no sources_file=''
while [ $# -gt 0 ]; do
    case $1 in
        --dir | --only | --sources)
            [ $# -ge 2 ] || wrong "$1 needs a value"
            [ -n "$2" ] || wrong "$1 is empty"
            case $1 in
                --dir) dir=$2 ;;
                --only)
                    case $2 in *[!A-Za-z0-9._-]*) wrong "--only '$2' is no name of a set; see --list" ;; esac
                    only="$only $2"
                    ;;
                --sources) sources_file=$2 ;;
            esac
            shift
            ;;
        --list) list=yes ;;
        --dry-run) dry=yes ;;
        --keep) keep=yes ;;
        -h | --help) usage; exit 0 ;;
        *) wrong "unknown option $1; see sh data_download.sh --help" ;;
    esac
    shift
done
case $dir in -*) dir=./$dir ;; esac
if [ -n "$sources_file" ] && ! { [ -f "$sources_file" ] && [ -r "$sources_file" ]; }; then
    wrong "--sources $sources_file: no such file"
fi

# the first line that is none, or would lead out of DIR
bad=$(sources | awk -F '|' '
    function name(text) { return text ~ /^[A-Za-z0-9][A-Za-z0-9._-]*$/ }
    function folder(text,   parts, k, n) {
        n = split(text, parts, "/")
        for (k = 1; k <= n; k++) if (!name(parts[k])) return 0
        return n > 0 && parts[1] != "archives"
    }
    NF != 6 || !name($1) || $1 == "archives" || !name($2) || ($3 != "-" && $3 !~ /^[0-9]+$/) ||
    ($4 != "-" && $4 !~ /^(sha256|md5):[0-9a-f]+$/) || ($5 != "-" && !folder($5)) || $6 !~ /^https?:\/\/[!-~]+$/ {
        print NF ? $0 : "an empty line"
        exit
    }' | tr -d '[:cntrl:]')
[ -z "$bad" ] || wrong "--sources $sources_file: allowed are set|file|bytes|checksum|unpack to|address, plain names" \
    "inside DIR and an http or https address, not: $bad"
known=$(sources | cut -d '|' -f 1 | awk '!seen[$0]++')
[ -n "$known" ] || wrong "--sources $sources_file: no source in it"
if [ -z "$only" ]; then
    only=$(say "$known" | grep -v -e '^remoteclip$' -e '^georsclip$' || true)
fi
for name in $only; do
    say "$known" | grep -qxF -e "$name" || wrong "--only $name: known are $(say "$known" | tr '\n' ' ')"
done

if [ "$list" = yes ]; then
    sources | while IFS='|' read -r set file bytes sum _ address; do
        say "$set  $file  bytes $bytes  checksum $sum  $address"
    done
    exit 0
fi

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ -n "${RRSITR:-}" ]; then cli=$RRSITR
elif [ -x "$here/.venv/bin/rrsitr" ]; then cli=$here/.venv/bin/rrsitr
else cli=$(command -v rrsitr || true); fi
if command -v curl >/dev/null; then tool=curl
elif command -v wget >/dev/null; then tool=wget
else complain "neither curl nor wget is installed"; exit 1; fi

# fetch ADDRESS FILE: into FILE, going on behind the bytes that are there
fetch() {
    if [ "$tool" = curl ]; then
        curl --fail --location --globoff --proto =http,https --proto-redir =http,https \
            --retry 3 --connect-timeout 30 --speed-limit 1 --speed-time 60 --progress-bar --continue-at - --output "$2" "$1"
    else
        wget --tries 3 --timeout 60 --continue --output-document "$2" "$1"
    fi
}

# whole ADDRESS FILE: as long as every try brings more bytes, try again behind them; a server that refuses to go on in
# the middle is asked once from the beginning
whole() {
    restarted=no
    while :; do
        before=$(size_of "$2")
        if fetch "$1" "$2"; then return 0; fi
        if [ "$(size_of "$2")" -gt "$before" ]; then
            say "cut off; going on"
        elif [ "$before" -gt 0 ] && [ "$restarted" = no ]; then
            rm -f "$2"
            restarted=yes
        else
            return 1
        fi
    done
}

sum_of() { # KIND FILE
    case $1 in
        sha256) if command -v sha256sum >/dev/null; then sha256sum "$2"; else shasum -a 256 "$2"; fi ;;
        md5) if command -v md5sum >/dev/null; then md5sum "$2"; else md5 -r "$2"; fi ;;
        *) say unknown ;;
    esac | cut -d ' ' -f 1
}

size_of() { if [ -e "$1" ]; then wc -c <"$1" | tr -d ' '; else say 0; fi; }

# check FILE NAME BYTES CHECKSUM: what is wrong with a file that was fetched, or nothing
problem_of() {
    size=$(size_of "$1")
    if head -c 512 "$1" | tr '[:upper:]' '[:lower:]' | grep -q -e '<!doctype html' -e '<html'; then
        say "a web page, not $2"
    elif head -c 64 "$1" | grep -q '^version https://git-lfs'; then
        say "a pointer of git LFS, not $2"
    elif [ "$size" -eq 0 ]; then
        say "empty"
    elif [ "$3" != - ] && [ "$size" -ne "$3" ]; then
        say "$size bytes, expected $3"
    elif [ "$4" != - ] && [ "$(sum_of "${4%%:*}" "$1")" != "${4#*:}" ]; then
        say "another ${4%%:*} than ${4#*:}"
    fi
}

# room DIR BYTES: whether the disk has them twice over, for the archive and what comes out of it
room() {
    free=$(df -Pk "$1" | awk 'NR == 2 { print $4 }')
    [ "$2" = - ] || [ -z "$free" ] || [ "$free" -ge $(($2 / 512)) ]
}

# writable FILE: whether anything more can be written beside it
writable() { (head -c 65536 /dev/zero >"$1.probe" && rm "$1.probe") 2>/dev/null || { rm -f "$1.probe"; return 1; }; }

# listing SET FILE INTO: checksum, size and name of all that came of a source
listing() (
    cd "$dir"
    if [ "$3" = - ]; then cksum "$1/$2"; else find "$3/" -type f -exec cksum {} + | sort; fi
)

# there SET FILE INTO: whether all of it lies there as it was when it came
there() {
    [ -s "$mark" ] || return 1
    lost=$(listing "$@" 2>/dev/null | comm -23 "$mark" - | head -n 1)
    [ -n "$lost" ] || return 0
    say "$2: ${lost#* * } is gone or has changed"
    rm -f "$mark"
    return 1
}

# from_mirror FILE BYTES CHECKSUM ADDRESS: leaves $target, or says why not; 1: try another mirror, 3: none would help
from_mirror() {
    if [ -L "$part" ] || { [ -e "$part" ] && [ "$(cat "$part.from" 2>/dev/null)" != "$4" ]; }; then
        rm -f "$part" "$part.from"
    fi
    say "$1: from $4"
    if [ "$2$3" = -- ] || [ ! -s "$part" ] || [ -n "$(problem_of "$part" "$1" "$2" "$3")" ]; then
        if ! { say "$4" >"$part.from" && whole "$4" "$part"; }; then
            writable "$part" || { complain "$1: cannot write in ${part%/*}: full or read-only"; return 3; }
            complain "$1: this mirror failed"
            return 1
        fi
    fi # else it was cut off between the last byte and its new name
    problem=$(problem_of "$part" "$1" "$2" "$3")
    if [ -n "$problem" ]; then
        complain "$1: $problem"
        rm -f "$part" "$part.from"
        return 1
    fi
    if [ -e "$target" ] && [ "$into" = - ] && ! cmp -s "$part" "$target"; then
        complain "$target: not what this mirror gives; move it away, and the same command takes the new one"
        return 3
    fi
    mv "$part" "$target" || { complain "$1: cannot write $target"; return 3; }
    rm -f "$part.from"
    if [ "$3" = - ]; then
        say "$1: no checksum is published; this copy has sha256 $(sum_of sha256 "$target") and $(size_of "$target") bytes"
    else
        say "$1: ${3%%:*} as published"
    fi
}

# lying SET FILE INTO: take what lies there from before; 1: it must be fetched, 3: it is in the way
lying() {
    [ -e "$target" ] || return 1
    while IFS='|' read -r bytes sum _ <&3; do
        problem=$(problem_of "$target" "$2" "$bytes" "$sum")
        if [ -z "$problem" ]; then break; fi
    done 3<<TABLE
$lines
TABLE
    if [ -z "$problem" ] && [ "$3$bytes$sum" != --- ]; then
        say "$2: there already"
        place "$@" || { [ $? -eq 2 ] || return 3; return 1; }
    elif [ -n "$problem" ] && [ "$3" = - ]; then
        complain "$target: $problem; move it away, and the same command fetches it"
        return 3
    else
        if [ -n "$problem" ]; then say "$2: $problem; fetching it again"; fi
        return 1
    fi
}

# get SET FILE INTO: what lies there, or from the first mirror that gives what can be used
get() {
    lines=$(sources | awk -F '|' -v set="$1" -v file="$2" '$1 == set && $2 == file { print $3 "|" $4 "|" $6 }')
    target=$dir/archives/$1/$2
    if [ "$3" = - ]; then target=$dir/$1/$2; fi
    part=$target.part tried=0 code=0
    mkdir -p "${target%/*}" || return 1
    lying "$@" || code=$?
    [ "$code" -eq 1 ] || return "$code"
    while IFS='|' read -r bytes sum address <&3; do
        if ! room "$dir" "$bytes"; then
            complain "$2: needs $bytes bytes twice (archive and pictures), the disk of $dir has $free KiB free"
            return 1
        fi
        tried=$((tried + 1)) code=0
        from_mirror "$2" "$bytes" "$sum" "$address" || code=$?
        if [ "$code" -eq 0 ]; then place "$@" || code=$?; fi
        case $code in 0 | 3) return "$code" ;; esac
    done 3<<TABLE
$lines
TABLE
    stays=''
    if [ -s "$part" ]; then stays='; what was fetched stays for the next try'; fi
    complain "$2: none of $tried mirrors gave it$stays"
    return 1
}

# place SET FILE INTO: unpack an archive, note what came of it; 2: the archive is of no use, 3: no other would help
place() {
    if [ "$3" != - ]; then
        if [ -z "$cli" ]; then
            complain "$2 is fetched; unpacking needs the command rrsitr: install this project, then the same command goes on"
            return 3
        fi
        "$cli" data unpack "$target" --into "$dir/$3" || { [ $? -eq 2 ] && return 2; return 3; }
    fi
    if ! { listing "$@" >"$mark.part" && mv "$mark.part" "$mark"; }; then
        complain "$2: cannot write $mark: full or read-only"
        return 3
    fi
    if [ "$3" != - ] && [ "$keep" = no ]; then rm -f "$target"; fi
}

if [ "$dry" = yes ]; then
    for name in $only; do
        sources | while IFS='|' read -r set file bytes _ _ address; do
            if [ "$set" = "$name" ]; then say "would fetch $file ($bytes bytes) from $address into $dir/$set"; fi
        done
    done
    exit 0
fi

usage | sed -n '/^The owners/,/NC-4.0/p'
failed=''
for name in $only; do
    mkdir -p "$dir/archives/$name" || { complain "cannot make $dir/archives/$name"; exit 1; }
    lock=$dir/archives/$name/lock
    if ! mkdir "$lock" 2>/dev/null; then
        holder=$(cat "$lock/pid" 2>/dev/null || true)
        if kill -0 "${holder:-none}" 2>/dev/null; then
            complain "$name: another download of it is running (process $holder; if that is none, remove $lock)"
            failed="$failed $name"
            continue
        fi
    fi
    { say $$ >"$lock/pid"; } 2>/dev/null || { complain "cannot write in $dir/archives/$name"; exit 1; }
    trap 'rm -rf "$lock"; exit 130' INT TERM
    for file in $(sources | awk -F '|' -v name="$name" '$1 == name && !seen[$2]++ { print $2 "|" $5 }'); do
        into=${file#*|} file=${file%%|*}
        mark=$dir/archives/$name/$file.complete
        if there "$name" "$file" "$into"; then say "$file: all there"; continue; fi
        get "$name" "$file" "$into" || failed="$failed $name/$file"
    done
    rm -rf "$lock"
    trap - INT TERM
    case $name in
        rsitmd | rsicd | nwpu)
            if [ -n "$cli" ] && [ -d "$dir/$name" ]; then "$cli" data check "$name" --dir "$dir/$name" || failed="$failed $name"; fi
            ;;
    esac
done
if [ -n "$failed" ]; then complain "not complete:$failed"; exit 1; fi
say "all there, in $dir"
