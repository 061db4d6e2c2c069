#!/bin/sh
# Goes back to the release before this one, or to REVISION (`helm history` lists them). Programs go back; tables stay as they are.
set -eu
: "${KUBE_NAMESPACE:?the namespace to roll back in}"
release=${RELEASE:-urna}

# Without a number: the one before.
helm rollback "$release" ${REVISION:+"$REVISION"} --namespace "$KUBE_NAMESPACE" --wait --wait-for-jobs --timeout "${TIMEOUT:-10m}"
helm history "$release" --namespace "$KUBE_NAMESPACE" --max 3
