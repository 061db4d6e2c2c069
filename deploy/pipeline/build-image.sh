#!/bin/sh
# build-image.sh NAME: builds deploy/docker/NAME.Dockerfile and pushes it as REGISTRY_IMAGE/NAME:COMMIT, without a Docker daemon and without root.
# Needs buildctl-daemonless.sh, as in the image moby/buildkit:rootless, and registry-login.sh before it.
set -eu
name=${1:?the name of an image: urna or urna-frontend}
: "${REGISTRY_IMAGE:?where images go, such as registry.example.org/group/urna}" "${COMMIT:?the commit that is built}"
cd "$(dirname "$0")/../.."
[ -f "deploy/docker/$name.Dockerfile" ] || {
  echo "There is no deploy/docker/$name.Dockerfile: expected urna or urna-frontend" >&2
  exit 2
}
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)

# The cache is an image too: another machine begins where this one stopped.
buildctl-daemonless.sh build \
  --frontend dockerfile.v0 \
  --local context=. \
  --local dockerfile=deploy/docker \
  --opt "filename=$name.Dockerfile" \
  --opt "build-arg:VERSION=$version" \
  --opt "build-arg:REVISION=$COMMIT" \
  --opt "build-arg:CREATED=${CREATED:-}" \
  --import-cache "type=registry,ref=$REGISTRY_IMAGE/$name:cache" \
  --export-cache "type=registry,ref=$REGISTRY_IMAGE/$name:cache,mode=max" \
  --output "type=image,name=$REGISTRY_IMAGE/$name:$COMMIT,push=true"
