#!/usr/bin/env bash
# Sets EarthShader up in this folder (.venv) and fits a picture: bash scripts/try.sh [PICTURE [option of `earthshader fit`]...]
set -euo pipefail

# A picture of the caller's is meant from the caller's folder.
picture=${1:+$(realpath -m -- "$1")}
shift $(($# > 0))
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/set_up.sh

set_up_python ""
set_up_libraries

picture=${picture:-examples/images/compass.png}
[ -e "$picture" ] || fail "There is no picture $picture: give the path of one (bash scripts/try.sh logo.png)."
name=$(basename "$picture")
folder=out/${name%.*}

say "Fitting $picture"
status=0
.venv/bin/earthshader fit "$picture" --out "$folder" "$@" || status=$?
[ "$status" = 0 ] || exit "$status"
say "Done: open $folder/viewer.html in a browser; $folder/preview.png shows the picture beside what the program draws, $folder/pareto.png what fewer numbers give."
