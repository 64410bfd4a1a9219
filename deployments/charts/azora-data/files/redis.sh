# Sessions live here: every write is kept on disk, and none is dropped for room.
exec redis-server - <<CONF
bind * -::*
requirepass $REDISCLI_AUTH
dir /data
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
CONF
