import type { Redis } from 'ioredis'

/**
 * What must happen in Redis as one step, in Lua. Each script touches the two keys of ONE stream (they share a hash tag, hence a slot):
 *
 *     KEYS[1]  the stream. Fields of an entry: n ballots in it, i running number of the entry, t running number of its last ballot,
 *              e epoch, b body. From i and t a sum over any end of the stream is a subtraction, however long it is.
 *     KEYS[2]  a hash beside it: what this queue is (id, renamed, streams), the epoch it writes in and the identity of that epoch, the
 *              last i and t (entries, ballots), ballots not acked (waiting), the generation of deliveries, the last entry that was
 *              removed (trimmed: its id, removed: its i), the low water's copy.
 *
 * ARGV[1] is the consumer group, where one is needed.
 */

const prelude = `
local stream, queue = KEYS[1], KEYS[2]
local function parts(id)
  local ms, n = string.match(id, '^(%d+)%-(%d+)$')
  return tonumber(ms), tonumber(n)
end
local function below(a, b)
  local ams, an = parts(a)
  local bms, bn = parts(b)
  return ams < bms or (ams == bms and an < bn)
end
local function least(a, b)
  if not a then return b end
  if not b then return a end
  if below(b, a) then return b end
  return a
end
-- The id after this one. Beyond what a double holds it is the id itself: never more than the truth.
local function after(id)
  local ms, n = parts(id)
  if n >= 9007199254740991 then return id end
  return string.format('%.0f-%.0f', ms, n + 1)
end
local function field(entry, name)
  if not entry or not entry[2] then return nil end
  for at = 1, #entry[2], 2 do
    if entry[2][at] == name then return entry[2][at + 1] end
  end
  return nil
end
local function number(text) return tonumber(text or '') or 0 end
local function whole(value) return string.format('%.0f', value) end
local function nowMs()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
-- The last id that the group was given; nil: there is no such group. Fails where there is no stream.
local function delivered(group)
  for _, fields in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local found = {}
    for at = 1, #fields, 2 do found[fields[at]] = fields[at + 1] end
    if found['name'] == group then return found['last-delivered-id'] end
  end
  return nil
end
local function firstFrom(id) return redis.call('XRANGE', stream, id, '+', 'COUNT', '1')[1] end
-- The oldest pending id, the first undelivered entry, the last delivered id.
local function unacked(group)
  local last = delivered(group)
  if not last then return error({ err = 'NOGROUP the consumer group is gone' }) end
  local pending = redis.call('XPENDING', stream, group)
  return pending[2], firstFrom('(' .. last), last
end
`

