#!/usr/bin/env bash
# Draw pictures of a meter, train a network, export it with proof, and read pictures: examples/meter/run.sh [FOLDER]
# Takes a minute, the export for microcontrollers included.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
export PATH="$root/.venv/bin:$PATH"
out=${1:-meter}

python "$root/examples/meter/render.py" "$out/pictures"
mnist-train --data "$out/pictures" --image-size 32x20 --channels 3 --architecture strided --epochs 30 --output "$out/meter.keras"
mnist-export "$out/meter.keras" --data "$out/pictures" --quantize --output "$out/meter.tflite"
mnist-export "$out/meter.keras" --data "$out/pictures" --quantize --format tflm --output "$out/meter.h"
mnist-runtime self-test "$out/meter.tflite"
mnist-runtime classify --model "$out/meter.tflite" "$out/pictures/test/7/0001.png" "$out/pictures/test/N/0001.png"
