# The way to the run's files. Whoever may write into the volume may have put a link on it, which would lead root's hands
# to any other place of the volume: none is followed. Where a shell has come to the kernel says, and what is renamed
# or put there afterwards changes nothing of it.
refuse_link() {
  if [ -L "$1" ]; then
    echo "$(pwd -P)/$1 is a symbolic link, and this proof follows none: see who made it, and remove it"
    exit 1
  fi
}

# First what is done where there may be nothing yet, then the folders, one in the other, below /data.
enter() {
  first=$1
  shift
  cd /data
  place=$(pwd -P)
  for folder in "$@"; do
    refuse_link "$folder"
    $first "$folder"
    cd "./$folder"
    place=$place/$folder
    if [ "$(pwd -P)" != "$place" ]; then
      echo "$place has become a symbolic link: see who made it, and remove it"
      exit 1
    fi
  done
}

