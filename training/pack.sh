#!/usr/bin/env bash
# Makes one archive of everything that training needs on a machine without a network: fonts of Debian reduced to the
# trained characters, text, and the scripts; the weights to begin with come with the repository.
#   training/pack.sh [ARCHIVE]     default: build/pack/pack.tar.xz
set -euo pipefail
cd "$(dirname "$0")/.."
archive=$(realpath -m "${1:-build/pack/pack.tar.xz}")
packages="fonts-dejavu-core fonts-dejavu-extra fonts-liberation fonts-lato fonts-open-sans fonts-roboto-unhinted
  fonts-crosextra-carlito fonts-crosextra-caladea fonts-freefont-ttf fonts-noto-core fonts-noto-mono fonts-ebgaramond
  fonts-junicode fonts-cantarell fonts-courier-prime fonts-urw-base35 fonts-anonymous-pro fonts-firacode fonts-croscore
  fonts-sil-gentiumplus fonts-sil-charis fonts-vollkorn fonts-gfs-didot fonts-gfs-artemisia fonts-adf-accanthis
  fonts-adf-baskervald fonts-adf-gillius fonts-adf-universalis fonts-fanwood fonts-goudybookletter fonts-prociono
  fonts-mononoki fonts-jetbrains-mono fonts-roboto-slab fonts-inter fonts-dosis fonts-cabin fonts-averia-serif-gwf
  fonts-quicksand manpages manpages-fr manpages-de manpages-es manpages-it manpages-pt-br manpages-sv manpages-da
  manpages-nl wfrench wngerman wspanish witalian wportuguese wswedish wdanish"

mkdir -p build/pack/debs build/pack/root
cd build/pack
if [ ! -x venv/bin/pip ]; then
  python3 -m venv venv
  venv/bin/pip install -q fonttools numpy pillow
fi
(cd debs && apt-get -q download $packages)
for package in debs/*.deb; do dpkg -x "$package" root; done
rm -rf content
mkdir -p content
venv/bin/python ../../training/pack.py root content
cp ../../training/*.py ../../training/on_a_card.sh content/
XZ_OPT=-6 tar -cJf "$archive" -C content .
size=$(stat -c %s "$archive")
echo "$archive: $size bytes"
[ "$size" -lt 22000000 ] || { echo "pack: the archive is above 22 MB" >&2; exit 1; }
