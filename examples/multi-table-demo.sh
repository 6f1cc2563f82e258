#!/usr/bin/env bash
# Many tables, many small files, one command: three projects with three tables each are created, fed through pipes in many
# small commits, and compacted. Rows and answers stay the same, files and bytes go down.
#
#     examples/multi-table-demo.sh [FOLDER]        FOLDER is new or empty; without one it is a temporary folder
#
# TBLCTL    the command, tblctl; from a checkout: TBLCTL="node $PWD/bin/tblctl.js"
# PROJECTS  names of the projects, "acme globex initech"
# COMMITS   commits of each table, 34
# ROWS      rows of each commit, 20
set -euo pipefail

read -r -a tblctl <<<"${TBLCTL:-tblctl}"
read -r -a projects <<<"${PROJECTS:-acme globex initech}"
commits=${COMMITS:-34}
rows=${ROWS:-20}

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$(mktemp -d)}
# The examples want Node 24; a checkout brings it.
node=$here/../node_modules/.bin/node
[ -x "$node" ] || node=node
# Another config of the caller must not be filled with examples.
unset TBLCTL_CONFIG TBLCTL_CONTEXT

say() { printf '\n# %s\n' "$*"; }
show() {
  printf '$ tblctl %s\n' "$*"
  "${tblctl[@]}" "$@"
}
every_table() { # runs "$@ project table" for each
  local project table
  for project in "${projects[@]}"; do
    for table in logs metrics events; do "$@" "$project" "$table"; done
  done
}

schema_of() { if [ "$1" = logs ]; then echo otel_logs_and_spans; else echo "$1"; fi; }

create() { show create "lake:$1/$2" --schema "$(schema_of "$2")"; }
seed=0
load() {
  seed=$((seed + 1))
  local generate=(generate-rows.ts "$(schema_of "$2")" --rows $((commits * rows)) --seed $seed)
  printf '$ %s | \\\n' "${generate[*]}"
  "$node" "$here/${generate[@]}" | show load "lake:$1/$2" - --commit-rows "$rows" -y
}
# How many rows, and a hash over all columns that does not depend on their order.
ask() {
  printf '%s/%s ' "$1" "$2"
  "${tblctl[@]}" query "lake:$1/$2" 'select count(*) as n, sum(hash(t)::hugeint) as hash from t' -o ndjson
}

mkdir -p "$folder"
cd "$folder"
say "a config to begin with, in $folder"
show init -y

say "the tables, each from a schema that ships"
every_table create

say "each table gets $commits small commits through a pipe"
every_table load
show stats --all
"${tblctl[@]}" stats --all -o json >before.json
every_table ask >answers-before

say "what an optimize would do, and then the optimize"
show optimize --all --dry-run
show optimize --all -y
"${tblctl[@]}" stats --all -o json >after.json
every_table ask >answers-after

say "the same rows in fewer files"
cmp answers-before answers-after
"$node" - <<'SUMMARY'
const { readFileSync } = require('node:fs')
const read = (file) => JSON.parse(readFileSync(file, 'utf8')).items
const after = new Map(read('after.json').map(({ ref, status }) => [ref, status]))
const lines = read('before.json').map(({ ref, status }) => [ref, status, after.get(ref)])
const sum = (at, name) => lines.reduce((total, line) => total + line[at][name], 0)
const total = [1, 2].map((at) => ({ rows: sum(at, 'rows'), files: sum(at, 'files'), bytes: sum(at, 'bytes') }))
for (const [ref, was, is] of [...lines, ['total', ...total]])
  console.log(`${ref.padEnd(22)} ${is.rows} rows  ${was.files} -> ${is.files} files  ${was.bytes} -> ${is.bytes} bytes`)
SUMMARY
printf '\nEverything is in %s\n' "$PWD"
