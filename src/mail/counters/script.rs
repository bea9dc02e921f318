//! The rules of [`super::ledger`] in Lua, and how messages are handed to them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use redis::aio::ConnectionManager;
use redis::{RedisResult, Script};

use super::{Account, Full, REMEMBERED, Slot, Slots, Take, Taken};
use crate::domain::limits::Unit;

/// Before everything that is kept there.
pub const PREFIX: &str = "{clientele}:send:";

/// Numbers of Lua are exact up to here; nothing that is counted is ever more.
const MOST: i64 = 1 << 53;

/// Accounts in one call; Lua cannot unpack many more of them.
const ACCOUNTS: usize = 512;

/// KEYS: one per account, then the messages that were granted in the time before the last one, the last one, and this one. ARGV: now; how
/// long a time is; of each account start, end and cap (-1: none) of its three windows; of each message
/// recipients, choice, whether it has a key (1 or 0), how many accounts it has and which ones; and the messages' keys. Answers
/// message after message `0, choice` or `1, account, unit, end, used, cap`.
///
/// An account is kept as start, end and count of its three windows, the messages of a time as a hash from key to choice. Numbers go in and
/// out as they are in memory, an account is one value, what is written of messages is written with one command, and of a message only
/// its recipients are compared with the least room of its accounts, because most of what this costs Redis is commands, reading
/// words, and Lua. Everything is read before anything is written, so that a value it cannot read leaves all as it was.
const SCRIPT: &str = r"
local accounts, now, form, most = #KEYS - 3, tonumber(ARGV[1]), '<ddddddddd', 9007199254740992
local older, old, new = KEYS[accounts + 1], KEYS[accounts + 2], KEYS[accounts + 3]
local function numbers(all) return {struct.unpack('<' .. string.rep('d', #all / 8), all)} end
local wanted, asked, messages = numbers(ARGV[3]), numbers(ARGV[4]), #ARGV[5] / 16
local ids = {}
for message = 1, messages do ids[message] = string.sub(ARGV[5], 16 * message - 15, 16 * message) end
local before, since = redis.call('HMGET', old, unpack(ids)), redis.call('HMGET', new, unpack(ids))
local stored = accounts > 0 and redis.call('MGET', unpack(KEYS, 1, accounts))
local slots, room, took, turned = {}, {}, {}, {}
for a = 1, accounts do
  local was, least = stored[a] and {struct.unpack(form, stored[a])} or {0, 0, 0, 0, 0, 0, 0, 0, 0}, math.huge
  for unit = 1, 7, 3 do
    local at = 9 * (a - 1) + unit
    if now >= was[unit + 1] then
      was[unit], was[unit + 1], was[unit + 2], turned[a] = wanted[at], wanted[at + 1], 0, true
    elseif was[unit] > now + 300 then
      was[unit], was[unit + 1], turned[a] = wanted[at], wanted[at + 1], true
    end
    local cap = wanted[at + 2]
    if cap >= 0 and cap - was[unit + 2] < least then least = cap - was[unit + 2] end
  end
  slots[a], room[a], took[a] = was, least, 0
end
local function full(recipients, first, last)
  local longest
  for at = first, last do
    local a = asked[at]
    for unit = 0, 2 do
      local cap, e = wanted[9 * (a - 1) + 3 * unit + 3], slots[a][3 * unit + 2]
      local used = slots[a][3 * unit + 3] + took[a]
      if cap >= 0 and used + recipients > cap and (not longest or longest[4] < e) then
        longest = {1, at - first, unit, e, used, cap}
      end
    end
  end
  return longest
end
local answers, added, chosen, at = {}, {}, {}, 1
for message = 1, messages do
  local recipients, choice, keyed, first, last = asked[at], asked[at + 1], asked[at + 2] > 0, at + 4, at + 3 + asked[at + 3]
  local id, known, fits, size = ids[message], false, true, #answers
  if keyed then known = chosen[id] or since[message] or before[message] end
  if known then
    answers[size + 1], answers[size + 2] = 0, tonumber(known)
  else
    for place = first, last do
      if room[asked[place]] < recipients then fits = false end
    end
    if fits then
      for place = first, last do
        local a = asked[place]
        room[a], took[a] = room[a] - recipients, took[a] + recipients
      end
      if keyed then
        local count = #added
        chosen[id], added[count + 1], added[count + 2] = choice, id, choice
      end
      answers[size + 1], answers[size + 2] = 0, choice
    else
      for place, number in ipairs(full(recipients, first, last)) do answers[size + place] = number end
    end
  end
  at = last + 1
end
for a = 1, accounts do
  if took[a] > 0 then
    local slot, taken = slots[a], took[a]
    for unit = 3, 9, 3 do slot[unit] = math.min(slot[unit] + taken, most) end
    local value = struct.pack(form, unpack(slot))
    if turned[a] then
      local seconds = math.min(math.max(slot[2], slot[5], slot[8]) - now, 4000000) + 3600
      redis.call('SET', KEYS[a], value, 'EX', seconds)
    else
      redis.call('SET', KEYS[a], value, 'KEEPTTL')
    end
  end
end
if #added > 0 and redis.call('HSET', new, unpack(added)) == redis.call('HLEN', new) then
  redis.call('EXPIRE', new, 2 * tonumber(ARGV[2]) + 3600)
  redis.call('UNLINK', older)
end
return answers
";

static LOADED: LazyLock<Script> = LazyLock::new(|| Script::new(SCRIPT));

/// Messages that are handed over together.
#[derive(Debug)]
pub struct Takes {
    keys: Vec<String>,
    arguments: [Vec<u8>; 5],
    /// How many there are.
    pub messages: usize,
}

impl Takes {
    /// The first of these, in their order: as many as have the same windows and caps for an account that they share, which are nearly
    /// always all of them.
    pub fn of(takes: &[Take]) -> Self {
        let mut known: HashMap<&Arc<str>, (i64, &Account)> = HashMap::new();
        let (mut keys, mut wanted, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        let mut messages = 0;
        for take in takes {
            let same = |account: &Account| {
                let one = known.get(&account.name);
                one.is_none_or(|(_, one)| {
                    one.windows == account.windows && one.caps == account.caps
                })
            };
            let others = messages > 0 && keys.len() + take.accounts.len() > ACCOUNTS;
            if others || !take.accounts.iter().all(same) {
                break;
            }
            let head = [
                bounded(take.recipients),
                take.choice.into(),
                take.key.is_some().into(),
                take.accounts.len() as i64,
            ];
            binary(&head, &mut asked);
            for account in &take.accounts {
                let (place, _) = known.entry(&account.name).or_insert_with(|| {
                    keys.push(format!("{PREFIX}{}", account.name));
                    for (window, cap) in account.windows.iter().zip(account.caps) {
                        let cap = cap.map_or(-1, bounded);
                        binary(&[window.start, window.end.min(MOST), cap], &mut wanted);
                    }
                    (keys.len() as i64, account)
                });
                binary(&[*place], &mut asked);
            }
            messages += 1;
        }
        let taken = &takes[..messages];
        let now = taken.iter().map(|take| take.now).max().unwrap_or_default();
        let time = now.div_euclid(REMEMBERED);
        keys.extend([time - 2, time - 1, time].map(|time| format!("{PREFIX}keys:{time}")));
        let ids = taken.iter().flat_map(|take| take.key.unwrap_or_default());
        let text = |number: i64| number.to_string().into_bytes();
        Self {
            keys,
            arguments: [text(now), text(REMEMBERED), wanted, asked, ids.collect()],
            messages,
        }
    }

    /// Runs the script.
    ///
    /// # Errors
    /// When Redis cannot be asked, or says no.
    pub async fn invoke(&self, connection: &mut ConnectionManager) -> RedisResult<Vec<i64>> {
        let mut call = LOADED.prepare_invoke();
        for key in &self.keys {
            call.key(key);
        }
        for argument in &self.arguments {
            call.arg(argument);
        }
        call.invoke_async(connection).await
    }

    /// What came of each; none if that is not what the script answers.
    pub fn read(&self, mut answers: &[i64]) -> Option<Vec<Taken>> {
        let mut all = Vec::with_capacity(self.messages);
        while !answers.is_empty() {
            let (taken, rest) = read(answers)?;
            all.push(taken);
            answers = rest;
        }
        (all.len() == self.messages).then_some(all)
    }
}

/// The first answer, and the others.
fn read(answers: &[i64]) -> Option<(Taken, &[i64])> {
    let whole = |number: i64| u64::try_from(number).ok();
    match *answers {
        [0, choice, ref rest @ ..] => {
            let choice = u8::try_from(choice).ok()?;
            Some((Taken::Granted { choice }, rest))
        }
        [1, account, unit, opens, used, cap, ref rest @ ..] => {
            let full = Full {
                account: usize::try_from(account).ok()?,
                unit: *Unit::ALL.get(usize::try_from(unit).ok()?)?,
                opens,
                used: whole(used)?,
                cap: whole(cap)?,
            };
            Some((Taken::Full(full), rest))
        }
        _ => None,
    }
}

/// The windows of an account, as it is kept, that are not over.
pub fn slots(stored: Option<&[u8]>, now: i64) -> Slots {
    let (fields, _) = stored.unwrap_or_default().as_chunks();
    std::array::from_fn(|unit| {
        let field = |place: usize| {
            let field = fields.get(unit * 3 + place).copied();
            field.map(|bytes| f64::from_le_bytes(bytes) as i64)
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

/// Numbers as the script reads them, whose own are these: none is beyond what they are exact to.
fn binary(numbers: &[i64], out: &mut Vec<u8>) {
    for number in numbers {
        out.extend((*number as f64).to_le_bytes());
    }
}

fn bounded(count: u64) -> i64 {
    i64::try_from(count).map_or(MOST, |count| count.min(MOST))
}