const lua = {
  /**
   * Finds the queue, or makes what is missing of it: the group at 0, so that whatever is kept is delivered. What was made anew is
   * another queue, with another id. -> id, renamed, epoch, identity, streams, missing ('' when all was there)
   * ARGV: group, id, generation, streams
   */
  open: `
    local group = ARGV[1]
    local id = redis.call('HGET', queue, 'id')
    local exists = redis.call('EXISTS', stream) == 1
    local grouped = exists and delivered(group)
    local missing = ''
    if not exists then missing = id and 'stream' or 'all'
    elseif not grouped then missing = 'group'
    elseif not id then missing = 'state' end
    if missing ~= '' then
      if not grouped then redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM') end
      local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', '1')[1]
      local _, undelivered = unacked(group)
      local ballots = math.max(number(redis.call('HGET', queue, 'ballots')), number(field(newest, 't')))
      local entries = math.max(number(redis.call('HGET', queue, 'entries')), number(field(newest, 'i')))
      local waiting = 0
      if undelivered then waiting = ballots - number(field(undelivered, 't')) + number(field(undelivered, 'n')) end
      redis.call('HDEL', queue, 'low_water', 'renamed')
      redis.call('HSET', queue, 'id', ARGV[2], 'generation', ARGV[3], 'streams', ARGV[4], 'ballots', whole(ballots),
        'entries', whole(entries), 'waiting', whole(waiting), 'identity', '',
        'removed', whole(newest and number(field(firstFrom('-'), 'i')) - 1 or entries))
    end
    local found = redis.call('HMGET', queue, 'id', 'renamed', 'epoch', 'identity', 'streams')
    return { found[1], found[2] or '', found[3] or '0', found[4] or '', found[5] or '', missing }
  `,

  /**
   * From now on entries are written in this epoch. -> 'ok'; 'changed': the queue is another one by now; 'older': it has written in that
   * epoch or a later one under another identity.
   * ARGV: group, id, renamed, epoch, identity
   */
  adopt: `
    local found = redis.call('HMGET', queue, 'id', 'renamed', 'epoch', 'identity')
    if found[1] ~= ARGV[2] or (found[2] or '') ~= ARGV[3] then return 'changed' end
    local epoch, wanted = number(found[3]), tonumber(ARGV[4])
    if wanted < epoch or (wanted == epoch and (found[4] or '') ~= ARGV[5]) then return 'older' end
    redis.call('HSET', queue, 'epoch', ARGV[4], 'identity', ARGV[5])
    return 'ok'
  `,

  /** Gives the queue another identity without being another queue. ARGV: group, id, renamed (as known), renamed (new) */
  rename: `
    local found = redis.call('HMGET', queue, 'id', 'renamed')
    if found[1] == ARGV[2] and (found[2] or '') == ARGV[3] then redis.call('HSET', queue, 'renamed', ARGV[4]) end
    return 'ok'
  `,

  /**
   * One flush. The epoch is compared in the same step: nothing is written under an old one, so epochs never go down along the stream.
   * After the deadline its voters have been told to send again: an entry that lands later could replace their newer ballot.
   * -> {'ok', id, queue time}, {'stale'}, {'gone'}, {'late', queue time}
   * ARGV: epoch, ballots, body, deadline (queue time)
   */
  publish: `
    local found = redis.call('HMGET', queue, 'epoch', 'entries', 'ballots', 'waiting')
    if found[1] ~= ARGV[1] then return { 'stale' } end
    local now = nowMs()
    if now > tonumber(ARGV[4]) then return { 'late', whole(now) } end
    local count = tonumber(ARGV[2])
    local entries, ballots = whole(number(found[2]) + 1), whole(number(found[3]) + count)
    local id = redis.call('XADD', stream, 'NOMKSTREAM', '*', 'n', ARGV[2], 'i', entries, 't', ballots, 'e', ARGV[1], 'b', ARGV[3])
    if not id then return { 'gone' } end
    redis.call('HSET', queue, 'entries', entries, 'ballots', ballots, 'waiting', whole(number(found[4]) + count))
    return { 'ok', id, whole(now) }
  `,

  /**
   * Reads one entry after the other until a limit is reached, so that nothing is taken beyond it.
   * -> generation, epoch, cursor ('' at the end), entries, ids that are pending but gone from the stream
   * ARGV: group, consumer, 'own' | 'abandoned' | 'new', cursor, abandoned after ms, ballots, bytes, steps
   */
  take: `
    local group, consumer, kind, cursor = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
    local ballots, bytes, steps = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
    local entries, gone = {}, {}
    while steps > 0 and ballots > 0 and bytes > 0 do
      steps = steps - 1
      local entry
      if kind == 'abandoned' then
        local reply = redis.call('XAUTOCLAIM', stream, group, consumer, ARGV[5], cursor, 'COUNT', '1')
        cursor, entry = reply[1], reply[2][1]
        for _, id in ipairs(reply[3] or {}) do gone[#gone + 1] = id end
        if cursor == '0-0' then cursor = '' end
      else
        local from = kind == 'own' and cursor or '>'
        local reply = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', '1', 'STREAMS', stream, from)
        entry = reply and reply[1] and reply[1][2][1]
        if not entry then cursor = ''
        elseif kind == 'own' then cursor = entry[1] end
        if entry and not entry[2] then
          redis.call('XACK', stream, group, entry[1])
          gone[#gone + 1] = entry[1]
          entry = nil
        end
      end
      if entry then
        local body = field(entry, 'b') or ''
        entries[#entries + 1] = { entry[1], field(entry, 'n') or '', field(entry, 'e') or '', body }
        ballots = ballots - math.max(1, number(field(entry, 'n')))
        bytes = bytes - #body
      end
      if cursor == '' then break end
    end
    local found = redis.call('HMGET', queue, 'generation', 'epoch')
    return { found[1] or '', found[2] or '0', cursor, entries, gone }
  `,

  /** -> how many entries this acked. ARGV: group, generation, then id and ballots of each */
  ack: `
    if redis.call('HGET', queue, 'generation') ~= ARGV[2] then return 0 end
    local entries, ballots = 0, 0
    for at = 3, #ARGV, 2 do
      if redis.call('XACK', stream, ARGV[1], ARGV[at]) == 1 then
        entries = entries + 1
        ballots = ballots + number(ARGV[at + 1])
      end
    end
    if entries > 0 then
      local waiting = number(redis.call('HGET', queue, 'waiting'))
      redis.call('HSET', queue, 'waiting', whole(math.max(0, waiting - ballots)))
    end
    return entries
  `,

  /**
   * A consumer goes: what it holds may be taken by others at once, and a name that holds nothing is removed (one that does would take it
   * along). -> cursor ('' at the end). ARGV: group, consumer, cursor
   */
  release: `
    local held = redis.call('XPENDING', stream, ARGV[1], ARGV[3], '+', '1000', ARGV[2])
    local claim = { 'XCLAIM', stream, ARGV[1], ARGV[2], '0' }
    for _, pending in ipairs(held) do claim[#claim + 1] = pending[1] end
    for _, option in ipairs({ 'TIME', '1', 'JUSTID' }) do claim[#claim + 1] = option end
    if #held > 0 then redis.call(unpack(claim)) end
    if #held == 1000 then return '(' .. held[1000][1] end
    if #held == 0 and ARGV[3] == '-' then redis.call('XGROUP', 'DELCONSUMER', stream, ARGV[1], ARGV[2]) end
    return ''
  `,

  /** Removes the names of consumers that hold nothing and have not asked for this long. -> how many. ARGV: group, idle ms */
  tidy: `
    local removed = 0
    for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', stream, ARGV[1])) do
      local found = {}
      for at = 1, #fields, 2 do found[fields[at]] = fields[at + 1] end
      if found['pending'] == 0 and found['idle'] > tonumber(ARGV[2]) then
        redis.call('XGROUP', 'DELCONSUMER', stream, ARGV[1], found['name'])
        removed = removed + 1
      end
    end
    return removed
  `,

  /** Names of the consumers that asked for entries lately. ARGV: group, idle ms */
  consumers: `
    local names = {}
    for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', stream, ARGV[1])) do
      local found = {}
      for at = 1, #fields, 2 do found[fields[at]] = fields[at + 1] end
      if found['idle'] < tonumber(ARGV[2]) then names[#names + 1] = found['name'] end
    end
    return names
  `,

  /**
   * Where the stream stands. The time comes first, then what is unacked; nothing else runs in between. With nothing unacked the stream's
   * last id is moved up to the time, so that whatever comes later gets a later id, even if the clock is set back meanwhile.
   * -> time ms, oldest unacked id ('' for none), its epoch, last id of the stream, epoch, low water's copy ('' for none), how many
   * entries something else than a trim has removed since the last look
   * ARGV: group
   */
  look: `
    local now = nowMs()
    local pending, undelivered = unacked(ARGV[1])
    local oldest = least(pending, undelivered and undelivered[1])
    local found = redis.call('HMGET', queue, 'epoch', 'low_water', 'entries', 'removed')
    local info, lastId = redis.call('XINFO', 'STREAM', stream), nil
    for at = 1, #info, 2 do
      if info[at] == 'last-generated-id' then lastId = info[at + 1] end
    end
    local epoch = found[1] or '0'
    if oldest then
      -- A pending entry that is gone from the stream: the next one tells the epoch.
      local own = field(firstFrom(oldest), 'e') or ''
      if string.match(own, '^%d+$') and tonumber(own) < tonumber(epoch) then epoch = own end
    else
      local time = whole(now) .. '-0'
      if below(lastId, time) then
        redis.call('XSETID', stream, time)
        lastId = time
      end
    end
    local first = firstFrom('-')
    local removed = first and number(field(first, 'i')) - 1 or number(found[3])
    local strange = math.max(0, removed - number(found[4]))
    if strange > 0 then
      local trimmed = lastId
      if first then trimmed = string.format('%.0f-18446744073709551615', parts(first[1]) - 1) end
      redis.call('HSET', queue, 'removed', whole(removed), 'trimmed', trimmed)
    end
    return { whole(now), oldest or '', epoch, lastId, found[1] or '0', found[2] or '', strange }
  `,

  /** -> ballots not acked, oldest unacked id ('' for none). With nothing unacked the count is mended if it drifted. ARGV: group */
  depth: `
    local pending, undelivered = unacked(ARGV[1])
    local oldest = least(pending, undelivered and undelivered[1])
    local waiting = number(redis.call('HGET', queue, 'waiting'))
    if not oldest then
      if waiting ~= 0 then redis.call('HSET', queue, 'waiting', '0') end
      return { '0', '' }
    end
    return { whole(math.max(1, waiting)), oldest }
  `,

  /**
   * Makes everything from an id on undelivered again, whoever holds it; earlier deliveries can be acked no more. Many pending entries are
   * taken back in steps; only the last one moves the group and takes the row as the copy, so that a rewind that was cut short is
   * begun again. -> 'more', or {entries, 1 if some were trimmed}
   * ARGV: group, generation, from id, id before it, low water's copy ('' for none)
   */
  rewind: `
    local group, from = ARGV[1], ARGV[3]
    redis.call('HSET', queue, 'generation', ARGV[2])
    local ids = {}
    for _, pending in ipairs(redis.call('XPENDING', stream, group, from, '+', '1000')) do ids[#ids + 1] = pending[1] end
    if #ids > 0 then redis.call('XACK', stream, group, unpack(ids)) end
    if #ids == 1000 then return 'more' end
    redis.call('XGROUP', 'SETID', stream, group, ARGV[4])
    local found = redis.call('HMGET', queue, 'entries', 'ballots', 'trimmed')
    local first, entries, waiting = firstFrom(from), 0, 0
    if first then
      entries = number(found[1]) - number(field(first, 'i')) + 1
      waiting = number(found[2]) - number(field(first, 't')) + number(field(first, 'n'))
    end
    for _, pending in ipairs(redis.call('XPENDING', stream, group, '-', '+', '1000')) do
      waiting = waiting + number(field(redis.call('XRANGE', stream, pending[1], pending[1])[1], 'n'))
    end
    redis.call('HSET', queue, 'waiting', whole(waiting))
    if ARGV[5] == '' then redis.call('HDEL', queue, 'low_water') else redis.call('HSET', queue, 'low_water', ARGV[5]) end
    local gap = found[3] and not below(found[3], from)
    return { entries, gap and 1 or 0 }
  `,

  /**
   * Removes entries that are acked, lie below the low water and are older than the window: at most those of the oldest \`step\`
   * milliseconds, for Redis does nothing else meanwhile. Exactly these: what lies above is needed by a rewind.
   * -> removed, 1 if there are more. ARGV: group, low water's id, window ms, step ms
   */
  trim: `
    local pending, _, last = unacked(ARGV[1])
    local to = least(least(ARGV[2], whole(math.max(0, nowMs() - tonumber(ARGV[3]))) .. '-0'), least(pending, after(last)))
    local first = firstFrom('-')
    if not first or not below(first[1], to) then return { 0, 0 } end
    local step = whole(parts(first[1]) + tonumber(ARGV[4])) .. '-0'
    local more = 0
    if below(step, to) then
      to = step
      more = 1
    end
    local newest = redis.call('XREVRANGE', stream, '(' .. to, '-', 'COUNT', '1')[1]
    local removed = redis.call('XTRIM', stream, 'MINID', '=', to)
    redis.call('HSET', queue, 'trimmed', newest[1])
    local numbered = number(field(newest, 'i'))
    if numbered > 0 then redis.call('HSET', queue, 'removed', whole(numbered)) end
    return { removed, more }
  `,
}

export type ScriptName = keyof typeof lua

/** The name that ioredis calls it by: apart from Redis' own commands. */
const commandOf = (name: ScriptName) => `urna_${name}`

export function defineScripts(client: Redis): void {
  for (const [name, text] of Object.entries(lua)) {
    client.defineCommand(commandOf(name as ScriptName), { numberOfKeys: 2, lua: `${prelude}${text}` })
  }
}

export interface StreamKeys {
  readonly stream: string
  readonly queue: string
}

export function runScript(client: Redis, name: ScriptName, keys: StreamKeys, ...args: (string | number)[]): Promise<unknown> {
  const scripted = client as unknown as Record<string, (...all: (string | number)[]) => Promise<unknown>>
  const run = scripted[commandOf(name)]
  if (run === undefined) throw new Error(`no script ${name} on this connection`)
  return run.call(client, keys.stream, keys.queue, ...args)
}
