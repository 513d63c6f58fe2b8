#!/bin/sh
# Prints where the installed Terraform is, if it is new enough for the provider (1.11); else nothing.
set -eu
found=$(command -v terraform 2>/dev/null) || exit 0
first=$(CHECKPOINT_DISABLE=1 TF_CLI_CONFIG_FILE=/dev/null "$found" version 2>/dev/null) || exit 0
version=${first%%
*}
version=${version#Terraform v}
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
case $major.$minor in
*[!0-9.]* | .* | *.) exit 0 ;;
esac
if [ "$major" -gt 1 ] || { [ "$major" -eq 1 ] && [ "$minor" -ge 11 ]; }; then
    printf '%s\n' "$found"
fi
