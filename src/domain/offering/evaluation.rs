//! Evaluating expressions for one customer, within a budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cel::common::types::{CelList, CelMap, CelString};
use cel::common::value::Val;
use cel::objects::Key;
use cel::{Context, Env, ExecutionError, FunctionContext, Value as CelValue};
use serde_json::{Map, Number, Value};

use super::expression::{self, Expression, Patterns};
use super::roots::Roots;
use super::source::NAMESPACE;

/// What all expressions of one rendering may cost together: bytes of values made, compared and looped over, and eight for
/// each node of a loop's body at each turn. Measured: spent in well under a second by a release build.
pub const BUDGET: i64 = 2 << 20;
/// Largest text that one call may make.
const MAX_TEXT: usize = 64 << 10;
/// Room on the stack for parsing and evaluating; only what is used of it is ever backed by memory.
const STACK: usize = 64 << 20;

/// Expressions are evaluated here, for one customer.
pub(super) struct Evaluator {
    context: Context<'static, 'static>,
    left: Arc<AtomicI64>,
}

type Answer<'a, 'v> = Result<cel::common::value::CowVal<'a, 'v>, ExecutionError>;
type Function =
    Box<dyn for<'a, 'v> Fn(&mut FunctionContext<'a, 'v>) -> Answer<'a, 'v> + Send + Sync>;

impl Evaluator {
    pub fn new(env: &Arc<Env>, patterns: &Arc<Patterns>, roots: &Roots) -> Self {
        let left = Arc::new(AtomicI64::new(BUDGET));
        let mut context = Context::with_env(Arc::clone(env));
        let Roots {
            customer,
            partner,
            plan,
            namespace,
            params,
        } = roots;
        context.add_variable_from_value("customer", to_cel(customer));
        context.add_variable_from_value("partner", to_cel(partner));
        context.add_variable_from_value("plan", to_cel(plan));
        context.add_variable_from_value(NAMESPACE, namespace.as_str());
        context.add_variable_from_value("params", map_to_cel(params));
        for (name, function) in functions(&left, patterns) {
            // Fails only for a name that the environment has too; none begins with @.
            context.add_function(name, function).ok();
        }
        Self { context, left }
    }

    /// The value of an expression.
    pub fn value(&self, expression: &Expression) -> Result<Value, String> {
        let result = CelValue::resolve(&expression.tree, &self.context);
        // `false && x` hides that x failed, so what counts is what is left.
        if self.left.load(Ordering::Relaxed) < 0 {
            return Err(TOO_COSTLY.to_owned());
        }
        to_json(&result.map_err(|error| explain(&error))?)
    }

    /// The value of a condition.
    pub fn holds(&self, condition: &Expression) -> Result<bool, String> {
        match self.value(condition)? {
            Value::Bool(holds) => Ok(holds),
            other => Err(format!("is {}, not true or false", kind(&other))),
        }
    }
}

const TOO_COSTLY: &str = "costs too much: loop less, or over less";

/// The environment of all expressions.
pub(super) fn environment() -> Result<Arc<Env>, String> {
    let mut env = Env::default().with_optional_support(false).with_stdlib();
    let added = env.add_extension(cel::extensions::strings);
    added.map_err(|error| error.to_string())?;
    Ok(Arc::new(env))
}

/// Runs something with room on the stack, and turns a panic into an error: the library is not ours.
pub(super) fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new()
            .name("offering".into())
            .stack_size(STACK);
        let thread = builder.spawn_scoped(scope, work);
        let thread = thread.map_err(|error| format!("no thread to evaluate in: {error}"))?;
        thread.join().map_err(|_| {
            "the expression library failed: this is a bug, please report it".to_owned()
        })
    })
}

fn spend(left: &AtomicI64, cost: usize) -> Result<(), ExecutionError> {
    let cost = i64::try_from(cost).unwrap_or(i64::MAX / 2);
    let before = left.fetch_sub(cost, Ordering::Relaxed);
    if before < cost {
        return Err(ExecutionError::function_error("expression", TOO_COSTLY));
    }
    Ok(())
}

