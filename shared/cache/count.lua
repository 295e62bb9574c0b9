-- Count one record in the windows of its project, all or nothing. A window is two keys: a hash with its counts and a
-- set of the records counted in it. The project's index holds each window's total once more: where the three do not
-- agree, something was evicted, and the window is lost for good rather than too small. The index names the server
-- it was made on: one that starts anew may have forgotten the latest counts, which whoever reads then finds out.
--
-- KEYS: all projects (sorted set by last minute), the project's index, then counts and records of each window.
-- ARGV: project, record, now, kept minutes, most projects, most names, most records, then for each window its minute,
-- the number of names, and names and counts in turn. Minutes are whole minutes since 1970.
local projects, index = KEYS[1], KEYS[2]
local project, record = ARGV[1], ARGV[2]
local now, kept = tonumber(ARGV[3]), tonumber(ARGV[4])
local most_projects, most_names, most_records = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local lives = (kept + 2) * 60

redis.call('ZREMRANGEBYSCORE', projects, '-inf', '(' .. (now - kept))
if not redis.call('ZSCORE', projects, project) and redis.call('ZCARD', projects) >= most_projects then
    redis.call('DEL', index) -- from here on nobody knows what is missing
    return 0
end
redis.call('ZADD', projects, 'GT', now, project)

local since = tonumber(redis.call('HGET', index, 'since'))
if not since then
    -- The minute under way may have begun without us, and the clock of who received events may be a little ahead.
    since = now + 2
    local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
    redis.call('HSET', index, 'since', since, 'server', server)
end
redis.call('EXPIRE', index, lives)

local function lose(minute, counts, records)
    redis.call('DEL', counts, records)
    redis.call('HSET', index, minute, 'lost')
end

local function add(minute, counts, records, first, names)
    local known = redis.call('HGET', index, minute)
    if known == 'lost' then
        return
    end
    local held = redis.call('HMGET', counts, 'total', 'records', 'names')
    local total, seen, kinds = held[1] or '0', tonumber(held[2] or '0'), tonumber(held[3] or '0')
    if total ~= (known or '0') or redis.call('SCARD', records) ~= seen then
        return lose(minute, counts, records)
    end
    if redis.call('SADD', records, record) == 0 then
        return
    end
    if seen >= most_records then
        return lose(minute, counts, records)
    end
    local added = 0
    for at = first, first + 2 * names - 2, 2 do
        local name, events = 'n:' .. ARGV[at], tonumber(ARGV[at + 1])
        added = added + events
        if redis.call('HEXISTS', counts, name) == 1 then
            redis.call('HINCRBY', counts, name, events)
        elseif kinds < most_names then
            kinds = kinds + 1
            redis.call('HSET', counts, name, events)
        else
            redis.call('HINCRBY', counts, 'rest', events)
        end
    end
    redis.call('HSET', counts, 'records', seen + 1, 'names', kinds)
    redis.call('HSET', index, minute, redis.call('HINCRBY', counts, 'total', added))
    redis.call('EXPIRE', counts, lives)
    redis.call('EXPIRE', records, lives)
end

local at, key = 8, 3
while ARGV[at] do
    local minute, names = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    if minute >= since and minute > now - kept then
        add(minute, KEYS[key], KEYS[key + 1], at + 2, names)
    end
    at, key = at + 2 + 2 * names, key + 2
end

if redis.call('HLEN', index) > 2 * kept then
    for _, field in ipairs(redis.call('HKEYS', index)) do
        if tonumber(field) and tonumber(field) <= now - kept then
            redis.call('HDEL', index, field)
        end
    end
end
return 1
