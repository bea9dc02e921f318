//! Expressions alone and in text.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{data, value};

#[test]
fn alone_an_expression_keeps_its_type() {
    let params = json!({"n": 3, "f": 1.5, "list": [1, "a"], "map": {"b": true}});
    assert_eq!(value("params.n + 1", params.clone()), Ok(json!(4)));
    assert_eq!(value("params.f", params.clone()), Ok(json!(1.5)));
    assert_eq!(value("params.n > 2", params.clone()), Ok(json!(true)));
    assert_eq!(value("params.list", params.clone()), Ok(json!([1, "a"])));
    assert_eq!(value("params.map", params), Ok(json!({"b": true})));
    assert_eq!(value("namespace", json!({})), Ok(json!("emea--globex")));
    assert_eq!(value("customer.domain", json!({})), Ok(Value::Null));
}

#[test]
fn inside_text_an_expression_becomes_text() {
    let params = json!({"n": 3, "f": 2.0, "b": true, "list": []});
    let text = data(
        "is ${customer.name}: ${params.n}/${params.f}/${params.b}",
        params.clone(),
    );
    assert_eq!(text, Ok(json!("is globex: 3/2/true")));
    let error = data("is ${params.list}", params.clone()).unwrap_err();
    assert!(
        error.contains("a list, which cannot be inside text"),
        "{error}"
    );
    assert!(
        data("is ${customer.domain}", params)
            .unwrap_err()
            .contains("null")
    );
}

#[test]
fn an_escaped_brace_and_a_lone_dollar_are_themselves() {
    assert_eq!(
        data("$${HOME} costs 5$ $$ ${'a'}", json!({})),
        Ok(json!("${HOME} costs 5$ $$ a"))
    );
    assert_eq!(data("$${HOME}", json!({})), Ok(json!("${HOME}")));
}

#[test]
fn a_brace_in_a_string_or_a_map_closes_nothing() {
    assert_eq!(value("'}' + \"}\" + '\\'}'", json!({})), Ok(json!("}}'}")));
    assert_eq!(value("{'a': {'b': '}'}}.a.b", json!({})), Ok(json!("}")));
    assert_eq!(value("r'\\'", json!({})), Ok(json!("\\")));
    assert!(data("${'a", json!({})).unwrap_err().contains("not closed"));
}

#[test]
fn loops_and_functions_work() {
    let params = json!({"hosts": ["a.example", "b.example"], "n": 2, "tags": {"y": "2", "x": "1"}});
    for (expression, expected) in [
        (
            "params.hosts.map(h, 'https://' + h)",
            json!(["https://a.example", "https://b.example"]),
        ),
        (
            "params.hosts.filter(h, h.startsWith('b'))",
            json!(["b.example"]),
        ),
        ("params.hosts.all(h, h.endsWith('.example'))", json!(true)),
        ("params.hosts.exists(h, h.contains('a.'))", json!(true)),
        ("params.hosts.exists_one(h, h == 'a.example')", json!(true)),
        (
            "params.hosts.map(h, h != 'a.example', h.split('.')[0])",
            json!(["b"]),
        ),
        ("params.hosts.join(' ')", json!("a.example b.example")),
        (
            "params.hosts.map(a, params.hosts.map(b, a + b)).size()",
            json!(2),
        ),
        (
            "params.tags.map(k, k + '=' + params.tags[k])",
            json!(["x=1", "y=2"]),
        ),
        ("has(params.size) ? params.size : 'S'", json!("S")),
        (
            "'a-b'.replace('-', '_').upperAscii() + ' x '.trim()",
            json!("A_Bx"),
        ),
        ("'abc'.substring(1) + 'abc'.substring(0, 1)", json!("bca")),
        ("customer.name.matches('^[a-z]+$')", json!(true)),
        (
            "size(params.hosts) + int('3') + customer.name.size()",
            json!(11),
        ),
        ("string(params.n) + string(1.5)", json!("21.5")),
        ("params.n in [1, 2] && 'x' in params.tags", json!(true)),
        (
            "{'a': params.n, 'b': [params.n]}",
            json!({"a": 2, "b": [2]}),
        ),
    ] {
        assert_eq!(
            value(expression, params.clone()),
            Ok(expected),
            "{expression}"
        );
    }
}

#[test]
fn what_an_expression_may_not_do_is_refused_beforehand() {
    let long = format!("'{}'", "a".repeat(1024));
    let deep = format!("1{}", " + 1".repeat(100));
    let brackets = format!("{}1{}", "(".repeat(17), ")".repeat(17));
    for (expression, message) in [
        ("now()", "no function now"),
        ("getDate()", "no function"),
        ("params.x.format([1])", "no function x.format"),
        ("'a'.matches(params.x)", "written out"),
        ("'a'.matches('(')", "not a regular expression"),
        ("'a'.matches('(\\\\w{100}){100}')", "too large"),
        ("b'a'", "bytes"),
        ("params.map(x, y)", "there is no y"),
        ("params.map(x, x) + x", "there is no x"),
        ("string", "there is no string"),
        ("params.?x", "not an expression"),
        ("Foo{a: 1}", "type"),
        ("@meter(1, 2)", "not an expression"),
        ("", "not an expression"),
        (&long, "longer than"),
        (&deep, "within each other"),
        (&brackets, "brackets within each other"),
        (
            "[1].map(a, [1].map(b, [1].map(c, [1].map(d, d))))",
            "loops within each other",
        ),
    ] {
        let error = value(expression, json!({"x": "a"})).expect_err(expression);
        assert!(error.contains(message), "{expression}: {error}");
    }
}

