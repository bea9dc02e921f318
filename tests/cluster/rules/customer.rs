//! Customers.

use clientele::api::Customer;
use serde_json::{Map, Value, json};

use super::{Row, check, many, refused, taken};

fn good() -> Value {
    json!({"spec": {"displayName": "Globex GmbH", "contact": {"email": "ops@globex.example"}}})
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

fn spec(spec: Value) -> Value {
    json!({"spec": spec})
}

fn email(email: &str) -> Value {
    spec(json!({"contact": {"email": email}}))
}

fn contact(contact: Value) -> Value {
    spec(json!({"contact": contact}))
}

fn company(name: &str) -> Value {
    spec(json!({"displayName": name}))
}

fn address(address: Value) -> Value {
    spec(json!({"addresses": [address]}))
}

#[tokio::test]
async fn customers_are_checked() {
    let mut rows = names();
    rows.extend(numbers_and_text());
    rows.extend(contacts());
    rows.extend(addresses());
    rows.extend(choices());
    check::<Customer>(good(), rows).await;
}

fn names() -> Vec<Row> {
    const AT: &str = "metadata.name";
    const SHAPE: &str = "single dashes";
    vec![
        taken("a small customer", json!({})),
        taken("a name of 31 characters", named(&"a".repeat(31))),
        taken("a name of one digit", named("7")),
        refused("a name of 32 characters", named(&"a".repeat(32)), AT, "at most 31 characters"),
        refused("a name with two dashes", named("glo--bex"), AT, SHAPE),
        refused("a name in punycode, of a homoglyph", named("xn--glbex-jua"), AT, SHAPE),
        refused("a name with a dot", named("globex.de"), AT, SHAPE),
        refused("a reserved name", named("clientele"), AT, "kept for the system"),
        refused("a name that looks reserved", named("clientele-1"), AT, "kept for the system"),
        taken("a name that only begins like a reserved one", named("clienteles")),
    ]
}

fn numbers_and_text() -> Vec<Row> {
    const NUMBER: &str = "spec.customerNumber";
    const LINE: &str = "must be one line of text";
    let number = |number: &str| spec(json!({"customerNumber": number}));
    let attributes = |attributes: Value| spec(json!({"attributes": attributes}));
    let flood: Map<String, Value> = many(33, |i| (format!("key-{i}"), json!("")));
    vec![
        taken("a number", number("C-1001")),
        taken("a number with a slash", number("2026/0815")),
        refused("a number with a space", number("C 1001"), NUMBER, "must be a number such as C-1001"),
        refused("a number that ends in a dash", number("C-"), NUMBER, "must be a number such as C-1001"),
        refused("an empty number", number(""), NUMBER, "must be a number such as C-1001"),
        refused("a number of 64 characters", number(&"1".repeat(64)), NUMBER, "more than 63"),
        taken("another's number of any form", spec(json!({"externalID": "crm/4711 #8"}))),
        taken("a company in any script", company("株式会社グローベックス • Глобекс • گلوبکس")),
        taken("a company with a joined emoji", company("Ada \u{1f469}\u{200d}\u{1f4bb} Ltd")),
        refused("another's number on two lines", spec(json!({"externalID": "a\nb"})), "spec.externalID", LINE),
        refused("no spec", json!({"spec": null}), "spec", "Required"),
        refused("no company", spec(json!({"displayName": null})), "spec.displayName", "Required"),
        refused("an empty company", company(""), "spec.displayName", "must not be empty"),
        refused("a company of 129 characters", company(&"ü".repeat(129)), "spec.displayName", "more than 128"),
        refused("a company on two lines", company("Globex\r\nBcc: all"), "spec.displayName", LINE),
        refused("a company with NUL", company("Globex\u{0}"), "spec.displayName", LINE),
        refused("a company read backwards", company("Globex \u{202e}xebolg"), "spec.displayName", LINE),
        refused("a company in isolates", company("Globex \u{2066}x\u{2069}"), "spec.displayName", LINE),
        refused("a company with an invisible space", company("Glo\u{200b}bex"), "spec.displayName", LINE),
        refused("a company with invisible tags", company("Globex\u{e0041}"), "spec.displayName", LINE),
        refused("a company with a line separator", company("Globex\u{2028}"), "spec.displayName", LINE),
        refused("a company with space around", company(" Globex"), "spec.displayName", LINE),
        refused("a company of spaces", company("   "), "spec.displayName", LINE),
        taken("notes on several lines", spec(json!({"description": "first\n\tsecond\n"}))),
        taken("no notes at all", spec(json!({"description": ""}))),
        refused("notes with an escape code", spec(json!({"description": "\u{1b}[2J"})), "spec.description", "must be text without control"),
        refused("notes of 1001 characters", spec(json!({"description": "x".repeat(1001)})), "spec.description", "more than 1000"),
        taken("attributes", attributes(json!({"segment": "gold", "Cost.Center_1": ""}))),
        refused("33 attributes", attributes(flood.into()), "spec.attributes", "at most 32"),
        refused("an attribute of 1 MiB", attributes(json!({"a": "x".repeat(1 << 20)})), "spec.attributes.a", "more than 128"),
        refused("an attribute with a slash", attributes(json!({"crm/segment": "gold"})), "spec.attributes", "keys must be like segment"),
        refused("an attribute with a long key", attributes(json!({"k".repeat(64): "gold"})), "spec.attributes", "keys must be like segment"),
        refused("an attribute with a control character", attributes(json!({"a": "\u{7}"})), "spec.attributes[a]", "must be text without control"),
    ]
}

fn contacts() -> Vec<Row> {
    const AT: &str = "spec.contact.email";
    const SHAPE: &str = "must be one e-mail address such as";
    const CASE: &str = "must be in lower case";
    const LOCALE: &str = "spec.contact.locale";
    const PHONE: &str = "spec.contact.phone";
    let locale = |locale: &str| contact(json!({"locale": locale}));
    let phone = |phone: &str| contact(json!({"phone": phone}));
    let longest = format!(
        "{}@{}.example",
        "a".repeat(64),
        many::<Vec<_>, _>(3, |_| "b".repeat(59)).join(".")
    );
    let too_long = format!(
        "{}@{}.example",
        "a".repeat(64),
        many::<Vec<_>, _>(3, |_| "b".repeat(62)).join(".")
    );
    vec![
        taken("an e-mail with a plus", email("ada.pohl+eu@mail.globex.example")),
        taken("an e-mail at an international domain", email("ada@xn--mller-kva.example")),
        taken("a long e-mail", email(&longest)),
        refused("no contact", spec(json!({"contact": null})), "spec.contact", "Required"),
        refused("no e-mail", contact(json!({"email": null})), AT, "Required"),
        refused("an empty e-mail", email(""), AT, SHAPE),
        refused("an e-mail in upper case", email("Ops@globex.example"), AT, CASE),
        refused("an e-mail at a domain in upper case", email("ops@Globex.example"), AT, CASE),
        refused("an e-mail with two @", email("ops@a@globex.example"), AT, SHAPE),
        refused("an e-mail without @", email("globex.example"), AT, SHAPE),
        refused("an e-mail with a space", email("ops @globex.example"), AT, SHAPE),
        refused("an e-mail with a name", email("ada <ops@globex.example>"), AT, SHAPE),
        refused("two e-mails", email("ops@globex.example,ada@globex.example"), AT, SHAPE),
        refused("an e-mail with CRLF", email("ops@globex.example\r\nbcc: x"), AT, SHAPE),
        refused("an e-mail with a line break at its end", email("ops@globex.example\n"), AT, SHAPE),
        refused("an e-mail with NUL", email("ops\u{0}@globex.example"), AT, SHAPE),
        refused("an e-mail with bidirectional characters", email("\u{202e}ops@globex.example"), AT, SHAPE),
        refused("an e-mail with a homoglyph", email("\u{43e}ps@globex.example"), AT, SHAPE),
        refused("an e-mail with a wide @", email("ops\u{ff20}globex.example"), AT, SHAPE),
        refused("an e-mail at a domain in unicode", email("ada@müller.example"), AT, SHAPE),
        refused("an e-mail at a host", email("root@localhost"), AT, SHAPE),
        refused("an e-mail at an address", email("ops@[192.0.2.1]"), AT, SHAPE),
        refused("an e-mail with two dots", email("a..b@globex.example"), AT, SHAPE),
        refused("an e-mail with 65 characters before the @", email(&format!("{}@globex.example", "a".repeat(65))), AT, SHAPE),
        refused("an e-mail of 255 characters and more", email(&too_long), AT, "more than 254"),
        refused("a seller in upper case", spec(json!({"seller": "Jane@emea.example"})), "spec.seller", CASE),
        refused("a seller who is no e-mail", spec(json!({"seller": "jane"})), "spec.seller", SHAPE),
        taken("a language", locale("de")),
        taken("a language with a region", locale("de-AT")),
        taken("a language with script and region", locale("zh-Hant-HK")),
        taken("a language with a UN region", locale("es-419")),
        taken("a language of three letters", locale("gsw-CH")),
        taken("a language with an extension", locale("de-DE-u-co-phonebk")),
        refused("a language as POSIX writes it", locale("de_DE"), LOCALE, "must be a BCP 47 language tag"),
        refused("a language in upper case", locale("DE"), LOCALE, "must be a BCP 47 language tag"),
        refused("a region in lower case", locale("de-at"), LOCALE, "must be a BCP 47 language tag"),
        refused("a language in words", locale("german"), LOCALE, "must be a BCP 47 language tag"),
        refused("a language that is none", locale("xx"), LOCALE, "must begin with an ISO 639-1"),
        refused("a country for a language", locale("jp"), LOCALE, "must begin with an ISO 639-1"),
        refused("a region that is none", locale("en-UK"), LOCALE, "must name the region"),
        taken("a telephone number", phone("+49 (30) 123-4567 ext. 8")),
        taken("no telephone number", phone("")),
        refused("a telephone number in words", phone("call me"), PHONE, "must be a telephone number"),
        taken("names of any kind", contact(json!({"givenName": "Zoë-Łucja", "familyName": "O’Neil de la Cruz"}))),
        refused("a name on two lines", contact(json!({"givenName": "Ada\nBcc"})), "spec.contact.givenName", "must be one line of text"),
        refused("a name with a tab", contact(json!({"familyName": "Pohl\tX"})), "spec.contact.familyName", "must be one line of text"),
    ]
}

fn addresses() -> Vec<Row> {
    let flood: Vec<Value> = many(9, |i| json!({"name": format!("a{i}")}));
    vec![
        taken("an address", address(json!({"name": "head-office", "default": true, "lines": ["Hauptstr. 1", "2. Hof"], "city": "Berlin", "postalCode": "10115", "country": "DE"}))),
        taken("two addresses, one the default", spec(json!({"addresses": [{"name": "a", "default": true}, {"name": "b"}]}))),
        refused("two defaults", spec(json!({"addresses": [{"name": "a", "default": true}, {"name": "b", "default": true}]})), "spec.addresses", "at most one address can be the default"),
        refused("two addresses of a name", spec(json!({"addresses": [{"name": "a"}, {"name": "a"}]})), "spec.addresses[1]", "Duplicate"),
        refused("nine addresses", spec(json!({"addresses": flood})), "spec.addresses", "at most 8 items"),
        refused("seven lines", address(json!({"name": "a", "lines": ["1", "2", "3", "4", "5", "6", "7"]})), "spec.addresses[0].lines", "at most 6 items"),
        refused("a line break in a line", address(json!({"name": "a", "lines": ["1\n2"]})), "spec.addresses[0].lines[0]", "must be one line of text"),
        refused("a city on two lines", address(json!({"name": "a", "city": "Ber\nlin"})), "spec.addresses[0].city", "must be one line of text"),
        refused("an address without a name", address(json!({"city": "Berlin"})), "spec.addresses[0].name", "Required"),
        refused("an address with a name of two words", address(json!({"name": "head office"})), "spec.addresses[0].name", "must be the name of an object"),
        taken("a British postal code", address(json!({"name": "a", "postalCode": "SW1A 1AA", "country": "GB"}))),
        taken("a country that ISO leaves to its users", address(json!({"name": "a", "country": "XK"}))),
        refused("a postal code with a slash", address(json!({"name": "a", "postalCode": "10/115"})), "spec.addresses[0].postalCode", "must be a postal code"),
        refused("a country that is none", address(json!({"name": "a", "country": "UK"})), "spec.addresses[0].country", "ISO 3166-1"),
        refused("a country in lower case", address(json!({"name": "a", "country": "de"})), "spec.addresses[0].country", "ISO 3166-1"),
        refused("a country of three letters", address(json!({"name": "a", "country": "DEU"})), "spec.addresses[0].country", "more than 2"),
    ]
}

fn choices() -> Vec<Row> {
    const DOMAIN: &str = "spec.domain";
    const DNS: &str = "must be a DNS name in lower case";
    const ROUTES: &str = "spec.postalRoutes";
    let domain = |domain: &str| spec(json!({"domain": domain}));
    let currency = |currency: &str| spec(json!({"billing": {"currency": currency}}));
    let routes = |routes: Value| spec(json!({"postalRoutes": routes}));
    let label = "a".repeat(63);
    let longest = [&label[..], &label, &label, &"b".repeat(57), "com"].join(".");
    let flood: Vec<String> = many(17, |i| format!("r{i}"));
    vec![
        taken("a domain", domain("shop.globex.example")),
        taken("an international domain", domain("xn--mller-kva.example")),
        taken("a domain of 253 characters", domain(&longest)),
        refused("a domain of 254 characters", domain(&format!("a{longest}")), DOMAIN, "more than 253"),
        refused("a domain in upper case", domain("Globex.example"), DOMAIN, DNS),
        refused("a domain in unicode", domain("müller.example"), DOMAIN, DNS),
        refused("a domain with a homoglyph", domain("gl\u{43e}bex.example"), DOMAIN, DNS),
        refused("a domain with a dot at its end", domain("globex.example."), DOMAIN, DNS),
        refused("a domain with a wildcard", domain("*.globex.example"), DOMAIN, DNS),
        refused("a domain of one label", domain("example"), DOMAIN, DNS),
        refused("a domain with a label too long", domain(&format!("{label}a.example")), DOMAIN, DNS),
        refused("an address for a domain", domain("192.0.2.1"), DOMAIN, DNS),
        refused("a URL for a domain", domain("https://globex.example"), DOMAIN, DNS),
        refused("an empty domain", domain(""), DOMAIN, DNS),
        taken("a currency", currency("CHF")),
        refused("a currency that is none", currency("EUX"), "spec.billing.currency", "ISO 4217"),
        refused("a currency in lower case", currency("eur"), "spec.billing.currency", "ISO 4217"),
        refused("a currency that is gone", currency("DEM"), "spec.billing.currency", "ISO 4217"),
        refused("no currency, by its code", currency("XXX"), "spec.billing.currency", "ISO 4217"),
        refused("a sector that is none", spec(json!({"sector": "public"})), "spec.sector", "supported values"),
        refused("a plan in capitals", spec(json!({"plan": "Business"})), "spec.plan", "must be the name of an object"),
        refused("an empty plan", spec(json!({"plan": ""})), "spec.plan", "must be the name of an object"),
        taken("two routes", routes(json!(["eu-relay", "us-relay"]))),
        refused("no route in the list", routes(json!([])), ROUTES, "leave the field out"),
        refused("a route twice", routes(json!(["a", "b", "a"])), ROUTES, "must name each route once"),
        refused("seventeen routes", routes(json!(flood)), ROUTES, "at most 16 items"),
        refused("a route of another namespace", routes(json!(["partner-x/relay"])), "spec.postalRoutes[0]", "must be the name of an object"),
        taken("how it sends", spec(json!({"sending": {"funnelOrder": "FIFO", "validateLists": true}}))),
        taken("another order", spec(json!({"sending": {"funnelOrder": "RoundRobin"}}))),
        refused("an order that is none", spec(json!({"sending": {"funnelOrder": "fifo"}})), "spec.sending.funnelOrder", "supported values"),
        refused("lists looked at perhaps", spec(json!({"sending": {"validateLists": "maybe"}})), "spec.sending.validateLists", "must be of type boolean"),
        refused("an answer in words", spec(json!({"onHold": "yes"})), "spec.onHold", "must be of type boolean"),
    ]
}