fn functions(left: &Arc<AtomicI64>, patterns: &Arc<Patterns>) -> [(&'static str, Function); 6] {
    let budget = || Arc::clone(left);
    let (meter, alive, range, replace, join, matches) =
        (budget(), budget(), budget(), budget(), budget(), budget());
    let patterns = Arc::clone(patterns);
    [
        (
            expression::METER,
            Box::new(move |call| {
                let value = argument(call, 0)?;
                spend(&meter, weight(value) + count(call, 1)?)?;
                Ok(call.args[0].clone())
            }),
        ),
        (
            expression::ALIVE,
            Box::new(move |call| {
                let alive = spend(&alive, count(call, 0)?).is_ok();
                answer(CelValue::Bool(alive))
            }),
        ),
        (
            expression::RANGE,
            Box::new(move |call| {
                let value = argument(call, 0)?;
                spend(&range, weight(value))?;
                if value.downcast_ref::<CelMap>().is_none() {
                    return Ok(call.args[0].clone());
                }
                let CelValue::Map(map) = CelValue::try_from(value)? else {
                    return Ok(call.args[0].clone());
                };
                let mut keys: Vec<&Key> = map.map.keys().collect();
                keys.sort();
                let keys: Vec<CelValue> = keys.into_iter().map(CelValue::from).collect();
                answer(CelValue::List(keys.into()))
            }),
        ),
        (
            expression::REPLACE,
            Box::new(move |call| {
                let (text, from, to) = (text(call, 0)?, text(call, 1)?, text(call, 2)?);
                let made = text.len() + text.matches(from).count() * to.len();
                affordable(&replace, made)?;
                answer(CelValue::from(text.replace(from, to)))
            }),
        ),
        (
            expression::JOIN,
            Box::new(move |call| {
                let Some(list) = argument(call, 0)?.downcast_ref::<CelList>() else {
                    return Err(wrong("join needs a list of strings"));
                };
                let separator = if call.args.len() > 1 {
                    text(call, 1)?
                } else {
                    ""
                };
                let mut made = 0;
                let mut parts = Vec::with_capacity(list.inner().len());
                for item in list.inner() {
                    let Some(item) = item.downcast_ref::<CelString>() else {
                        return Err(wrong(
                            "join needs a list of strings: use string(x) for numbers",
                        ));
                    };
                    made += item.inner().len() + separator.len();
                    parts.push(item.inner());
                }
                affordable(&join, made)?;
                answer(CelValue::from(parts.join(separator)))
            }),
        ),
        (
            expression::MATCHES,
            Box::new(move |call| {
                let (text, pattern) = (text(call, 0)?, text(call, 1)?);
                spend(&matches, 8 * text.len())?;
                let pattern = patterns
                    .get(pattern)
                    .ok_or_else(|| wrong("unknown pattern"))?;
                answer(CelValue::Bool(pattern.is_match(text)))
            }),
        ),
    ]
}

fn answer<'a, 'v>(value: CelValue) -> Answer<'a, 'v> {
    let value: Box<dyn Val> = value.try_into()?;
    Ok(cel::common::value::CowVal::Owned(value))
}

fn affordable(left: &AtomicI64, made: usize) -> Result<(), ExecutionError> {
    if made > MAX_TEXT {
        return Err(wrong("makes a text of more than 64 KiB"));
    }
    spend(left, made)
}

fn wrong(message: &str) -> ExecutionError {
    ExecutionError::function_error("expression", message)
}

fn argument<'c, 'v>(
    call: &'c FunctionContext<'_, 'v>,
    at: usize,
) -> Result<&'c (dyn Val + 'v), ExecutionError> {
    let argument = call
        .args
        .get(at)
        .ok_or_else(ExecutionError::missing_argument_or_target)?;
    Ok(argument.as_ref())
}

