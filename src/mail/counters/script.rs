//! The rules of [`super::ledger`] in Lua, and how messages are handed to them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use redis::aio::ConnectionManager;
use redis::{RedisResult, Script};

use super::{Full, REMEMBERED, Slot, Slots, Take, Taken};
use crate::domain::limits::Unit;

/// Before everything that is kept there.
pub const PREFIX: &str = "{clientele}:send:";

/// Numbers of Lua are exact up to here; nothing that is counted is ever more.
const MOST: i64 = 1 << 53;

/// KEYS: one per account, then one per message. ARGV: the number of accounts; per message now, recipients, choice, whether it has a
/// key (1 or 0), and for each of its accounts which one it is, and start, end and cap (-1: none) of its three windows; and how long
/// keys are remembered. Answers of each message `{0, choice}` or `{1, account, unit, end, used, cap}`. An account is kept as start, end and count
/// of its three windows.
///
/// All numbers go in and out in their binary form, and an account is one value, because most of what this costs Redis is reading
/// words and looking for fields. Everything is read before anything is written, so that a value it cannot read leaves all as it was.
const SCRIPT: &str = r"
local form, most, accounts = '<i8i8i8i8i8i8i8i8i8', 9007199254740992, tonumber(ARGV[1])
local stored, slots, latest, granted, answers = redis.call('MGET', unpack(KEYS)), {}, {}, {}, {}
for a = 1, accounts do
  if stored[a] then
    slots[a] = {struct.unpack(form, stored[a])}
  else
    slots[a] = {0, 0, 0, 0, 0, 0, 0, 0, 0}
  end
end
local now, recipients, choice, keyed, longest
local function turn(place, unit, s, e, u, first, last, cap)
  if now >= e then
    s, e, u = first, last, 0
  elseif s > now + 300 then
    s, e = first, last
  end
  if cap >= 0 and u + recipients > cap and (not longest or longest[4] < e) then
    longest = {1, place, unit, e, u, cap}
  end
  return s, e, math.min(u + recipients, most)
end
for message = 1, #KEYS - accounts do
  local wanted, key, taken, place, at = ARGV[message + 1], KEYS[accounts + message], {}, 0, nil
  now, recipients, choice, keyed, at = struct.unpack('<i8i8i8i8', wanted)
  local known = keyed > 0 and (granted[key] or stored[accounts + message])
  if known then
    answers[message] = {0, tonumber(known)}
  else
    longest = nil
    while at <= #wanted do
      local a, f0, l0, c0, f1, l1, c1, f2, l2, c2
      a, f0, l0, c0, f1, l1, c1, f2, l2, c2, at = struct.unpack('<i8i8i8i8i8i8i8i8i8i8', wanted, at)
      local was = slots[a]
      local s0, e0, u0 = turn(place, 0, was[1], was[2], was[3], f0, l0, c0)
      local s1, e1, u1 = turn(place, 1, was[4], was[5], was[6], f1, l1, c1)
      local s2, e2, u2 = turn(place, 2, was[7], was[8], was[9], f2, l2, c2)
      taken[a] = {s0, e0, u0, s1, e1, u1, s2, e2, u2}
      place = place + 1
    end
    if longest then
      answers[message] = longest
    else
      for a, turned in pairs(taken) do
        slots[a], latest[a] = turned, math.min(math.max(turned[2], turned[5], turned[8]) - now, 4000000) + 3600
      end
      if keyed > 0 then granted[key] = choice end
      answers[message] = {0, choice}
    end
  end
end
for a, seconds in pairs(latest) do
  redis.call('SET', KEYS[a], struct.pack(form, unpack(slots[a], 1, 9)), 'EX', seconds)
end
for key, choice in pairs(granted) do
  redis.call('SET', key, choice, 'EX', ARGV[#ARGV])
end
return answers
";

static LOADED: LazyLock<Script> = LazyLock::new(|| Script::new(SCRIPT));

/// Messages that are handed over together.
#[derive(Debug)]
pub struct Takes {
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
    messages: usize,
}

impl Takes {
    /// These, in this order.
    pub fn of(takes: &[Take]) -> Self {
        let mut keys = Vec::new();
        let mut places: HashMap<&Arc<str>, i64> = HashMap::new();
        for account in takes.iter().flat_map(|take| &take.accounts) {
            places.entry(&account.name).or_insert_with(|| {
                keys.push(format!("{PREFIX}{}", account.name));
                keys.len() as i64
            });
        }
        let mut arguments = vec![keys.len().to_string().into_bytes()];
        for take in takes {
            let key = u128::from_be_bytes(take.key.unwrap_or_default());
            keys.push(format!("{PREFIX}key:{key:032x}"));
            let mut wanted = Vec::with_capacity(32 + 80 * take.accounts.len());
            let head = [
                take.now,
                bounded(take.recipients),
                take.choice.into(),
                take.key.is_some().into(),
            ];
            binary(&head, &mut wanted);
            for account in &take.accounts {
                binary(&[places[&account.name]], &mut wanted);
                for (window, cap) in account.windows.iter().zip(account.caps) {
                    let cap = cap.map_or(-1, bounded);
                    binary(&[window.start, window.end.min(MOST), cap], &mut wanted);
                }
            }
            arguments.push(wanted);
        }
        arguments.push(REMEMBERED.to_string().into_bytes());
        Self {
            keys,
            arguments,
            messages: takes.len(),
        }
    }

    /// Runs the script.
    ///
    /// # Errors
    /// When Redis cannot be asked, or says no.
    pub async fn invoke(&self, connection: &mut ConnectionManager) -> RedisResult<Vec<Vec<i64>>> {
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
    pub fn read(&self, answers: &[Vec<i64>]) -> Option<Vec<Taken>> {
        let read: Option<Vec<Taken>> = answers.iter().map(|answer| read(answer)).collect();
        read.filter(|read| read.len() == self.messages)
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

/// The windows of an account, as it is kept, that are not over.
pub fn slots(stored: Option<&[u8]>, now: i64) -> Slots {
    let (fields, _) = stored.unwrap_or_default().as_chunks();
    std::array::from_fn(|unit| {
        let field = |place: usize| {
            let field = fields.get(unit * 3 + place).copied();
            field.map(i64::from_le_bytes)
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
fn binary(numbers: &[i64], out: &mut Vec<u8>) {
    numbers
        .iter()
        .for_each(|number| out.extend(number.to_le_bytes()));
}

fn bounded(count: u64) -> i64 {
    i64::try_from(count).map_or(MOST, |count| count.min(MOST))
}
