#!/bin/bash
# A study by jobs of SLURM, on machines that see one file system:
#
#   sbatch --array=1-8 docs/cluster/slurm.sh STUDY RUNS
#
# Every job runs the same command, and they share the runs of the study by locks in RUNS. A job that is cut off is sent
# again by the same line: finished runs are only read, begun ones go on. STUDY: a preset or a study file.
#SBATCH --job-name=rrsitr
#SBATCH --array=1-4
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=rrsitr_%A_%a.log
set -eu
study=${1:?a preset or a study file}
runs=${2:?folder of the studies, that all machines see}
# one run at a time for every GPU of the job, or for as many as the study file has processes
exec rrsitr study run "$study" --runs "$runs" --workers "${WORKERS:-0}"
