#!/bin/sh
# Reads `helm history --output json`, and writes the revision to go back to: the newest one before the release that runs that was ever in use.
# A failed one never was; and of a release that is a way back itself ("Rollback to 3"), the one before that is meant. Nothing: there is none.
set -eu
tr '{' '\n' |
  sed -n 's/^"revision":\([0-9]*\),.*"status":"\([a-z-]*\)".*"description":"\([^"]*\)".*/\1 \2 \3/p' |
  awk '
    { revision[NR] = $1 + 0; status[NR] = $2 }
    $2 == "deployed" { runs = ($3 == "Rollback" && $4 == "to") ? $5 + 0 : $1 + 0 }
    END {
      for (i = NR; i > 0; i--) {
        if (status[i] == "superseded" && (!runs || revision[i] < runs)) { print revision[i]; exit }
      }
    }'
