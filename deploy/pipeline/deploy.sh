#!/bin/sh
# Installs or upgrades Urna in ONE namespace with the images of ONE commit, waits until it is ready, and goes back by itself if it does not become so.
# Needs helm 4 and, in a cluster, a service account with deploy/gitlab/deployer.yaml; elsewhere a KUBECONFIG.
set -eu
: "${KUBE_NAMESPACE:?the namespace to deploy to; it must exist}"
: "${REGISTRY_IMAGE:?where the images are, such as registry.example.org/group/urna}" "${COMMIT:?the commit whose images are deployed}"
cd "$(dirname "$0")/../.."
release=${RELEASE:-urna}

set -- --set-string "image.repository=$REGISTRY_IMAGE/urna" --set-string "image.tag=$COMMIT" \
  --set-string "frontendImage.repository=$REGISTRY_IMAGE/urna-frontend"
# A file with what is particular to this place: hosts, sizes, names of secrets. Never the secrets themselves.
if [ -n "${VALUES_FILE:-}" ]; then
  [ -f "$VALUES_FILE" ] || {
    echo "VALUES_FILE: there is no file $VALUES_FILE" >&2
    exit 2
  }
  set -- --values "$VALUES_FILE" "$@"
fi

helm upgrade "$release" deploy/helm/urna --install --namespace "$KUBE_NAMESPACE" "$@" \
  --wait --wait-for-jobs --rollback-on-failure --timeout "${TIMEOUT:-10m}" --history-max 10
# Helm goes back by itself from what does not become ready, not from what does not work.
if ! helm test "$release" --namespace "$KUBE_NAMESPACE" --timeout 5m; then
  echo "The release is ready, and does not do what it should: going back" >&2
  deploy/pipeline/roll-back.sh || true
  exit 1
fi
helm history "$release" --namespace "$KUBE_NAMESPACE" --max 3