fn text<'c>(call: &'c FunctionContext<'_, '_>, at: usize) -> Result<&'c str, ExecutionError> {
    let text = argument(call, at)?.downcast_ref::<CelString>();
    Ok(text
        .ok_or_else(|| wrong("needs a string: use string(x) for others"))?
        .inner())
}

fn count(call: &FunctionContext<'_, '_>, at: usize) -> Result<usize, ExecutionError> {
    match CelValue::try_from(argument(call, at)?)? {
        CelValue::Int(count) => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => Err(wrong("needs a number")),
    }
}

/// About how many bytes a value is.
fn weight(value: &dyn Val) -> usize {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return 8 + text.inner().len();
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        return 16
            + list
                .inner()
                .iter()
                .map(|item| weight(item.as_ref()))
                .sum::<usize>();
    }
    if let Some(map) = value.downcast_ref::<CelMap>() {
        let entries = map
            .inner()
            .iter()
            .map(|(key, value)| weight(key.inner()) + weight(value.as_ref()));
        return 16 + entries.sum::<usize>();
    }
    8
}

/// An error without the values in it: they may be large, and are not everybody's.
fn explain(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => {
            format!("there is no {key}: ask has(…) first if it may be absent")
        }
        ExecutionError::NoSuchOverload(overload) => overload.to_string(),
        ExecutionError::UndeclaredReference(name) => format!("there is no {name}"),
        ExecutionError::FunctionError { message, .. } => message.clone(),
        ExecutionError::UnexpectedType { got, want } => format!("is {got}, not {want}"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "divides by zero".into()
        }
        ExecutionError::Overflow(..) => "makes a number that is too large".into(),
        ExecutionError::IndexOutOfBounds(_) => "goes beyond the end of a list".into(),
        ExecutionError::DuplicateKey(_) => "makes a map with a key twice".into(),
        ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
            format!("{operator} does not go with these types: use string(x), int(x) or double(x)")
        }
        _ => "cannot be evaluated: the types do not go together".into(),
    }
}

fn to_cel(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(it) => CelValue::Bool(*it),
        // A whole number is an int if it can be, so that it can be added to those in expressions.
        Value::Number(it) => match (it.as_i64(), it.as_u64(), it.as_f64()) {
            (Some(it), _, _) => CelValue::Int(it),
            (None, Some(it), _) => CelValue::UInt(it),
            (None, None, it) => CelValue::Float(it.unwrap_or(f64::NAN)),
        },
        Value::String(it) => CelValue::from(it.as_str()),
        Value::Array(items) => CelValue::List(items.iter().map(to_cel).collect::<Vec<_>>().into()),
        Value::Object(fields) => map_to_cel(fields),
    }
}

fn map_to_cel(fields: &Map<String, Value>) -> CelValue {
    let fields = fields
        .iter()
        .map(|(name, value)| (name.clone(), to_cel(value)));
    CelValue::Map(fields.collect::<std::collections::HashMap<_, _>>().into())
}

fn to_json(value: &CelValue) -> Result<Value, String> {
    Ok(match value {
        CelValue::Null => Value::Null,
        CelValue::Bool(it) => Value::Bool(*it),
        CelValue::Int(it) => Value::Number((*it).into()),
        CelValue::UInt(it) => Value::Number((*it).into()),
        CelValue::Float(it) => {
            Value::Number(Number::from_f64(*it).ok_or("is not a number that JSON can hold")?)
        }
        CelValue::String(it) => Value::String(it.to_string()),
        CelValue::List(items) => Value::Array(items.iter().map(to_json).collect::<Result<_, _>>()?),
        CelValue::Map(map) => {
            let mut fields = Map::new();
            for (key, value) in map.map.iter() {
                let Key::String(key) = key else {
                    return Err("is a map with keys that are no strings".into());
                };
                fields.insert(key.to_string(), to_json(value)?);
            }
            Value::Object(fields)
        }
        _ => return Err("is of a type that cannot be put into an object".into()),
    })
}

/// What a value is, for a message.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
