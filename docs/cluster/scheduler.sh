#!/bin/bash
# A study by a scheduler of Dask and workers on several machines that see one file system:
#
#   scheduler.sh scheduler KEYS 0.0.0.0 8786                      on one machine
#   scheduler.sh workers   KEYS tls://HOST:8786                   on every machine that trains
#   scheduler.sh study     KEYS tls://HOST:8786 STUDY RUNS        where you look on: rrsitr study run
#
# KEYS: a folder on that file system, made by the first call; only who can read it reaches scheduler and workers.
# PROCESSES: as the study file says, 1 where it says nothing; WORKERS: without GPUs, runs at once on a machine.
set -eu
what=${1:?scheduler, workers or study}
keys=${2:?folder of the keys}
address=${3:?address}

if [ ! -f "$keys/cert.pem" ]; then
    mkdir -p -m 700 "$keys"
    (umask 077 && openssl req -x509 -newkey rsa:3072 -nodes -days 90 -subj /CN=rrsitr \
        -keyout "$keys/key.pem" -out "$keys/cert.pem" 2>/dev/null)
fi
dask=DASK_DISTRIBUTED
export ${dask}__COMM__REQUIRE_ENCRYPTION=true ${dask}__COMM__TLS__CA_FILE="$keys/cert.pem"
export ${dask}__SCHEDULER__HTTP__ROUTES=[] ${dask}__WORKER__HTTP__ROUTES=[] # no pages that everybody could read
for role in SCHEDULER WORKER CLIENT; do
    export ${dask}__COMM__TLS__${role}__KEY="$keys/key.pem" ${dask}__COMM__TLS__${role}__CERT="$keys/cert.pem"
done

case $what in
scheduler)
    exec dask scheduler --protocol tls --host "$address" --port "${4:-8786}" --no-dashboard
    ;;
workers)
    each=${PROCESSES:-1}
    mapfile -t cards < <(nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null || true)
    options=(--nthreads 1 --memory-limit 0 --no-dashboard --local-directory "$(mktemp -d)")
    if [ ${#cards[@]} -eq 0 ]; then
        exec dask worker "$address" --nworkers "${WORKERS:-$(nproc)}" "${options[@]}"
    fi
    trap 'kill $(jobs -p) 2>/dev/null' EXIT
    for ((first = 0; first + each <= ${#cards[@]}; first += each)); do
        seen=$(IFS=, && echo "${cards[*]:first:each}")
        CUDA_VISIBLE_DEVICES=$seen dask worker "$address" --nworkers 1 "${options[@]}" &
    done
    wait
    ;;
study)
    exec rrsitr study run "${4:?a preset or a study file}" --runs "${5:?folder of the studies}" --scheduler "$address"
    ;;
*)
    echo "$what: allowed are scheduler, workers, study" >&2
    exit 2
    ;;
esac
