# Ends a PostgreSQL and removes its folder ($1) once nobody holds the other end of standard input any more.
# It is started with each PostgreSQL of the tests, so that none outlives a run that was killed.
cat > /dev/null
cd "$1" 2> /dev/null || exit 0
pid=$(head -n 1 data/postmaster.pid 2> /dev/null)
# The number may be another process's by now, which Linux tells.
if [ -n "$pid" ] && [ -e /proc/self ] && [ "$(readlink "/proc/$pid/cwd")" != "$PWD/data" ]; then pid=; fi
if [ -n "$pid" ]; then
  kill -CONT "$pid" 2> /dev/null
  kill -QUIT "$pid" 2> /dev/null
  tries=100
  while [ $tries -gt 0 ] && kill -0 "$pid" 2> /dev/null; do
    tries=$((tries - 1))
    sleep 0.1
  done
fi
cd /
rm -rf "$1"
