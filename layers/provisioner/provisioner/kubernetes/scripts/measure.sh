# How long single calls take. dd tells it as busybox is built by default, from before it opens to after it closes; where
# it tells nothing the shell's clock does, which counts the start of dd too. Nothing of this fails a proof: what cannot be
# measured is not told, and what takes long is not gone on with.
took() {
  what=$1
  shift
  began=${EPOCHREALTIME:-}
  told=$("$@" 2>&1) || return 0
  echo "took $what ${began:-unknown} ${EPOCHREALTIME:-unknown}" $told
}

# Whether this is still to go on; the first question sets the end.
in_time() {
  read -r uptime uptime_of_all_processors </proc/uptime
  [ "${uptime%.*}" -lt "${too_late:=$((${uptime%.*} + 10))}" ]
}

measure_writing() (
  own=".measured/$POD_NAME"
  rm -rf "$own" && mkdir -p "$own" || exit 0
  number=1
  while [ "$number" -le "$MEASURED_FILES" ] && in_time; do
    took small_write dd if=/dev/zero of="$own/$number" bs=4096 count=1 conv=fsync
    number=$((number + 1))
  done
  in_time && took sequential_write timeout 20 dd if=/dev/zero of="$own/large" bs=1048576 count=4 conv=fsync
)

# Of another pod's files: what this one wrote, its own node may still remember.
measure_reading() (
  for other in .measured/*; do
    [ "$other" = ".measured/$POD_NAME" ] || break
  done
  [ "$other" != ".measured/$POD_NAME" ] && [ -d "$other" ] || exit 0
  for file in "$other"/[0-9]*; do
    in_time && took small_read dd if="$file" of=/dev/null bs=4096
  done
  in_time && took sequential_read timeout 20 dd if="$other/large" of=/dev/null bs=1048576
)

