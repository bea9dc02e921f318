//! Counts in Redis, shared by any number of processes.
//!
//! One script looks at all windows and the message's key and changes all or none of them; Redis runs it as one step. A call that is
//! not answered in time is [`Unavailable`]: it may have been done, and whoever asks again does so with the same key.
//! The rules are those of [`super::ledger`]; the script says them again in Lua, and one test suite holds both to them.
//!
//! All keys have one hash tag, so that they are on one node of a Redis Cluster. Counts are as durable as Redis is told to be:
//! `appendonly yes`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Pipeline, RedisResult, Script};

use super::{Full, REMEMBERED, Slot, Slots, Take, Taken, Unavailable};
use crate::domain::limits::Unit;
use crate::error::Error;

/// Longest wait for a connection and for an answer.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(2);

/// Before everything that is kept there.
const PREFIX: &str = "{clientele}:send:";

/// KEYS: the message's key, then one per account. ARGV: now, recipients, choice, how long the key is remembered (0: it has none),
/// then of each account start, end and cap (-1: none) of its three windows. Answers `{0, choice}` or
/// `{1, account, unit, end, used, cap}`.
const SCRIPT: &str = r"
local now, recipients = tonumber(ARGV[1]), tonumber(ARGV[2])
local remembered = tonumber(ARGV[4])
if remembered > 0 then
  local known = redis.call('GET', KEYS[1])
  if known then return {0, tonumber(known)} end
end
local turned, longest = {}, nil
for account = 2, #KEYS do
  local was = redis.call('HMGET', KEYS[account], 's0', 'e0', 'u0', 's1', 'e1', 'u1', 's2', 'e2', 'u2')
  local slots = {}
  for unit = 0, 2 do
    local at = 5 + (account - 2) * 9 + unit * 3
    local first, last, cap = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local s, e, u = tonumber(was[unit * 3 + 1] or 0), tonumber(was[unit * 3 + 2] or 0), tonumber(was[unit * 3 + 3] or 0)
    if now >= e then
      s, e, u = first, last, 0
    elseif s > now + 300 then
      s, e = first, last
    end
    if cap >= 0 and u + recipients > cap and (not longest or longest[4] < e) then
      longest = {1, account - 2, unit, e, u, cap}
    end
    slots[unit] = {s, e, u + recipients}
  end
  turned[account] = slots
end
if longest then return longest end
for account = 2, #KEYS do
  local fields, latest = {}, now
  for unit = 0, 2 do
    local slot = turned[account][unit]
    for place, name in ipairs({'s', 'e', 'u'}) do
      fields[#fields + 1] = name .. unit
      fields[#fields + 1] = string.format('%.0f', slot[place])
    end
    latest = math.max(latest, slot[2])
  end
  redis.call('HSET', KEYS[account], unpack(fields))
  redis.call('EXPIRE', KEYS[account], math.min(latest - now, 4000000) + 3600)
end
if remembered > 0 then
  redis.call('SET', KEYS[1], ARGV[3], 'EX', remembered)
end
return {0, tonumber(ARGV[3])}
";

/// Counts in Redis. Clones share a connection, which is made again when it breaks.
#[derive(Clone)]
pub struct Store {
    connection: ConnectionManager,
    script: Arc<Script>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// For the Redis of this URL. It need not be there yet.
    ///
    /// # Errors
    /// When it is no URL of a Redis.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let wrong = |error: redis::RedisError| Error::Counters {
            place: "redis".to_owned(),
            reason: error.to_string(),
        };
        let client = Client::open(url).map_err(wrong)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER))
            .set_max_delay(Duration::from_secs(1));
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(wrong)?;
        Ok(Self {
            connection,
            script: Arc::new(Script::new(SCRIPT)),
        })
    }

    /// See [`super::Counters::take`].
    ///
    /// # Errors
    /// When Redis does not answer, or not as it should.
    pub async fn take(&self, take: &Take) -> Result<Taken, Unavailable> {
        let mut call = self.script.prepare_invoke();
        let key = u128::from_be_bytes(take.key.unwrap_or_default());
        call.key(format!("{PREFIX}key:{key:032x}"));
        call.arg(take.now)
            .arg(take.recipients)
            .arg(take.choice)
            .arg(take.key.map_or(0, |_| REMEMBERED));
        for account in &take.accounts {
            call.key(format!("{PREFIX}{}", account.name));
            for (window, cap) in account.windows.iter().zip(account.caps) {
                let cap = cap.map_or(-1, |cap| i64::try_from(cap).unwrap_or(i64::MAX));
                call.arg(window.start).arg(window.end).arg(cap);
            }
        }
        let mut connection = self.connection.clone();
        let answer: Vec<i64> = within(call.invoke_async(&mut connection)).await?;
        read(&answer)
            .ok_or_else(|| Unavailable(format!("Redis gives a strange answer: {answer:?}")))
    }

    /// See [`super::Counters::used`].
    ///
    /// # Errors
    /// When Redis does not answer, or not as it should.
    pub async fn used(&self, names: &[Arc<str>], now: i64) -> Result<Vec<Slots>, Unavailable> {
        let mut all = Vec::with_capacity(names.len());
        for some in names.chunks(500) {
            let mut pipeline = Pipeline::new();
            for name in some {
                pipeline
                    .cmd("HMGET")
                    .arg(format!("{PREFIX}{name}"))
                    .arg(&["s0", "e0", "u0", "s1", "e1", "u1", "s2", "e2", "u2"]);
            }
            let mut connection = self.connection.clone();
            let rows: Vec<Vec<Option<i64>>> = within(pipeline.query_async(&mut connection)).await?;
            all.extend(rows.iter().map(|row| slots(row, now)));
        }
        Ok(all)
    }
}

/// A lazy connection waits for as long as it takes; here nothing may.
async fn within<A>(call: impl Future<Output = RedisResult<A>>) -> Result<A, Unavailable> {
    match tokio::time::timeout(CONNECT + ANSWER, call).await {
        Ok(answer) => answer.map_err(|error| Unavailable(format!("Redis: {error}"))),
        Err(_elapsed) => Err(Unavailable("Redis does not answer".to_owned())),
    }
}

fn read(answer: &[i64]) -> Option<Taken> {
    let whole = |number: i64| u64::try_from(number).ok();
    match *answer {
        [0, choice] => Some(Taken::Granted {
            choice: u8::try_from(choice).ok()?,
        }),
        [1, account, unit, opens, used, cap] => Some(Taken::Full(Full {
            account: usize::try_from(account).ok()?,
            unit: *Unit::ALL.get(usize::try_from(unit).ok()?)?,
            opens,
            used: whole(used)?,
            cap: whole(cap)?,
        })),
        _ => None,
    }
}

fn slots(row: &[Option<i64>], now: i64) -> Slots {
    std::array::from_fn(|unit| {
        let field = |place: usize| row.get(unit * 3 + place).copied().flatten().unwrap_or(0);
        match field(1) {
            end if now < end => Slot {
                start: field(0),
                end,
                used: u64::try_from(field(2)).unwrap_or_default(),
            },
            _ => Slot::default(),
        }
    })
}
