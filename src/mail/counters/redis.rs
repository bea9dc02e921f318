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
use redis::{Client, RedisResult, Script};

use super::{Full, REMEMBERED, Slot, Slots, Take, Taken, Unavailable};
use crate::domain::limits::Unit;
use crate::error::Error;

/// Longest wait for a connection and for an answer.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(2);

/// Before everything that is kept there.
const PREFIX: &str = "{clientele}:send:";

/// Numbers of Lua are exact up to here; nothing that is counted is ever more.
const MOST: i64 = 1 << 53;

/// KEYS: the message's key, then one per account. ARGV: now, recipients, choice, how long the key is remembered (0: it has none); then
/// for each account start, end and cap (-1: none) of its three windows. Answers `{0, choice}` or
/// `{1, account, unit, end, used, cap}`. An account is kept as start, end and count of its three windows.
///
/// All numbers go in and out in their binary form, and an account is one value, because most of what this costs Redis is reading
/// words and looking for fields.
const SCRIPT: &str = r"
local now, recipients, choice, remembered = struct.unpack('<i8i8i8i8', ARGV[1])
local stored = redis.call('MGET', unpack(KEYS))
if remembered > 0 and stored[1] then return {0, tonumber(stored[1])} end
local form, most = '<i8i8i8i8i8i8i8i8i8', 9007199254740992
local kept, latest, longest = {}, {}, nil
local function turn(account, unit, s, e, u, first, last, cap)
  if now >= e then
    s, e, u = first, last, 0
  elseif s > now + 300 then
    s, e = first, last
  end
  if cap >= 0 and u + recipients > cap and (not longest or longest[4] < e) then
    longest = {1, account - 2, unit, e, u, cap}
  end
  return s, e, math.min(u + recipients, most)
end
for a = 2, #KEYS do
  local f0, l0, c0, f1, l1, c1, f2, l2, c2 = struct.unpack(form, ARGV[a])
  local s0, e0, u0, s1, e1, u1, s2, e2, u2 = 0, 0, 0, 0, 0, 0, 0, 0, 0
  if stored[a] then s0, e0, u0, s1, e1, u1, s2, e2, u2 = struct.unpack(form, stored[a]) end
  s0, e0, u0 = turn(a, 0, s0, e0, u0, f0, l0, c0)
  s1, e1, u1 = turn(a, 1, s1, e1, u1, f1, l1, c1)
  s2, e2, u2 = turn(a, 2, s2, e2, u2, f2, l2, c2)
  kept[a], latest[a] = struct.pack(form, s0, e0, u0, s1, e1, u1, s2, e2, u2), math.max(e0, e1, e2)
end
if longest then return longest end
for a = 2, #KEYS do
  redis.call('SET', KEYS[a], kept[a], 'EX', math.min(latest[a] - now, 4000000) + 3600)
end
if remembered > 0 then redis.call('SET', KEYS[1], choice, 'EX', remembered) end
return {0, choice}
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
        let remembered = take.key.map_or(0, |_| REMEMBERED);
        call.arg(binary([
            take.now,
            bounded(take.recipients),
            take.choice.into(),
            remembered,
        ]));
        for account in &take.accounts {
            call.key(format!("{PREFIX}{}", account.name));
            let [hour, day, month] = std::array::from_fn(|unit| {
                let (window, cap) = (account.windows[unit], account.caps[unit]);
                [window.start, window.end.min(MOST), cap.map_or(-1, bounded)]
            });
            call.arg([hour, day, month].map(binary).concat());
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
            let mut call = redis::cmd("MGET");
            for name in some {
                call.arg(format!("{PREFIX}{name}"));
            }
            let mut connection = self.connection.clone();
            let stored: Vec<Option<Vec<u8>>> = within(call.query_async(&mut connection)).await?;
            all.extend(stored.iter().map(|account| slots(account.as_deref(), now)));
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

/// The windows of an account that are not over.
fn slots(stored: Option<&[u8]>, now: i64) -> Slots {
    let (fields, _) = stored.unwrap_or_default().as_chunks();
    std::array::from_fn(|unit| {
        let field = |place: usize| {
            fields
                .get(unit * 3 + place)
                .copied()
                .map(i64::from_le_bytes)
        };
        match (field(0), field(1), field(2)) {
            (Some(start), Some(end), Some(used)) if now < end => Slot {
                start,
                end,
                used: u64::try_from(used).unwrap_or_default(),
            },
            _ => Slot::default(),
        }
    })
}

/// Numbers as the script reads them.
fn binary<const N: usize>(numbers: [i64; N]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

fn bounded(count: u64) -> i64 {
    i64::try_from(count).map_or(MOST, |count| count.min(MOST))
}
