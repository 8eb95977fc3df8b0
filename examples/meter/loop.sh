#!/usr/bin/env bash
# Watch a meter, learn from doubtful pictures, and watch it better: examples/meter/loop.sh [FOLDER [USER@HOST [OPTION ...]]]
#
# FOLDER is what examples/meter/run.sh has written. With USER@HOST, the new file is deployed there, with options of mnist-export deploy.
# Set MQTT, such as MQTT=mqtt://127.0.0.1/house, to publish the values. Takes three minutes.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
export PATH="$root/.venv/bin:$PATH"
out=${1:-meter}
device=("${@:2}")
mqtt=(${MQTT:+--mqtt "$MQTT"})

echo "== monday: watch with the first file, and keep doubtful pictures"
rm -rf "$out/doubtful" "$out/sorted" "$out/monday" "$out/tuesday"
python "$root/examples/meter/film.py" "$out/monday" --seed 2 --day 1 --dirt 1.2 --frames "${FRAMES:-1500}"
mnist-runtime watch --source "$out/monday/film.avi" --rate 25 --regions "$out/monday/regions.toml" \
  --start "water=$(python "$root/examples/meter/person.py" start "$out/monday")" --model "$out/meter.tflite" \
  --csv "$out/monday/first.csv" --keep-doubtful "$out/doubtful" "${mqtt[@]}" > "$out/monday/first.jsonl"

echo "== label the doubtful pictures, and tune the network to them"
python "$root/examples/meter/person.py" sort "$out/doubtful" "$out/monday" "$out/sorted"
cp -r "$out/pictures/." "$out/sorted/"
mnist-train --from "$out/meter.keras" --data "$out/sorted" --epochs "${EPOCHS:-6}" --output "$out/tuned.keras"
mnist-export "$out/tuned.keras" --data "$out/sorted" --quantize --output "$out/tuned.tflite"
mnist-runtime self-test "$out/tuned.tflite"

echo "== tuesday: the first and the tuned file, at the same meter in other light"
python "$root/examples/meter/film.py" "$out/tuesday" --seed 2 --day 2 --dirt 1.2 --frames "${FRAMES:-1500}"
for name in meter tuned; do
  mnist-runtime watch --source "$out/tuesday/film.avi" --rate 25 --regions "$out/tuesday/regions.toml" \
    --start "water=$(python "$root/examples/meter/person.py" start "$out/tuesday")" --model "$out/$name.tflite" \
    --csv "$out/tuesday/$name.csv" "${mqtt[@]}" > "$out/tuesday/$name.jsonl"
done
python "$root/examples/meter/person.py" compare "$out/tuesday"

if [ ${#device[@]} -gt 0 ]; then
  mnist-export deploy "$out/tuned.tflite" "${device[@]}"
fi