#[test]
fn expressions_that_blow_up_are_stopped() {
    let list: Vec<u32> = (0..1500).collect();
    let params = json!({"l": list, "s": "a".repeat(6000), "t": "a".repeat(100)});
    for expression in [
        "params.l.map(a, params.l.map(b, params.l.map(c, c)))",
        "params.l.all(a, params.l.all(b, params.l.all(c, true)))",
        "params.l.exists(a, params.l.exists(b, params.l.exists(c, false)))",
        "params.l.all(a, params.l.all(b, 1 / 0 == 1))",
        "params.l.exists_one(a, params.l.exists_one(b, b < 0))",
        "params.l.filter(a, params.l.filter(b, false).size() == 1)",
        "params.l.map(a, params.l)",
        "params.l.map(a, params.s)",
        "params.l.all(a, params == params)",
        "params.l.all(a, -1 in params.l || true)",
        "params.l.map(a, {'x': params.s})",
        "params.l.all(a, params.l.all(b, params.s.matches('^(a|aa)+$')))",
        "false && params.l.all(a, true) || params.l.all(a, params.l.all(b, params.l.all(c, c > -1))) || true",
    ] {
        let error = value(expression, params.clone()).expect_err(expression);
        assert!(error.contains("costs too much"), "{expression}: {error}");
    }
}

#[test]
fn a_turn_of_a_loop_costs_as_much_as_its_body_is_long() {
    let list: Vec<u32> = (0..1500).collect();
    let body = vec!["true"; 150].join("&&");
    for kind in ["all", "exists_one", "map", "filter"] {
        let error = value(&format!("params.l.{kind}(a, {body})"), json!({"l": list}));
        assert!(
            error.is_err_and(|error| error.contains("costs too much")),
            "{kind}"
        );
        assert!(
            value(&format!("params.l.{kind}(a, true)"), json!({"l": list})).is_ok(),
            "{kind}"
        );
    }
}

#[test]
fn a_text_that_would_be_too_large_is_not_even_made() {
    let params = json!({"s": "a".repeat(6000), "t": "a".repeat(100)});
    for expression in [
        "params.s.replace('', params.s)",
        "params.s.replace('a', params.t)",
        "params.s.split('').join(params.s)",
    ] {
        let error = value(expression, params.clone()).expect_err(expression);
        assert!(error.contains("more than 64 KiB"), "{expression}: {error}");
    }
}

#[test]
fn errors_of_evaluation_say_what_is_wrong_without_the_values() {
    for (expression, message) in [
        ("1 / 0", "divides by zero"),
        ("9223372036854775807 + 1", "too large"),
        ("-9223372036854775808 / -1", "too large"),
        ("params.l[5]", "goes beyond the end"),
        ("params.s + 1", "string(x)"),
        ("params.s.a", "no matching overload"),
        ("int('x')", ""),
        ("params.s.substring(9)", ""),
        ("1.0 / 0.0", "JSON"),
        ("{1: 2}", "no strings"),
        ("[1].join()", "list of strings"),
    ] {
        let error = value(expression, json!({"l": [1], "s": "secret"})).expect_err(expression);
        assert!(error.contains(message), "{expression}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_makes_it_panic(text in "[-a-z0-9(){}\\[\\]'\"$.,:?!&|+*/%<>= \\\\]{0,40}") {
        if let Err(error) = value(&text, json!({"a": [1, {"b": "c"}]})) {
            prop_assert!(!error.contains("this is a bug"), "{}: {}", text, error);
        }
    }

    #[test]
    fn no_expression_makes_it_panic(parts in proptest::collection::vec(prop::sample::select(&[
        "params", ".a", "[0]", "['b']", " + ", " - ", " * ", " / ", " % ", " == ", " < ", " in ", " && ", " || ", "!", "-", "(", ")",
        " ? ", " : ", "1", "-9223372036854775808", "1.5", "1u", "18446744073709551615u", "'x'", "true", "null", "[", "]", ", ", "{'k': ", "}",
        ".map(x, ", ".all(x, ", ".filter(x, ", ".exists_one(x, ", "x", "size(", "int(", "string(", "double(", ".split(''", ".substring(", ".join(",
        ".replace('', ", "customer", "namespace", "has(params.a)", "\u{fc}\u{1f600}",
    ][..]), 1..12)) {
        let text = parts.concat();
        if let Err(error) = value(&text, json!({"a": [1, {"b": "c"}]})) {
            prop_assert!(!error.contains("this is a bug"), "{}: {}", text, error);
        }
    }

    #[test]
    fn text_without_expressions_stays_as_it_is(text in "[^$]{0,40}") {
        prop_assert_eq!(data(&text, json!({})), Ok(json!(text)));
    }
}
