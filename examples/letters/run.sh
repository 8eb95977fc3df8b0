#!/usr/bin/env bash
# Draw pictures of letters, train a network, export it with proof, and read a page: examples/letters/run.sh [FOLDER]
# Takes a minute, the export for microcontrollers included.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
export PATH="$root/.venv/bin:$PATH"
out=${1:-letters}

python "$root/examples/letters/render.py" "$out/pictures"
mnist-train --data "$out/pictures" --prepare mnist --architecture strided --epochs 30 --output "$out/letters.keras"
mnist-export "$out/letters.keras" --data "$out/pictures" --quantize --output "$out/letters.tflite"
mnist-export "$out/letters.keras" --data "$out/pictures" --quantize --format tflm --output "$out/letters.h"
mnist-runtime self-test "$out/letters.tflite"
mnist-runtime classify --model "$out/letters.tflite" "$out/pictures/page.png" "$out/pictures/test/B/0001.png"
