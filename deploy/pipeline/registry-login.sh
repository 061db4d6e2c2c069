#!/bin/sh
# Signs in to the registry for tools that have no `login` of their own, by writing the file that they read. The password comes out of the
# environment and goes into a file that only this job reads: never onto a command line, which every process of the machine can see
# (printf is a part of the shell, no process).
set -eu
: "${CI_REGISTRY:?the name of the registry}" "${CI_REGISTRY_USER:?}" "${CI_REGISTRY_PASSWORD:?}"
folder=${DOCKER_CONFIG:-$HOME/.docker}

umask 077
mkdir -p "$folder"
entry=$(printf '%s:%s' "$CI_REGISTRY_USER" "$CI_REGISTRY_PASSWORD" | base64 | tr -d '\n')
printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$CI_REGISTRY" "$entry" >"$folder/config.json"
