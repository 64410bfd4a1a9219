# Start PostgreSQL as a plain user; make the database of the application on the first start. `ready`: does it answer?
set -eu
PATH="$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1):$PATH"

if [ "${1-}" = ready ]; then
  exec pg_isready --quiet --host=/tmp --dbname="$APPLICATION"
fi

if [ ! -e "$PGDATA/PG_VERSION" ]; then
  new="$PGDATA.new" # made whole before it gets its name: a first start that is killed begins again
  rm -rf "$new"
  # The superuser has no password: it is whoever runs inside this container (peer).
  initdb --pgdata="$new" --username=postgres --auth-local=peer --auth-host=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --data-checksums
  echo "host all all all scram-sha-256" >>"$new/pg_hba.conf"
  postgres --single -D "$new" postgres <<SQL
CREATE ROLE "$APPLICATION" LOGIN PASSWORD '$APPLICATION_PASSWORD'
CREATE DATABASE "$APPLICATION" OWNER "$APPLICATION"
SQL
  mv "$new" "$PGDATA"
fi

exec postgres -D "$PGDATA" "$@"
