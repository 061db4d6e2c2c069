#!/bin/sh
# Goes back to the release before this one, or to REVISION (`helm history` lists them). Programs go back; tables stay as they are.
set -eu
: "${KUBE_NAMESPACE:?the namespace to roll back in}"
release=${RELEASE:-urna}
folder=$(dirname "$0")

# Helm by itself takes the number before, whether or not that one ever ran.
revision=${REVISION:-0}
if [ "$revision" = 0 ]; then
  history=$(helm history "$release" --namespace "$KUBE_NAMESPACE" --max 50 --output json)
  revision=$(printf '%s' "$history" | "$folder/revision-before.sh")
fi
if [ -z "$revision" ]; then
  echo "There is no release of $release before this one that was in use: helm history $release --namespace $KUBE_NAMESPACE" >&2
  exit 1
fi
helm rollback "$release" "$revision" --namespace "$KUBE_NAMESPACE" --wait --wait-for-jobs --timeout "${TIMEOUT:-10m}"
helm history "$release" --namespace "$KUBE_NAMESPACE" --max 3
